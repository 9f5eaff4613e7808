//! What is written survives its readers.

use proptest::prelude::*;

use super::super::yaml::{Yaml, comment};
use super::*;

/// What a double-quoted scalar of YAML says.
fn unquoted(text: &str) -> Option<String> {
    let mut said = String::new();
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?.chars();
    while let Some(character) = rest.next() {
        let digits = match character {
            '"' => return None,
            '\\' => match rest.next()? {
                'n' => {
                    said.push('\n');
                    continue;
                }
                't' => {
                    said.push('\t');
                    continue;
                }
                'u' => 4,
                'U' => 8,
                escaped => {
                    said.push(escaped);
                    continue;
                }
            },
            plain => {
                said.push(plain);
                continue;
            }
        };
        let code: String = rest.by_ref().take(digits).collect();
        said.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
    }
    Some(said)
}

#[test]
fn blocks_are_indented_and_strings_quoted() {
    let document = Yaml::Map(vec![
        ("name", Yaml::text("0.5")),
        ("none", Yaml::List(Vec::new())),
        ("empty", Yaml::Map(Vec::new())),
        (
            "list",
            Yaml::List(vec![
                Yaml::Commented(
                    vec!["why\n- not: this".to_owned()],
                    Box::new(Yaml::Map(vec![
                        ("a", Yaml::Number("0.999".to_owned())),
                        ("b", Yaml::List(vec![Yaml::text("x"), Yaml::Bool(true)])),
                    ])),
                ),
                Yaml::text("y"),
            ]),
        ),
    ]);
    let text = "\
name: \"0.5\"
none: []
empty: {}
list:
  # why - not: this
  - a: 0.999
    b:
      - \"x\"
      - true
  - \"y\"
";
    assert_eq!(document.document(), text);
}

proptest! {
    #[test]
    fn any_text_reads_back(text in any::<String>()) {
        let document = Yaml::text(text.clone()).document();
        let line = document.strip_suffix('\n').unwrap();
        prop_assert_eq!(line.lines().count(), 1);
        prop_assert_eq!(unquoted(line), Some(text.clone()));
        prop_assert_eq!(comment(&text).lines().count(), 1);
    }
}

#[test]
fn rules_say_what_is_left_out() {
    let rules = of([objective("90", Window::DAYS_30)]).rules();
    let comments: Vec<_> = rules.lines().filter(|line| line.contains("left out")).collect();
    assert_eq!(
        comments,
        ["  # left out: page of available over 5m/1h: at 90% not even a total outage burns the \
          budget 14.4 times as fast as it lasts"]
    );
    let windows = values(&rules, "window");
    assert_eq!(windows, ["30m/6h", "2h/1d", "6h/3d"]);
    assert!(!rules.contains("increase5m"), "nobody would read it");
}

#[test]
fn each_window_is_recorded_once_and_each_alert_has_its_waits() {
    let rules = of([objective("99.9", Window::DAYS_30)]).rules();
    let mut records: Vec<_> = values(&rules, "record");
    records.retain(|record| record.starts_with("slo:events:"));
    let windows = ["5m", "1h", "30m", "6h", "2h", "1d", "3d", "30d"];
    assert_eq!(records, windows.map(|window| format!("slo:events:increase{window}")));
    let waits = ["30s", "3m", "12m", "36m", "1m", "5m", "2m", "2m", "0s"];
    assert_eq!(values(&rules, "for"), waits);
    let waits = ["30s", "3m", "12m", "36m", "1m", "1m", "2m", "2m", "10m"];
    assert_eq!(values(&rules, "keep_firing_for"), waits);
    assert_eq!(values(&rules, "interval"), ["15s", "1m", "1m", "1m", "2m", "15s"]);
}

#[test]
fn scaled_windows_are_told_in_milliseconds() {
    let hour = Window::scaled(Duration::from_secs(3_600)).unwrap();
    let rules = of([objective("99.9", hour)]).rules();
    assert_eq!(values(&rules, "window"), ["416ms/5s", "2s500ms/30s", "10s/2m", "30s/6m"]);
    let intervals = ["100ms", "125ms", "500ms", "1s500ms", "1s", "15s"];
    assert_eq!(values(&rules, "interval"), intervals);
}

#[test]
fn a_description_is_no_template() {
    let described = Objective::availability("a", target("99")).description("{{ $value }}");
    let rules = of([described.build().unwrap()]).rules();
    let descriptions = values(&rules, "description");
    assert!(descriptions[0].starts_with("{{ \"{{\" }} $value }} Over 1h"), "{}", descriptions[0]);
}

#[test]
fn openslo_tells_each_objective_that_it_can_tell() {
    let odd = Window::scaled(Duration::from_secs(90)).unwrap();
    let odd = Objective::availability("odd", target("99.95")).window(odd).build().unwrap();
    let text = of([objective("99.95", Window::DAYS_28), odd]).openslo();
    let documents: Vec<_> = text.split("---\n").collect();
    let [service, told, left_out] = documents[..] else { panic!("{text}") };
    assert_eq!(values(service, "kind"), ["Service"]);
    assert_eq!(values(told, "kind"), ["SLO"]);
    assert_eq!(values(told, "duration"), ["28d"]);
    let targets: Vec<_> =
        told.lines().filter(|line| line.trim_start().starts_with("target")).collect();
    assert_eq!(targets, ["      target: 0.9995"]);
    let queries = [r#"outcome="good""#, ""].map(|outcome| {
        let comma = if outcome.is_empty() { "" } else { "," };
        format!(r#"sum(slo_events_total{{job="shop",slo="available"{comma}{outcome}}})"#)
    });
    assert_eq!(values(told, "query"), queries);
    assert_eq!(left_out, "# left out: odd: OpenSLO v1 has no duration for its period of 1m30s\n");
}

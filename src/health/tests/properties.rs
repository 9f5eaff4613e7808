//! Nothing that a check says breaks out of where it stands.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::escape::is_control;

/// Texts with what breaks lines, quotes and terminals.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[\\x00-\\x1f\"\\\\\u{7f}-\u{9f}\u{2028}\u{2029}\u{202e}\u{feff}\\[+\\]-]{0,8}",
        Just("\n[+]db ok\nreadyz check passed\n".to_owned()),
        Just("\",\"status\":\"pass".to_owned()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn with<R>(component: Component, about: &str, ask: impl FnOnce(&Health) -> R) -> R {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let builder = Health::builder().component(component).clock(paused());
        let health = builder.version(about).note(about).description(about).start().unwrap();
        settle().await;
        ask(&health)
    })
}

/// The output as it is kept: cut, and without its secrets.
fn kept(output: &str) -> String {
    let redaction = Redaction::default();
    let board = board([component("db")], &ManualClock::new());
    board.record(0, Report::fail(output), secs(0));
    let kept = board.snapshot().output_of(0);
    assert!(redaction.query(output).starts_with(&*kept) || output.len() > 4096);
    kept
}

proptest! {
    #[test]
    fn json_says_what_was_said_and_no_more(
        output in hostile(),
        unit in hostile(),
        about in hostile(),
        value in any::<f64>(),
    ) {
        let report = Report::fail(output.clone()).observed(value, unit.clone());
        let told = Told::new(report).component("db");
        let (status, _, text) = with(told, &about, |health| asked(health, "/health", Details::Told));
        prop_assert_eq!(status, 503);
        prop_assert!(!text.chars().any(is_control));
        let found: Value = serde_json::from_str(&text).unwrap();
        let unit = &unit[..unit.floor_char_boundary(64)];
        let mut check = serde_json::json!({
            "status": "fail",
            "observedValue": if value.is_finite() { Value::from(value) } else { Value::Null },
            "observedUnit": unit,
            "time": "2026-01-01T00:00:00Z",
        });
        let kept = kept(&output);
        if !kept.is_empty() {
            check["output"] = kept.into();
        }
        let expected = serde_json::json!({
            "status": "fail", "version": about, "description": about, "notes": [about],
            "checks": {"db": [check]},
        });
        // -0.0 is 0.0 to both
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_line_stays_one_line(output in hostile(), excluded in hostile()) {
        let told = Told::new(Report::fail(output)).component("db");
        let query: String = form_urlencoded::Serializer::new("verbose".to_owned())
            .append_pair("exclude", &excluded)
            .finish();
        let path = format!("/readyz?{query}");
        let (status, _, text) = with(told, "", |health| asked(health, &path, Details::Told));
        prop_assert_eq!(status, 503);
        let lines: Vec<_> = text.split('\n').collect();
        prop_assert_eq!(lines.len(), 4, "{}", text);
        prop_assert!(lines[0].starts_with("[-]db failed"));
        prop_assert!(lines[1].starts_with("warn: some health checks cannot be excluded: no matches for \""));
        prop_assert_eq!(&lines[2..], ["readyz check failed", ""]);
        prop_assert!(lines.iter().all(|line| !line.chars().any(is_control)));
    }

    #[test]
    fn a_name_is_refused_or_stands_whole(name in prop_oneof![hostile(), "[A-Za-z0-9._:/-]{1,64}"]) {
        let is_name = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte))
            && name != "drain";
        match component(&name).build() {
            Err(error) => {
                prop_assert!(!is_name);
                prop_assert_eq!((error.field(), error.value()), ("name", &*name));
            }
            Ok(_) => {
                prop_assert!(is_name);
                let told = Told::new(Report::pass()).component(&name);
                let (_, _, text) = with(told, "", |health| {
                    asked(health, "/readyz", Details::Withheld)
                });
                let expected = format!(r#"{{"status":"pass","checks":{{"{name}":[{{"status":"pass"}}]}}}}"#);
                prop_assert_eq!(text, expected);
            }
        }
    }

    #[test]
    fn any_path_and_query_gets_an_answer(path in "[!-~&&[^ \"<>\\\\^`{|}#]]{0,80}") {
        let told = Told::new(Report::pass());
        for start in ["/readyz?", "/health?exclude=", "/"] {
            let path = format!("{start}{path}");
            if path.parse::<http::Uri>().is_ok() {
                let component = told.component("db");
                let status = with(component, "", |health| asked(health, &path, Details::Told).0);
                prop_assert!(matches!(status, 200 | 404), "{}", status);
            }
        }
    }
}

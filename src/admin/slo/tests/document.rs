//! The document.

use super::*;

fn condition(severity: &str, short: Value, long: Value, factor: &str) -> Value {
    let window = match severity {
        "page" if factor == "14.4" => "10s/2m",
        "page" => "1m/12m",
        _ if factor == "3" => "4m/48m",
        _ => "12m/2h24m",
    };
    json!({"severity": severity, "window": window, "short_seconds": short, "long_seconds": long, "factor": factor})
}

fn with(mut value: Value, members: Value) -> Value {
    let more = members.as_object().unwrap().clone();
    value.as_object_mut().unwrap().extend(more);
    value
}

fn left_out(severity: &str, short: u64, long: u64, factor: &str) -> Value {
    let reason = format!(
        "Even a total outage burns the budget no faster than 1/0.5 times as fast as allowed; this takes more than \
         {factor} times."
    );
    with(condition(severity, json!(short), json!(long), factor), json!({"reason": reason}))
}

#[tokio::test]
async fn the_whole_document() {
    let mut objective = available("99.9");
    objective = objective.description("a \u{202e}").routes(["/a"]);
    let bench = Bench::new([objective]);
    let none = |window: &str, seconds: u64| json!({"window": window, "window_seconds": seconds, "good": 0, "bad": 0, "coverage": 0.0, "rate": null});
    let alert = |severity: &str, short: u64, long: u64, window: &str, factor: &str| {
        json!({
            "severity": severity, "window": window, "short_seconds": short, "long_seconds": long,
            "factor": factor, "state": "inactive", "since": "2026-01-01T00:00:00Z",
        })
    };
    let expected = json!({
        "scope": "instance",
        "scope_note": "Counted by this instance alone, not by the fleet; of that Prometheus knows, by slo_events_total.",
        "objectives": [{
            "name": "available",
            "description": "a \u{202e}",
            "side": "server",
            "target": "99.9%",
            "error_budget": "0.001",
            "window_seconds": 2_592_000,
            "indicator": {"kind": "availability"},
            "routes": ["/a"],
            "least_bad": 5,
            "runbook_url": null,
            "at": "2026-01-01T00:00:00Z",
            "since_start": {"good": 0, "bad": 0},
            "budget": {"good": 0, "bad": 0, "coverage": 0.0, "remaining": null},
            "burn_rates": [
                none("5m", 300), none("30m", 1_800), none("1h", 3_600), none("2h", 7_200),
                none("6h", 21_600), none("1d", 86_400), none("3d", 259_200), none("30d", 2_592_000),
            ],
            "alerts": [
                alert("page", 300, 3_600, "5m/1h", "14.4"),
                alert("page", 1_800, 21_600, "30m/6h", "6"),
                alert("ticket", 7_200, 86_400, "2h/1d", "3"),
                alert("ticket", 21_600, 259_200, "6h/3d", "1"),
            ],
            "unreachable": [],
            "history": [{"at": "2026-01-01T00:00:00Z", "remaining": null}],
        }],
    });
    let told = bench.get("/slo").await;
    assert_eq!(told.json(), expected);
    assert_eq!(told.header("content-type"), Some("application/json"));
    assert_eq!(told.header("vary"), Some("Accept"));
    assert!(told.body.is_ascii(), "what reorders a line is escaped");
}

#[tokio::test]
async fn what_was_counted_is_told() {
    let bench = bench().await;
    let told = bench.get("/slo").await.json();
    let [available, fast] = &told["objectives"].as_array().unwrap()[..] else { panic!("two") };
    assert_eq!(available["at"], "2026-01-02T00:00:05Z");
    assert_eq!(available["since_start"], json!({"good": 23_976, "bad": 24}));
    let burn = |window: &str, seconds: Value, good: u64, rate: f64| json!({"window": window, "window_seconds": seconds, "good": good, "bad": 24, "coverage": 1.0, "rate": rate});
    let rates = &available["burn_rates"];
    assert_eq!(rates[0], burn("10s", json!(10), 0, 1.0 / available_budget()));
    assert_eq!(rates.as_array().unwrap().len(), 8);
    let firing = with(
        condition("page", json!(10), json!(120), "14.4"),
        json!({"state": "firing", "since": "2026-01-02T00:00:01.666580265Z"}),
    );
    assert_eq!(available["alerts"][0], firing);
    assert_eq!(available["budget"]["bad"], 24);
    assert!(available["budget"]["remaining"].as_f64().unwrap().abs() < 0.05);
    assert_eq!(available["history"].as_array().unwrap().len(), 61);

    assert_eq!(
        fast["indicator"],
        json!({"kind": "latency", "threshold_seconds": 0.25, "at": "end"})
    );
    assert_eq!((&fast["side"], &fast["routes"]), (&json!("client"), &json!(["/a", "/b"])));
    assert_eq!(fast["alerts"].as_array().unwrap().len(), 1);
    let expected = json!([
        left_out("page", 10, 120, "14.4"),
        left_out("page", 60, 720, "6"),
        left_out("ticket", 240, 2_880, "3"),
    ]);
    assert_eq!(fast["unreachable"], expected);
}

fn available_budget() -> f64 {
    Target::percent("99.9").unwrap().error_budget()
}

#[tokio::test]
async fn a_window_in_milliseconds_is_a_fraction() {
    let bench = Bench::new([available("99.9").window(Window::scaled(DAY / 24).unwrap())]);
    let told = bench.get("/slo").await.json();
    let shortest = &told["objectives"][0]["burn_rates"][0];
    assert_eq!(
        (&shortest["window"], &shortest["window_seconds"]),
        (&json!("416ms"), &json!(0.416))
    );
}

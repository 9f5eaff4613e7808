//! The documents.

use super::*;
use crate::live::FamilyId;

#[tokio::test]
async fn the_document_tells_what_the_board_does() {
    let health = || vec![HealthLine::new("db", HealthStatus::Warn, "slow")];
    let page =
        |page: LivePage| page.service("checkout", "1.2.3").fact("commit", "abc").health(health);
    let bench = Bench::of(page, |admin| admin);
    bench.ask(of_route("/a"), Duration::from_millis(250), StatusCode::OK);
    bench.ask(of_route("/a"), Duration::from_millis(750), StatusCode::SERVICE_UNAVAILABLE);
    let mut service = bench.layer.layer(Script::pends());
    let _stuck = service.call(of_route("/b"));
    bench.clock.advance(Duration::from_secs(12));
    let mut told = bench.json("/debug").await;
    let runtime = told["runtime"].take();
    assert_eq!((&runtime["commit"], &runtime["os"]), (&json!("abc"), &json!(std::env::consts::OS)));
    let red = |count: u32, errors: u32, duration: f64| {
        json!({
            "count": count, "errors": errors, "peer_ended": 0, "duration_seconds": duration,
            "mean_seconds": duration / f64::from(count), "p50_seconds": 0.25, "p95_seconds": 0.725,
        })
    };
    let window = |slots: u32, seconds: f64| {
        let whole = f64::from(slots) * seconds;
        json!({
            "window_seconds": whole, "slot_seconds": seconds, "rate": 2.0 / whole,
            "whole": red(2, 1, 1.0),
        })
    };
    let bounds = crate::live::bounds().map(|bound| json!(bound.as_secs_f64())).chain([Value::Null]);
    let buckets = bounds
        .enumerate()
        .map(|(at, upper)| json!({"upper_seconds": upper, "count": u8::from(at == 6 || at == 8)}));
    let expected = json!({
        "scope": "instance",
        "scope_note": "What this process remembers; of the other instances it knows nothing.",
        "service": {"name": "checkout", "version": "1.2.3"},
        "at": "2026-01-01T00:00:13Z",
        "since": "2026-01-01T00:00:00Z",
        "uptime_seconds": 13.0,
        "active": {"count": 1, "unlisted": 0, "exchanges": [{
            "age_seconds": 12.0, "started_at": "2026-01-01T00:00:01Z", "waited_seconds": 0.0,
            "stage": "handler", "response_bytes": null, "side": "server", "family": "/b", "method": "GET",
            "path": "/asked", "request_id": null, "trace_id": null,
        }]},
        "families": [{
            "id": 4, "side": "server", "name": "/a", "since_start": red(2, 1, 1.0),
            "buckets": buckets.collect::<Vec<_>>(),
            "minute": window(60, 1.0), "hour": window(60, 60.0), "day": window(96, 900.0),
        }],
        "errors": [{
            "family_id": 4, "family": "/a", "started_at": "2026-01-01T00:00:00.25Z",
            "duration_seconds": 0.75, "method": "GET", "path": "/asked", "outcome": "completed",
            "blame": "ours", "status": 503, "grpc_status": null, "error_type": "503", "error": null,
            "panic_location": null, "response_bytes": 0, "request_id": null, "trace_id": null,
            "attributes": {}, "attributes_left_out": 0,
        }],
        "objectives": null,
        "health": [{"name": "db", "status": "warn", "detail": "slow"}],
        "runtime": null,
        "endpoints": [],
    });
    assert_eq!(told, expected);

    let family = bench.json("/debug/families/4").await;
    assert_eq!(family["samples"]["errors"].as_array().unwrap().len(), 1);
    assert_eq!(family["samples"]["buckets"].as_array().unwrap().len(), 15);
    assert_eq!(family["samples"]["buckets"][6]["duration_seconds"], 0.25);
    assert_eq!(family["family"]["day"]["slots"].as_array().unwrap().len(), 96);
    let report = bench.board.family(FamilyId::from_number(4)).unwrap();
    assert_eq!(family["family"]["name"], report.name);
}

#[tokio::test]
async fn who_tells_the_health_may_panic() {
    let bench = Bench::of(|page| page.health(|| panic!("no")), |admin| admin);
    let expected =
        json!([{"name": "health", "status": "fail", "detail": "what tells the health panicked"}]);
    assert_eq!(bench.json("/debug").await["health"], expected);
}

#[cfg(feature = "slo")]
#[tokio::test]
async fn objectives_are_told_as_slo_tells_them() {
    use crate::slo::{Objective, SloTracker, Target};

    let objective = Objective::availability("a", Target::percent("99").unwrap()).build().unwrap();
    let clock = ManualClock::new();
    let tracker = SloTracker::builder().objective(objective).clock(clock.clock()).build().unwrap();
    let bench = Bench::of(|page| page, |admin| admin.objectives(tracker));
    let told = bench.json("/debug").await;
    assert_eq!(told["objectives"], bench.json("/slo").await["objectives"]);
    assert_eq!(told["endpoints"], json!([{"path": "/slo", "methods": {"GET": "read"}}]));
    let page = bench.page("/debug?format=html").await;
    assert_eq!(text(all(&page, "#at-objectives tbody a")[0]), "a");
}

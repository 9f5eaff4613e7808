//! Settings that cannot be used are refused.

use super::*;
use crate::slo::Severity;

fn refused(builder: super::super::ArtefactsBuilder) -> (&'static str, String) {
    let error = builder.build().unwrap_err();
    (error.field(), error.value().to_owned())
}

#[test]
fn what_cannot_be_used_is_named() {
    let shop = || Artefacts::builder("shop");
    let one = || objective("99", Window::DAYS_30);
    for name in ["", "a b", "a\"b", "a'b", "a\n", "ä"] {
        assert_eq!(refused(Artefacts::builder(name)), ("service", name.to_owned()));
        assert_eq!(refused(shop().job(name)), ("job", name.to_owned()));
    }
    assert_eq!(refused(shop().metric_prefix("a-b")), ("prefix", "a-b".to_owned()));
    assert_eq!(refused(shop().runbooks_url("/a")), ("runbooks_url", "/a".to_owned()));
    assert_eq!(refused(shop().objectives([one(), one()])), ("objectives", "available".to_owned()));
}

#[test]
fn job_and_prefix_stand_in_every_query() {
    let artefacts = Artefacts::builder("shop")
        .job("prod/shop")
        .metric_prefix("acme")
        .objective(objective("99.9", Window::DAYS_30))
        .build()
        .unwrap();
    let rules = artefacts.rules();
    let exprs = values(&rules, "expr");
    assert!(exprs.iter().all(|expr| expr.contains(r#"job="prod/shop""#)), "{exprs:?}");
    let http = r#"acme_http_server_request_duration_seconds_count{job="prod/shop"}"#;
    assert!(exprs.iter().any(|expr| expr.contains(http)));
    assert!(exprs.iter().any(|expr| expr.contains(r#"acme_telemetry_lost_total{"#)));
    assert!(exprs.iter().any(|expr| expr.contains(r#"(slo_events_total{"#)));
}

#[test]
fn runbooks_are_linked_where_they_are_published() {
    let own = Objective::availability("own", target("99.9"))
        .runbook_url("https://a.example/own")
        .severities([Severity::DEFAULTS[0]])
        .build()
        .unwrap();
    let one = Objective::availability("one", target("99.9"))
        .severities([Severity::DEFAULTS[0]])
        .build()
        .unwrap();
    let builder = Artefacts::builder("shop").objectives([own, one]);
    let urls = |artefacts: Artefacts| values(&artefacts.rules(), "runbook_url");
    assert_eq!(urls(builder.clone().build().unwrap()), ["https://a.example/own"]);
    let base = "https://b.example/";
    assert_eq!(
        urls(builder.runbooks_url(base).build().unwrap()),
        [
            "https://a.example/own",
            "https://b.example/ErrorBudgetBurn.md#one",
            "https://b.example/ServiceDown.md",
            "https://b.example/ServiceDown.md",
            "https://b.example/HighErrorRate.md",
            "https://b.example/HighErrorRate.md",
            "https://b.example/TelemetryLoss.md",
        ]
    );
}

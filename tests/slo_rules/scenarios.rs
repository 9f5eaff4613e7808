//! What may happen to a service, and what is to be told of it.

use serde_json::json;

pub(crate) use crate::scenario::Scenario;
use crate::scenario::{PAGE_1H, PAGE_6H, TICKET_1D, TICKET_3D};
use crate::variants::Variant;

pub(crate) fn all() -> Vec<Scenario> {
    [severities(), quiet_times(), fleets(), counters(), periods(), beside()]
        .into_iter()
        .flatten()
        .collect()
}

/// Each severity fires on time, and is over on time.
fn severities() -> Vec<Scenario> {
    vec![
        Scenario::new("a total outage pages within two minutes", "15s")
            .counts("0+1500x240 360000+0x40", "0+0x240 1500+1500x40")
            .burns("1h", &[])
            .burns("1h1m", &[])
            .burns("1h2m", &[PAGE_1H]),
        Scenario::new("the fast page is over when its short window is clean", "15s")
            .counts("0+1500x240 360000+0x19 361500+1500x200", "0+0x240 1500+1500x19 30000+0x200")
            .one(PAGE_1H, "1h", false)
            .one(PAGE_1H, "1h9m", true)
            .one(PAGE_1H, "1h11m30s", false),
        Scenario::new("the slow page fires after its share of the budget and is over", "1m")
            .counts("0+1000x120 120990+990x190 309100+1000x90", "0+0x120 10+10x190 1910+0x90")
            .burns("2h", &[])
            .one(PAGE_6H, "4h50m", false)
            .one(PAGE_6H, "5h10m", true)
            .one(PAGE_1H, "5h10m", false)
            .one(PAGE_6H, "5h40m", false),
        Scenario::new("a slow burn opens a ticket and does not page", "1m")
            .counts("0+995x60 60700+1000x120", "0+5x60 300+0x120")
            .burns("10m", &[])
            .burns("20m", &[TICKET_1D])
            .burns("45m", &[TICKET_1D, TICKET_3D])
            .one(TICKET_1D, "1h30m", true)
            .one(TICKET_1D, "2h", false),
        Scenario::new("the slowest burn opens a ticket and is over", "1m")
            .counts("0+998x180 180640+1000x300", "0+2x180 360+0x300")
            .burns("30m", &[])
            .burns("45m", &[TICKET_3D])
            .burns("5h", &[TICKET_3D])
            .burns("7h", &[]),
        Scenario::new("latency burns at its own target", "15s")
            .events("checkout-latency", "a", "0+50x80 4025+25x80", "0+50x80 4075+75x80")
            .series(r#"slo_events_total{job="checkout",instance="a",slo="checkout-availability",outcome="good"}"#, "0+100x160")
            .series(r#"slo_events_total{job="checkout",instance="a",slo="checkout-availability",outcome="bad"}"#, "0+0x160")
            .burns_of("checkout-latency", "2m", &[])
            .burns_of("checkout-latency", "10m", &[PAGE_6H])
            .burns("10m", &[])
            .burns("40m", &[]),
        Scenario::new("an alert tells its budget and its runbook", "15s")
            .counts("0+1470x40", "0+30x40")
            .burns("15s", &[])
            .burns("2m", &[PAGE_1H])
            .tells("ErrorBudgetBurn", "2m", json!([{
                "exp_labels": {
                    "job": "checkout",
                    "severity": "page",
                    "slo": "checkout-availability",
                    "window": "5m/1h",
                },
                "exp_annotations": {
                    "summary": "checkout: checkout-availability burns its error budget more than 14.4 times as fast as it lasts",
                    "description": "99.9% of the exchanges of /checkout do not fail, over 30d. Over 1h, and still over 5m, more than 0.0144 of the exchanges were bad, where 0.001 may be: 2% of the budget of 30d within 1h.",
                    "budget": "-1900% of the error budget of 30d remains",
                    "runbook_url": "https://runbooks.example/checkout/ErrorBudgetBurn.md#checkout-availability",
                },
            }])),
    ]
}

/// Few events, and none.
fn quiet_times() -> Vec<Scenario> {
    let burn_5m = "sum(slo:burn_rate:ratio5m)";
    vec![
        Scenario::new("idle is neither good nor bad nor NaN", "15s")
            .counts("0+1500x240 360000+0x19 360000+0x1900", "0+0x240 1500+1500x19 30000+0x1900")
            .burns("1h", &[])
            .one(PAGE_1H, "1h5m", true)
            .value("1h5m", &format!("{burn_5m} > bool 0"), Some(1.0))
            .one(PAGE_1H, "1h12m", false)
            .value("1h12m", burn_5m, None)
            .value("8h", "count(slo:events:increase5m == 0)", Some(1.0))
            .value("8h", burn_5m, None)
            .value("8h", r#"count({__name__=~"slo:.+"}) - count({__name__=~"slo:.+"} <= Inf)"#, Some(0.0))
            .burns("5h", &[TICKET_3D])
            .burns("9h", &[]),
        Scenario::new("the first error of a new service wakes nobody", "15s")
            .counts("0+1x40 41+1x40", "0 1+0x39 11+10x40")
            .burns("2m", &[])
            .burns("9m45s", &[])
            .burns("12m", &[PAGE_1H]),
        Scenario::new("few errors in little traffic wake nobody", "1m")
            .counts("0+1x60 61+1x20", "0 1 1+0x10 2+0x10 3+0x10 4+0x28 5+1x20")
            .burns("40m", &[])
            .burns("59m", &[])
            .one(PAGE_1H, "1h6m", true),
        Scenario::new("errors of an idle night cost what they are", "1m")
            .counts(
                "0+1000x480 480000+0x959 480000+0x60",
                "0+0x480 1+0x119 2+0x119 3+0x119 4+0x119 5+0x119 6+0x119 7+0x119 8+0x119 108+100x60",
            )
            .burns("8h", &[])
            .one(PAGE_1H, "16h", false)
            .one(PAGE_6H, "20h", false)
            .one(PAGE_6H, "23h59m", false)
            .value("23h59m", "abs(sum(slo:error_budget_remaining:ratio) - 0.98333) < bool 0.001", Some(1.0))
            .one(PAGE_1H, "24h10m", true),
        Scenario::new("bursts with idle minutes between do not flap", "15s")
            .counts(&bursts(20, 24), &bursts(10, 24))
            .burns("15s", &[])
            .one(PAGE_1H, "20m", true)
            .value(
                "2h",
                r#"sum(count_over_time(ALERTS{alertstate="firing",slo="checkout-availability",window="5m/1h"}[1h:15s]))"#,
                Some(241.0),
            ),
    ]
}

/// So much at once, every 5 minutes and 15 seconds.
fn bursts(events: u32, times: u32) -> String {
    let value = |at| format!("{}+0x20", at * events);
    (0..times).map(value).collect::<Vec<_>>().join(" ")
}

/// Several instances.
fn fleets() -> Vec<Scenario> {
    let slo = "checkout-availability";
    vec![
        Scenario::new("a new instance joins", "15s")
            .events(slo, "a", "0+1500x320", "0+0x320")
            .events(slo, "b", "_x240 0+1500x40 60000+0x40", "_x240 0+0x40 1500+1500x40")
            .burns("1h", &[])
            .burns("1h5m", &[])
            .value("1h10m", "sum(slo:events_bad:increase5m)", Some(0.0))
            .burns("1h12m30s", &[PAGE_1H]),
        Scenario::new("one of three instances fails and the fleet pages once", "15s")
            .events(slo, "a", "0+1500x280", "0+0x280")
            .events(slo, "b", "0+1500x280", "0+0x280")
            .events(slo, "c", "0+1500x240 360000+0x40", "0+0x240 1500+1500x40")
            .burns("1h", &[])
            .burns("1h2m", &[])
            .burns("1h4m15s", &[PAGE_1H, PAGE_6H]),
        Scenario::new("an instance with little traffic that fails wholly is no outage", "15s")
            .events(slo, "a", "0+1000x240 240000+1000x80", "0+0x320")
            .events(slo, "b", "0+0x320", "0+5x240 1400+200x80")
            .one(PAGE_1H, "1h", false)
            .one(PAGE_1H, "1h15m", true),
        Scenario::new("an instance that is gone takes nothing back", "15s")
            .events(slo, "a", "0+1500x320", "0+0x320")
            .events(slo, "b", "0+1500x240 stale", "0+0x236 1500+1500x3 stale")
            .burns("59m", &[])
            .value("1h5m", "sum(slo:events_bad:increase1h) > bool 5900", Some(1.0))
            .one(PAGE_6H, "1h10m", true),
    ]
}

/// What befalls counters.
fn counters() -> Vec<Scenario> {
    vec![
        Scenario::new("restarts set counters back and nothing else", "15s")
            .counts("0+1999x40 0+1999x40 0+1999x40 0+1500x40", "0+1x40 0+1x40 0+1x40 0+500x40")
            .burns("10m", &[])
            .burns("21m", &[])
            .burns("30m45s", &[])
            .value("11m", "sum(slo:events_bad:increase5m) > bool 15", Some(1.0))
            .value("30m30s", "sum(slo:events_bad:increase5m) < bool 25", Some(1.0))
            .one(PAGE_1H, "38m", true),
        Scenario::new("without a series of errors there are none", "15s")
            .series(
                r#"slo_events_total{job="checkout",instance="a",slo="checkout-availability",outcome="good"}"#,
                "0+1500x320",
            )
            .series(
                r#"slo_events_total{job="checkout",instance="a",slo="checkout-availability",outcome="bad"}"#,
                "_x240 0+1500x80",
            )
            .burns("50m", &[])
            .value("50m", "sum(slo:burn_rate:ratio5m)", Some(0.0))
            .value("50m", "sum(slo:error_budget_remaining:ratio)", Some(1.0))
            .one(PAGE_1H, "1h5m", true),
        Scenario::new("errors between two scrapes far apart are not lost", "15s")
            .counts("0+1500x240 _x40 408000+1500x80", "0+0x240 _x40 18000+0x80")
            .burns("1h", &[])
            .burns("1h5m", &[])
            .one(PAGE_1H, "1h16m", false)
            .one(PAGE_6H, "1h16m", true),
        Scenario::new("another job by the same objective does not mix", "15s")
            .counts("0+1500x280", "0+0x280")
            .series(
                r#"slo_events_total{job="other",instance="a",slo="checkout-availability",outcome="bad"}"#,
                "0+1500x280",
            )
            .events("checkout-latency", "a", "0+0x280", "0+1500x280")
            .burns("1h", &[])
            .burns_of("checkout-latency", "2m", &[PAGE_1H])
            .value("1h", "sum(slo:events_bad:increase1h{slo=\"checkout-availability\"})", Some(0.0)),
    ]
}

/// Other periods and targets.
fn periods() -> Vec<Scenario> {
    vec![
        Scenario::new("scaled windows alarm on their own time", "1s")
            .of(Variant::Scaled)
            .counts("0+100x240 24000+0x10 24100+100x60", "0+0x240 100+100x10 1100+0x60")
            .burns("4m", &[])
            .one(("page", "10s/2m"), "4m5s", true)
            .one(("page", "10s/2m"), "4m25s", false)
            .value("4m5s", "count(slo:events:increase1d)", Some(1.0)),
        Scenario::new("of 28 days a burn of less than 1 opens a ticket", "1m")
            .of(Variant::Days28)
            .counts("0+99905x60", "0+95x60")
            .burns("30m", &[])
            .burns("45m", &[TICKET_3D]),
        Scenario::new("of 30 days a burn of less than 1 does not", "1m")
            .counts("0+99905x60 6096205+99800x60", "0+95x60 5800+200x60")
            .burns("30m", &[])
            .burns("1h", &[])
            .burns("2h", &[TICKET_3D]),
        Scenario::new("a severity out of reach is left to the others", "15s")
            .of(Variant::Low)
            .counts("0+0x200", "0+1500x200")
            .burns("2m", &[])
            .burns("10m", &[PAGE_6H]),
    ]
}

/// The alerts that need no objective.
fn beside() -> Vec<Scenario> {
    let down = |severity| format!(r#"job="checkout",severity="{severity}""#);
    let of_b = r#"instance="b",job="checkout",severity="ticket""#;
    let http = r#"http_server_request_duration_seconds_count{job="checkout",instance="a",http_route="/checkout",http_request_method="POST""#;
    let rpc = r#"rpc_server_call_duration_seconds_count{job="checkout",instance="a",rpc_method="shop.Payment/Charge""#;
    let lost = |signal| {
        format!(
            r#"telemetry_lost_total{{job="checkout",instance="a",exporter="otlp",signal="{signal}"}}"#
        )
    };
    vec![
        Scenario::new("a service that is down pages and one instance is a ticket", "15s")
            .series(r#"up{job="checkout",instance="a"}"#, "1x80 0x40 1x40")
            .series(r#"up{job="checkout",instance="b"}"#, "1x20 0x100 1x40")
            .fires("ServiceDown", "", "5m", &[])
            .fires("ServiceDown", "", "12m", &[of_b])
            .fires("ServiceDown", r#",severity="page""#, "20m30s", &[])
            .fires("ServiceDown", r#",severity="page""#, "22m", &[&down("page")])
            .fires("ServiceDown", "", "35m", &[]),
        Scenario::new("a service that is not scraped at all pages", "15s")
            .series(r#"up{job="checkout",instance="a"}"#, "1x40 stale")
            .fires("ServiceDown", "", "10m", &[])
            .fires("ServiceDown", "", "12m", &[&down("page")]),
        Scenario::new("routes that fail are told and peers that leave are not", "15s")
            .series(&format!(r#"{http},http_response_status_code="200"}}"#), "0+100x240")
            .series(&format!(r#"{http},error_type="cancelled"}}"#), "0+50x240")
            .series(&format!(r#"{http},error_type="aborted"}}"#), "0+50x240")
            .series(&format!(r#"{http},error_type="503"}}"#), "0+1x80 101+20x80 1701+0x80")
            .series(&format!(r#"{rpc},rpc_response_status_code="OK"}}"#), "0+100x240")
            .series(&format!(r#"{rpc},error_type="UNAVAILABLE"}}"#), "0+0x160 100+100x80")
            .fires("HighErrorRate", "", "20m", &[])
            .fires(
                "HighErrorRate",
                "",
                "30m",
                &[r#"http_route="/checkout",job="checkout",protocol="http",severity="ticket""#],
            )
            .fires(
                "HighErrorRate",
                "",
                "55m",
                &[r#"job="checkout",protocol="rpc",rpc_method="shop.Payment/Charge",severity="ticket""#],
            ),
        Scenario::new("telemetry that is lost is told", "15s")
            .series(&lost("spans"), "0+0x40 5+0x160")
            .series(&lost("logs"), "0+0x200")
            .fires("TelemetryLoss", "", "10m", &[])
            .fires(
                "TelemetryLoss",
                "",
                "12m",
                &[r#"instance="a",job="checkout",severity="ticket",signal="spans""#],
            )
            .fires("TelemetryLoss", "", "35m", &[]),
    ]
}

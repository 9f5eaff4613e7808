//! What a registry is told.

use prometheus::{Registry, TextEncoder};

use super::*;
use crate::health::HealthMetrics;
use crate::metrics::RegisterError;

#[tokio::test(start_paused = true)]
async fn status_duration_transitions_and_groups() {
    let db = Component::new("db", async || tokio::time::sleep(secs(2)).await).jitter(secs(0));
    let mail = Told::new(Report::warn("slow"));
    let health = Health::builder()
        .component(db)
        .component(mail.component("mail").interval(secs(10)))
        .clock(paused())
        .start()
        .unwrap();
    let registry = Registry::new();
    HealthMetrics::new(&health)
        .prefix("shop")
        .constant_label("zone", "a")
        .register(&registry)
        .unwrap();
    let told = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let lines = |text: String| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.replace(",zone=\"a\"", "").replace("shop_health_", "")).collect()
    };
    settle().await;
    assert_eq!(
        lines(told()),
        [
            r#"check_duration_seconds{check="mail"} 0"#,
            r#"check_status{check="db"} 0"#,
            r#"check_status{check="mail"} 1"#,
            r#"check_transitions_total{check="db",to="fail"} 0"#,
            r#"check_transitions_total{check="db",to="pass"} 0"#,
            r#"check_transitions_total{check="db",to="warn"} 0"#,
            r#"check_transitions_total{check="mail",to="fail"} 0"#,
            r#"check_transitions_total{check="mail",to="pass"} 0"#,
            r#"check_transitions_total{check="mail",to="warn"} 1"#,
            r#"status{group="live"} 2"#,
            r#"status{group="ready"} 0"#,
            r#"status{group="startup"} 2"#,
        ]
    );
    tokio::time::sleep(secs(5)).await;
    mail.tell(Report::fail("refused"));
    tokio::time::sleep(secs(8)).await;
    let now = lines(told());
    for line in [
        r#"check_duration_seconds{check="db"} 2"#,
        r#"check_status{check="db"} 2"#,
        r#"check_status{check="mail"} 0"#,
        r#"check_transitions_total{check="db",to="pass"} 1"#,
        r#"check_transitions_total{check="mail",to="fail"} 1"#,
        r#"status{group="ready"} 0"#,
    ] {
        assert!(now.iter().any(|found| found == line), "{line} is not in {now:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_registered_is_refused() {
    let health = Health::builder().start().unwrap();
    let registry = Registry::new();
    let metrics = HealthMetrics::new(&health);
    metrics.clone().register(&registry).unwrap();
    let again = metrics.clone().register(&registry).unwrap_err();
    assert!(matches!(again, RegisterError::Metric { .. }), "{again}");
    for (wrong, field) in [
        (metrics.clone().prefix("a-b"), "prefix"),
        (metrics.clone().constant_label("check", "x"), "constant_label"),
    ] {
        match wrong.register(&Registry::new()) {
            Err(RegisterError::Config(error)) => assert_eq!(error.field(), field),
            other => panic!("{other:?}"),
        }
    }
}

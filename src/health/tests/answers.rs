//! Whole answers.

use http::{Method, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::health::ComponentType;

/// One that passes, one that warns with a measurement, and one that fails but is not critical.
async fn shop(critical: bool) -> Health {
    let report = Report::warn("17 of 20 \"busy\"\n").observed(17.0, "connections");
    let pool = Told::new(report).component("pool").component_type(ComponentType::Datastore);
    let mail = Told::new(Report::fail("refused")).component("mail").critical(critical);
    let start = Told::new(Report::pass()).component("migrations");
    let health = Health::builder()
        .version("1")
        .release_id("1.2.3")
        .service_id("shop-1")
        .description("the \"shop\"")
        .note("cluster a")
        .component(pool)
        .component(mail)
        .component(start.groups([Group::Startup, Group::Live]))
        .clock(paused())
        .start()
        .unwrap();
    settle().await;
    health
}

const JSON: &str = "application/health+json";
const TEXT: &str = "text/plain; charset=utf-8";

#[tokio::test(start_paused = true)]
async fn everything_with_details() {
    let health = shop(false).await;
    let expected = concat!(
        r#"{"status":"warn","version":"1","releaseId":"1.2.3","serviceId":"shop-1","#,
        r#""description":"the \"shop\"","notes":["cluster a"],"checks":{"#,
        r#""pool":[{"status":"warn","componentType":"datastore","observedValue":17.0,"#,
        r#""observedUnit":"connections","time":"2026-01-01T00:00:00Z","#,
        r#""output":"17 of 20 \"busy\"\n"}],"#,
        r#""mail":[{"status":"fail","time":"2026-01-01T00:00:00Z","output":"refused"}],"#,
        r#""migrations":[{"status":"pass","time":"2026-01-01T00:00:00Z"}]}}"#,
    );
    assert_eq!(asked(&health, "/health", Details::Told), (200, JSON.into(), expected.into()));
}

#[tokio::test(start_paused = true)]
async fn names_and_states_alone_without_details() {
    let health = shop(true).await;
    let expected = concat!(
        r#"{"status":"fail","checks":{"pool":[{"status":"warn"}],"mail":[{"status":"fail"}],"#,
        r#""migrations":[{"status":"pass"}]}}"#,
    );
    let told = asked(&health, "/health", Details::Withheld);
    assert_eq!(told, (503, JSON.into(), expected.into()));
    let of = |path| asked(&health, path, Details::Withheld);
    let migrations = r#"{"status":"pass","checks":{"migrations":[{"status":"pass"}]}}"#;
    for path in ["/livez", "/startupz", "/any/where/livez"] {
        assert_eq!(of(path), (200, JSON.into(), migrations.into()), "{path}");
    }
    let ready =
        r#"{"status":"fail","checks":{"pool":[{"status":"warn"}],"mail":[{"status":"fail"}]}}"#;
    assert_eq!(of("/readyz"), (503, JSON.into(), ready.into()));
}

#[tokio::test(start_paused = true)]
async fn lines_as_kubernetes_writes_them() {
    let health = shop(true).await;
    for path in ["/readyz?verbose", "/readyz?verbose=false&timeout=1s&verbose"] {
        let withheld = "[-]mail failed: reason withheld\nreadyz check failed\n";
        let lines = format!("[+]pool ok, with a warning: reason withheld\n{withheld}");
        assert_eq!(asked(&health, path, Details::Withheld), (503, TEXT.into(), lines));
    }
    let told = concat!(
        "[+]pool ok, with a warning: 17 of 20 \\\"busy\\\"\\n\n[-]mail failed: refused\n",
        "[+]migrations ok\nhealth check failed\n"
    );
    let lines = asked(&health, "/health?verbose", Details::Told);
    assert_eq!(lines, (503, TEXT.into(), told.into()));
    let lines = asked(&shop(false).await, "/readyz?verbose&exclude=pool", Details::Told);
    let told = "[+]pool excluded: ok\n[-]mail failed, but is not critical: refused\n\
                readyz check passed\n";
    assert_eq!(lines, (200, TEXT.into(), told.into()));
}

#[tokio::test(start_paused = true)]
async fn what_is_excluded_does_not_count_and_unknown_names_are_told() {
    let health = shop(true).await;
    let json = r#"{"status":"warn","checks":{"pool":[{"status":"warn"}]}}"#;
    for path in ["/readyz?exclude=mail", "/readyz?exclude=%6dail&exclude=mail&exclude=nobody"] {
        assert_eq!(asked(&health, path, Details::Withheld), (200, JSON.into(), json.into()));
    }
    let path = "/readyz?verbose&exclude=mail&exclude=pool&exclude=a%0Ab&exclude=x,y";
    let lines = concat!(
        "[+]pool excluded: ok\n[+]mail excluded: ok\n",
        "warn: some health checks cannot be excluded: no matches for \"a\\nb\", \"x,y\"\n",
        "readyz check passed\n"
    );
    assert_eq!(asked(&health, path, Details::Withheld), (200, TEXT.into(), lines.into()));
}

#[tokio::test(start_paused = true)]
async fn a_drain_stands_among_what_is_ready() {
    let health = Health::builder().clock(paused()).start().unwrap();
    let passes = r#"{"status":"pass","checks":{}}"#;
    for path in ["/livez", "/readyz", "/startupz", "/health", "/readyz?exclude=drain"] {
        assert_eq!(asked(&health, path, Details::Told), (200, JSON.into(), passes.into()));
    }
    health.drain();
    let drains = r#"{"status":"fail","checks":{"drain":[{"status":"fail"}]}}"#;
    for path in ["/readyz", "/health"] {
        assert_eq!(asked(&health, path, Details::Withheld), (503, JSON.into(), drains.into()));
    }
    for path in ["/livez", "/startupz", "/readyz?exclude=drain"] {
        assert_eq!(asked(&health, path, Details::Withheld), (200, JSON.into(), passes.into()));
    }
    let lines = "[-]drain failed: the service is draining\nreadyz check failed\n";
    let told = asked(&health, "/readyz?verbose", Details::Told);
    assert_eq!(told, (503, TEXT.into(), lines.into()));
}

#[tokio::test(start_paused = true)]
async fn other_methods_and_paths_are_problems() {
    let health = shop(true).await;
    let mut seen = Vec::new();
    for (method, path) in [
        (Method::POST, "/readyz"),
        (Method::DELETE, "/health?verbose"),
        (Method::POST, "/elsewhere"),
        (Method::GET, "/readyz/"),
        (Method::GET, "/healthz"),
    ] {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        let response = health.service().oneshot(request).await.unwrap();
        let allow = response.headers().get("allow").map(|allow| allow.to_str().unwrap().to_owned());
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        seen.push((response.status().as_u16(), allow));
    }
    let allowed = || Some("GET, HEAD".to_owned());
    assert_eq!(seen, [(405, allowed()), (405, allowed()), (404, None), (404, None), (404, None)]);
}

#[tokio::test(start_paused = true)]
async fn a_head_is_told_what_a_get_is_but_its_body() {
    let health = shop(true).await;
    for path in ["/livez", "/readyz", "/readyz?verbose", "/health"] {
        let mut answers = Vec::new();
        for method in [Method::GET, Method::HEAD] {
            let request = Request::builder().method(method).uri(path).body(()).unwrap();
            let service = health.service().details(Details::Told);
            let (head, body) = service.oneshot(request).await.unwrap().into_parts();
            answers.push((head, body.collect().await.unwrap().to_bytes()));
        }
        let [(get, content), (head, nothing)] = &answers[..] else { panic!() };
        assert_eq!((get.status, &get.headers), (head.status, &head.headers));
        assert_eq!(get.headers["content-length"], content.len().to_string());
        assert_eq!(get.headers["x-content-type-options"], "nosniff");
        assert!(!content.is_empty() && nothing.is_empty());
    }
}

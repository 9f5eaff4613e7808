//! What each endpoint answers, whole.

use http::Method;
use serde_json::{Value, json};
use tower_observability::debug_dump::{CaptureId, curl, har, render};
use tower_observability::pprof::Profile;

use crate::bench::{Bench, PLACES, Place, READER, TOKEN};

fn armed(captured: u32) -> Value {
    json!({
        "rule": {
            "match": {},
            "time_to_live_seconds": 60,
            "captures": 1_000,
            "bytes": 64 << 20,
            "body_cap": 1 << 20,
        },
        "since": "2026-01-01T00:00:00Z",
        "left_seconds": 60,
        "captured": captured,
    })
}

fn summary(id: u64) -> Value {
    json!({
        "id": id,
        "started_at": "2026-01-01T00:00:00Z",
        "side": "server",
        "method": "POST",
        "uri": "/users/7?token=REDACTED",
        "route": "/users/{id}",
        "status": 200,
        "outcome": "completed",
        "grpc_status": null,
        "error_type": null,
        "duration_seconds": 0.0,
        "request_id": null,
        "trace_id": null,
        "request_bytes": 3,
        "response_bytes": 3,
    })
}

#[tokio::test]
async fn details_of_health_are_for_those_who_may_read() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        let told = async |token| {
            let response = bench.send(&Method::GET, "/health", token, None).await;
            assert_eq!(response.headers()["content-type"], "application/health+json");
            response.json::<Value>().await.unwrap()
        };
        assert_eq!(told(None).await, json!({"status": "pass", "checks": {}}));
        assert_eq!(
            told(Some("a-wrong-token-of-some-length")).await,
            json!({"status": "pass", "checks": {}})
        );
        assert_eq!(
            told(Some(READER)).await,
            json!({"status": "pass", "checks": {}, "releaseId": "7"})
        );
    }
}

#[tokio::test]
async fn the_live_page_tells_the_health_that_probes_tell() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        bench.health.drain();
        let page = bench.json("/debug?format=json").await;
        let line = json!([{"name": "drain", "status": "fail", "detail": "it takes on no more"}]);
        assert_eq!(page["health"], line);
        let probe = bench.send(&Method::GET, "/readyz", None, None).await;
        assert_eq!(probe.status(), 503);
    }
}

#[tokio::test]
async fn dumps() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        assert_eq!(
            bench.json("/debug/dump").await,
            json!({"armed": null, "watchers": 0, "captures": []})
        );
        let rule = armed(0)["rule"].to_string();
        let told = bench.send(&Method::POST, "/debug/dump", Some(TOKEN), Some(&rule)).await;
        let expected = json!({"armed": armed(0), "watchers": 0, "captures": []});
        assert_eq!((told.status().as_u16(), told.json().await.unwrap()), (200, expected));
        bench.call("one".to_owned()).await;
        bench.call("two".to_owned()).await;
        let expected =
            json!({"armed": armed(2), "watchers": 0, "captures": [summary(2), summary(1)]});
        assert_eq!(bench.json("/debug/dump").await, expected);

        let captures = bench.control.captures();
        let whole =
            |at: usize| -> Value { serde_json::from_slice(&render::json(&captures[at])).unwrap() };
        let all = bench.json("/debug/dump/captures").await;
        assert_eq!(all, json!({"captures": [whole(1), whole(0)]}));
        let all = bench.json("/debug/dump/captures?format=har").await;
        assert_eq!(all, har::log(&captures));

        for path in ["/debug/dump/captures/1", "/debug/dump/captures/1?format=json"] {
            assert_eq!(bench.json(path).await, whole(0));
        }
        let one = bench.json("/debug/dump/captures/2?format=har").await;
        assert_eq!(one, har::log(&captures[1..]));
        for (format, expected) in [
            ("text", render::text(&captures[0])),
            ("curl", curl::command(&captures[0]).unwrap() + "\n"),
        ] {
            let told = bench.get(&format!("/debug/dump/captures/1?format={format}")).await;
            assert_eq!(told.headers()["content-type"], "text/plain; charset=utf-8");
            assert_eq!(told.text().await.unwrap(), expected);
        }

        let told = bench.send(&Method::DELETE, "/debug/dump/captures", Some(TOKEN), None).await;
        let expected = json!({"armed": armed(2), "watchers": 0, "captures": []});
        assert_eq!((told.status().as_u16(), told.json().await.unwrap()), (200, expected));
        let told = bench.send(&Method::DELETE, "/debug/dump", Some(TOKEN), None).await;
        let expected = json!({"armed": null, "watchers": 0, "captures": []});
        assert_eq!((told.status().as_u16(), told.json().await.unwrap()), (200, expected));
        assert_eq!(bench.control.capture(CaptureId::new(1)), None);
    }
}

#[tokio::test]
async fn captures_that_are_not_there_and_formats_that_are_none() {
    let bench = Bench::new(Place::HyperOne).await;
    bench.arm();
    bench.call("one".to_owned()).await;
    let at = |rest: &str| format!("/debug/dump/captures{rest}");
    for (path, status, field) in [
        (at("/2"), 404, Value::Null),
        (at("/+1"), 404, Value::Null),
        (at("/a"), 404, Value::Null),
        (at("/99999999999999999999"), 404, Value::Null),
        (at("/"), 404, Value::Null),
        (at("/1/"), 404, Value::Null),
        (at("/1/2"), 404, Value::Null),
        (at("/1?format=xml"), 400, json!("format")),
        (at("/1?format="), 400, json!("format")),
        (at("/1?format=har&format=har"), 400, json!("format")),
        (at("/1?fromat=har"), 400, json!("fromat")),
        (at("/2?format=xml"), 400, json!("format")),
        (at("?format=curl"), 400, json!("format")),
    ] {
        let told = bench.send(&Method::GET, &path, Some(READER), None).await;
        assert_eq!(told.headers()["content-type"], "application/problem+json", "{path}");
        let told: Value = told.json().await.unwrap();
        assert_eq!((&told["status"], &told["field"]), (&json!(status), &field), "{path}");
    }
}

#[tokio::test]
async fn a_request_that_was_cut_has_no_command() {
    let bench = Bench::new(Place::HyperOne).await;
    bench.arm();
    bench.call("a".repeat((1 << 20) + 1)).await;
    let path = "/debug/dump/captures/1?format=curl";
    let told = bench.send(&Method::GET, path, Some(READER), None).await;
    let expected = json!({
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "no command sends this request again: its body or its trailers are not known as they were sent",
    });
    assert_eq!((told.status().as_u16(), told.json().await.unwrap()), (409, expected));
}

#[tokio::test]
async fn the_log_and_metrics() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        let at_rest = json!({"filter": "info", "default": "info", "falls_back": null});
        assert_eq!(bench.json("/debug/log").await, at_rest);
        let set = r#"{"filter":"warn","time_to_live_seconds":60}"#;
        let told = bench.send(&Method::POST, "/debug/log", Some(TOKEN), Some(set)).await;
        let falls_back = json!({"after_seconds": 60, "at_unix_seconds": 1_767_225_660});
        let expected = json!({"filter": "warn", "default": "info", "falls_back": falls_back});
        assert_eq!((told.status().as_u16(), told.json().await.unwrap()), (200, expected));
        let told = bench.send(&Method::DELETE, "/debug/log", Some(TOKEN), None).await;
        assert_eq!((told.status().as_u16(), told.json().await.unwrap()), (200, at_rest));
        let told = bench.send(&Method::GET, "/metrics", None, None).await;
        assert_eq!((told.status().as_u16(), told.text().await.unwrap()), (200, String::new()));
    }
}

#[tokio::test]
async fn objectives() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        bench.call("one".to_owned()).await;
        let told = bench.json("/slo").await;
        let expected = json!({"good": 1, "bad": 0});
        assert_eq!(told["objectives"][0]["since_start"], expected, "{place:?}");
        let page = bench.get("/slo?format=html").await;
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(page.text().await.unwrap().contains("1 good, 0 bad"));
    }
}

#[tokio::test]
async fn a_head_has_the_head_of_its_get() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        bench.arm();
        bench.call("one".to_owned()).await;
        for path in [
            "/",
            "/slo",
            "/slo?format=html",
            "/debug/log",
            "/debug/dump",
            "/debug/dump/captures/1?format=curl",
        ] {
            let without_date = |response: &reqwest::Response| {
                let mut headers = response.headers().clone();
                headers.remove("date");
                headers
            };
            let get = bench.get(path).await;
            let head = bench.send(&Method::HEAD, path, Some(READER), None).await;
            assert_eq!(without_date(&head), without_date(&get), "{path}");
            let length = head.headers()["content-length"].to_str().unwrap().parse();
            assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
            assert_eq!(Ok(get.bytes().await.unwrap().len()), length, "{path}");
        }
        // nobody waits 30 s for a head
        let profile = bench.send(&Method::HEAD, "/debug/pprof/profile", Some(READER), None).await;
        assert_eq!(profile.status(), 200);
        assert_eq!(profile.headers().get("content-length"), None);
        assert_eq!(profile.headers()["content-type"], "application/octet-stream");
    }
}

#[cfg(all(
    any(target_os = "linux", target_os = "macos"),
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[tokio::test]
async fn a_profile_is_one() {
    let bench = Bench::new(Place::HyperTwo).await;
    let told = bench.get("/debug/pprof/profile?seconds=1&frequency=100").await;
    let attachment = "attachment; filename=\"profile.pb.gz\"";
    assert_eq!(told.headers()["content-disposition"], attachment);
    assert!(Profile::decode(&told.bytes().await.unwrap()).is_ok());
}

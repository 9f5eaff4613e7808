use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use proptest::prelude::*;
use tower::ServiceExt;

use crate::pprof::service::Asked;
use crate::pprof::{Frequency, PprofService};

fn asked(uri: &str) -> Asked {
    Asked::of(&Request::get(uri).body(()).unwrap())
}

const SECONDS: Asked = Asked::Parameter("seconds", "a whole number of seconds from 1 to 120");
const FREQUENCY: Asked = Asked::Parameter("frequency", "a whole number of hertz from 1 to 1000");

#[test]
fn parameters() {
    let cpu = |seconds, hertz| {
        Asked::Cpu(Duration::from_secs(seconds), Frequency::from_hertz(hertz).unwrap())
    };
    for (uri, expected) in [
        ("/debug/pprof/profile", cpu(30, 99)),
        ("/profile?", cpu(30, 99)),
        ("/profile?seconds=1", cpu(1, 99)),
        ("/profile?seconds=120&frequency=1000", cpu(120, 1000)),
        ("/profile?debug=0&seconds=5", cpu(5, 99)),
        ("/profile?seconds=0", SECONDS),
        ("/profile?seconds=121", SECONDS),
        ("/profile?seconds=", SECONDS),
        ("/profile?seconds", SECONDS),
        ("/profile?seconds=+5", SECONDS),
        ("/profile?seconds=-1", SECONDS),
        ("/profile?seconds=1.5", SECONDS),
        ("/profile?seconds=99999999999999999999", SECONDS),
        ("/profile?seconds=5&seconds=5", SECONDS),
        ("/profile?second=5", Asked::UnknownParameter("second".to_owned())),
        ("/profile?seconds=5&x", Asked::UnknownParameter("x".to_owned())),
        ("/profile?frequency=0", FREQUENCY),
        ("/profile?frequency=1001", FREQUENCY),
        ("/debug/pprof/heap", Asked::Heap),
        ("/heap?seconds=x", Asked::Heap),
        ("/", Asked::Unknown),
        ("/profile/", Asked::Unknown),
        ("/debug/pprof/goroutine", Asked::Unknown),
    ] {
        assert_eq!(asked(uri), expected, "{uri}");
    }
}

proptest! {
    #[test]
    fn no_query_asks_for_more_than_is_allowed(query in "[a-z=&0-9%+.-]{0,40}") {
        match asked(&format!("/profile?{query}")) {
            Asked::Cpu(duration, frequency) => {
                prop_assert!((1..=120).contains(&duration.as_secs()));
                prop_assert!((1..=1000).contains(&frequency.hertz()));
            }
            other => prop_assert!(
                other == SECONDS
                    || other == FREQUENCY
                    || matches!(other, Asked::UnknownParameter(_))
            ),
        }
    }
}

async fn problem(method: Method, uri: &str) -> (StatusCode, Option<String>, String) {
    let request = Request::builder().method(method).uri(uri).body(()).unwrap();
    let response = PprofService::new().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let allow = response.headers().get(ALLOW).map(|allow| allow.to_str().unwrap().to_owned());
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, allow, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn what_is_wrong_is_told_as_problems() {
    assert_eq!(
        problem(Method::GET, "/debug/pprof/profile?seconds=500").await,
        (
            StatusCode::BAD_REQUEST,
            None,
            r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"takes a whole number of seconds from 1 to 120, once","field":"seconds"}"#.to_owned()
        )
    );
    for method in [Method::POST, Method::HEAD, Method::DELETE, Method::OPTIONS] {
        assert_eq!(
            problem(method, "/debug/pprof/heap").await,
            (
                StatusCode::METHOD_NOT_ALLOWED,
                Some("GET".to_owned()),
                r#"{"type":"about:blank","title":"Method Not Allowed","status":405}"#.to_owned()
            )
        );
    }
    assert_eq!(
        problem(Method::GET, "/debug/pprof/").await,
        (
            StatusCode::NOT_FOUND,
            None,
            r#"{"type":"about:blank","title":"Not Found","status":404}"#.to_owned()
        )
    );
    // no test runs under a jemalloc that profiles
    assert_eq!(
        problem(Method::GET, "/debug/pprof/heap").await,
        (
            StatusCode::NOT_IMPLEMENTED,
            None,
            r#"{"type":"about:blank","title":"Not Implemented","status":501,"detail":"heap profiles need the feature `pprof-jemalloc`, tikv-jemallocator as the global allocator, and `prof:true` among jemalloc's options"}"#.to_owned()
        )
    );
}

#[test]
fn frequencies_have_bounds() {
    assert_eq!(Frequency::default().hertz(), 99);
    for hertz in [0, 1001, 65_537, u32::MAX] {
        let error = Frequency::from_hertz(hertz).unwrap_err();
        assert_eq!(
            (error.field(), error.value(), error.allowed()),
            ("frequency", hertz.to_string().as_str(), "a whole number of hertz from 1 to 1000")
        );
    }
    assert_eq!(Frequency::from_hertz(1000).map(Frequency::hertz), Ok(1000));
}

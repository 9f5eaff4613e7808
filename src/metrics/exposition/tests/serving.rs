//! What a scrape gets over HTTP.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use prometheus::Registry;
use prometheus::proto::MetricType;
use tower_service::Service;

use super::super::{Format, MetricsBody, MetricsService, encode};
use super::kit::{family, gauge, register, registry};

/// Without a runtime: what a service needs is that somebody polls it.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

fn ask(
    registry: &Registry,
    method: Method,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, Bytes) {
    let mut request = Request::builder().method(method);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response: Response<MetricsBody> =
        now(MetricsService::new(registry).call(request.body(()).unwrap())).unwrap();
    let (head, body) = response.into_parts();
    (head.status, head.headers, now(body.collect()).unwrap().to_bytes())
}

fn many() -> Registry {
    registry(|| {
        let metrics = (0..100).map(|number| gauge(&[("number", &number.to_string())], 1.0));
        vec![family("g", MetricType::GAUGE, metrics.collect())]
    })
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

#[test]
fn get_answers_in_the_format_that_is_asked_for() {
    let registry = many();
    for (accept, format) in
        [("text/plain", Format::Text), ("application/openmetrics-text", Format::OpenMetrics)]
    {
        let expected = encode(&registry, format);
        let (status, told, body) = ask(&registry, Method::GET, &[("accept", accept)]);
        assert_eq!((status, &body[..]), (StatusCode::OK, &expected[..]));
        let length = expected.len().to_string();
        assert_eq!(
            told,
            headers(&[
                ("content-type", format.content_type()),
                ("content-length", &length),
                ("vary", "Accept, Accept-Encoding"),
            ])
        );
    }
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let registry = many();
    for encoding in ["identity", "gzip"] {
        let asked = [("accept", "application/openmetrics-text"), ("accept-encoding", encoding)];
        let (status, told, body) = ask(&registry, Method::HEAD, &asked);
        let of_get = ask(&registry, Method::GET, &asked);
        assert_eq!((status, &told), (of_get.0, &of_get.1));
        assert_eq!((body.len(), of_get.2.is_empty()), (0, false));
    }
}

#[test]
fn gzip_is_used_where_it_is_accepted_alone() {
    let registry = many();
    let plain = encode(&registry, Format::Text);
    for (accepted, is_used) in [("gzip", true), ("gzip;q=0", false), ("br", false), ("*", true)] {
        let (_, told, body) = ask(&registry, Method::GET, &[("accept-encoding", accepted)]);
        let encoding = told.get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(encoding, is_used.then_some("gzip"), "{accepted}");
        assert_eq!(told["vary"], "Accept, Accept-Encoding");
        // its magic number (RFC 1952, section 2.3.1)
        assert_eq!(body.starts_with(&[0x1f, 0x8b]), is_used);
        assert_eq!((body.len() < plain.len() / 4, body == plain), (is_used, !is_used));
    }
}

#[test]
fn every_other_method_is_told_which_are_allowed() {
    for method in [Method::POST, Method::DELETE, Method::OPTIONS, "PURGE".parse().unwrap()] {
        let (status, told, body) = ask(&many(), method, &[]);
        assert_eq!(
            (status, &told["allow"]),
            (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
        );
        assert_eq!(body, "use GET or HEAD\n");
    }
}

#[test]
fn a_collector_that_panics_costs_its_own_scrape_and_says_so() {
    let registry = many();
    let scrapes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&scrapes);
    register(&registry, "failing", move || match counted.fetch_add(1, Ordering::Relaxed) {
        0 => panic!("the pool is gone\n# TYPE forged gauge"),
        1 => std::panic::panic_any(7),
        _ => Vec::new(),
    });
    let (status, told, body) = ask(&registry, Method::GET, &[]);
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(told["content-type"], "text/plain; charset=utf-8");
    assert_eq!(body, "a collector panicked\n");
    let (status, _, body) = ask(&registry, Method::GET, &[]);
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body, "a collector panicked\n");
    let (status, _, body) = ask(&registry, Method::GET, &[]);
    assert_eq!((status, body), (StatusCode::OK, encode(&many(), Format::Text).into()));
    assert_eq!(scrapes.load(Ordering::Relaxed), 3);
}

//! Attributes in the words of the conventions: none empty, none twice, no secret in them.

use std::convert::Infallible;

use futures_util::FutureExt;
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Version};
use opentelemetry::Array;
use proptest::prelude::*;
use tower::service_fn;

use super::*;
use crate::caller::{PeerAddress, TrustedProxies};
use crate::message::method::known_method;

pub(super) fn ok() -> Script {
    Script::status(StatusCode::OK)
}

/// The span of this request.
pub(super) async fn span<S, E>(
    bench: &Bench,
    layer: TraceLayer,
    service: S,
    request: Request<()>,
) -> SpanRecord
where
    S: Service<Request<()>, Response = Response<ScriptBody>, Error = E>,
    E: std::fmt::Debug + 'static,
{
    assert_eq!(bench.spans.spans(), []);
    let response = layer.layer(service).oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    bench.spans.only()
}

pub(super) async fn received(request: Request<()>) -> SpanRecord {
    let bench = Bench::new();
    span(&bench, bench.server(), ok(), request).await
}

pub(super) async fn asked(request: Request<()>) -> SpanRecord {
    let bench = Bench::new();
    span(&bench, bench.client(), ok(), request).await
}

/// Answers 200 after `handle` has run.
pub(super) fn handled(
    handle: impl Fn() + Clone,
) -> impl Service<Request<()>, Response = Response<ScriptBody>, Error = Infallible> {
    service_fn(move |_: Request<()>| {
        let handle = handle.clone();
        async move {
            handle();
            Ok(Response::new(ScriptBody::new()))
        }
    })
}

#[tokio::test]
async fn secrets_in_paths_queries_and_urls() {
    let uri = "/reset;token=hunter2?page=2&Signature=abc&X-Amz-Credential=key&sig=s";
    let expected = served(&[
        ("url.path", "/reset;token=REDACTED".into()),
        ("url.query", "page=2&Signature=REDACTED&X-Amz-Credential=REDACTED&sig=REDACTED".into()),
    ]);
    assert_eq!(received(get(uri).body(()).unwrap()).await, expected);

    let uri = "http://ada:pw@shop.example:8443/p?X-Goog-Signature=abc&page=2";
    let full = "http://REDACTED:REDACTED@shop.example:8443/p?X-Goog-Signature=REDACTED&page=2";
    let expected = sent(&[("url.full", full.into()), ("server.port", 8443.into())]);
    assert_eq!(asked(get(uri).body(()).unwrap()).await, expected);
    // a server that is asked by the same URI
    let expected = served(&[
        ("url.path", "/p".into()),
        ("url.query", "X-Goog-Signature=REDACTED&page=2".into()),
        ("server.address", "shop.example".into()),
        ("server.port", 8443.into()),
    ]);
    assert_eq!(received(get(uri).body(()).unwrap()).await, expected);
}

#[tokio::test]
async fn what_is_too_long_is_cut() {
    let long = "x".repeat(3000);
    let request = get(&format!("/{long}?q={long}")).header(USER_AGENT, &long);
    let cut = |start: &str| format!("{start}{}…", "x".repeat(2045 - start.len()));
    let expected = served(&[
        ("url.path", cut("/").into()),
        ("url.query", cut("q=").into()),
        ("user_agent.original", cut("").into()),
    ]);
    assert_eq!(received(request.body(()).unwrap()).await, expected);
    let url = format!("http://shop.example/{long}");
    let expected = sent(&[("url.full", cut("http://shop.example/").into())]);
    assert_eq!(asked(get(&url).body(()).unwrap()).await, expected);
}

#[tokio::test]
async fn servers_as_they_are_asked_for() {
    let server = |address: &str, port: Option<i64>| {
        let record = served(&[("server.address", address.to_owned().into())]);
        port.map_or(record.clone(), |port| record.and("server.port", port))
    };
    for (host, expected) in [
        ("shop.example", server("shop.example", None)),
        ("shop.example:8080", server("shop.example", Some(8080))),
        ("[2001:db8::1]:8443", server("2001:db8::1", Some(8443))),
        ("[::1]", server("::1", None)),
        // no hosts
        ("", served(&[])),
        (":80", served(&[])),
        ("2001:db8::1", served(&[])),
        ("ada:pw@shop.example", served(&[])),
    ] {
        let request = get("/").header(HOST, host).body(()).unwrap();
        assert_eq!(received(request).await, expected, "{host}");
    }
    // HTTP/2 names the server in `:authority`, which goes before any Host
    for (uri, address, port, scheme) in [
        ("http://shop.example/", "shop.example", 80, "http"),
        ("https://shop.example/", "shop.example", 443, "https"),
        ("https://[2001:db8::1]:8443/", "2001:db8::1", 8443, "https"),
        ("http://[::1]/", "::1", 80, "http"),
    ] {
        let request = get(uri).version(Version::HTTP_2).header(HOST, "other.example");
        let expected = server(address, Some(port))
            .and("url.scheme", scheme)
            .and("network.protocol.version", "2");
        assert_eq!(received(request.body(()).unwrap()).await, expected, "{uri}");
        let expected = sent(&[
            ("url.full", uri.to_owned().into()),
            ("server.address", address.to_owned().into()),
            ("server.port", port.into()),
        ]);
        assert_eq!(asked(get(uri).body(()).unwrap()).await, expected, "{uri}");
    }
}

#[tokio::test]
async fn versions_are_told_as_they_are_registered() {
    for (version, told) in [
        (Version::HTTP_10, "1.0"),
        (Version::HTTP_11, "1.1"),
        (Version::HTTP_2, "2"),
        (Version::HTTP_3, "3"),
    ] {
        let request = get("/").version(version).body(()).unwrap();
        assert_eq!(received(request).await, served(&[("network.protocol.version", told.into())]));
        // a client's is that of the answer
        let bench = Bench::new();
        let answers = service_fn(move |_: Request<()>| async move {
            let mut response = Response::new(ScriptBody::new());
            *response.version_mut() = version;
            Ok::<_, Infallible>(response)
        });
        let request = get("http://shop.example/").body(()).unwrap();
        let told_by_client = span(&bench, bench.client(), answers, request).await;
        assert_eq!(told_by_client, sent(&[("network.protocol.version", told.into())]));
    }
}

#[tokio::test]
async fn the_peer_and_the_client_behind_it() {
    let from = |peer: &str| {
        let peer = PeerAddress(peer.parse().unwrap());
        get("/").extension(peer).header("x-forwarded-for", "198.51.100.7")
    };
    let told = |client: &'static str, peer: &'static str| {
        served(&[
            ("client.address", client.into()),
            ("network.peer.address", peer.into()),
            ("network.peer.port", 4711.into()),
        ])
    };
    for (peer, shown) in [
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[::ffff:192.0.2.1]:4711", "192.0.2.1"),
    ] {
        let request = from(peer).header("x-forwarded-proto", "https").body(()).unwrap();
        assert_eq!(received(request).await, told(shown, shown));
    }
    // behind a proxy, the scheme is the client's, and so is the port that goes without saying
    let proxies = || TrustedProxies::new(["192.0.2.0/24"]).unwrap();
    for (uri, host) in [("/", "shop.example"), ("http://shop.example/", "other.example")] {
        let bench = Bench::new();
        let layer = bench.server().trusted_proxies(proxies());
        let mut request = from("192.0.2.1:4711").header(HOST, host).uri(uri);
        request = request.header("x-forwarded-proto", "https");
        let expected = told("198.51.100.7", "192.0.2.1")
            .and("server.address", "shop.example")
            .and("server.port", 443)
            .and("url.scheme", "https");
        assert_eq!(span(&bench, layer, ok(), request.body(()).unwrap()).await, expected);
    }
}

/// Whether a value says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.as_str().is_empty(),
        Value::Array(Array::String(texts)) => texts.iter().any(|text| text.as_str().is_empty()),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_asked_nothing_is_empty_told_twice_or_part_of_the_name(
        method in "GET|POST|CONNECT|OPTIONS|[A-Z]{1,8}",
        uri in r"\*|[a-z]{1,3}:[0-9]{1,4}|/[ -~]{0,20}|[a-z]{1,4}://([a-z]:[a-z]?@)?(|[a-z]{1,5}|\[::1\])(:[0-9]{0,5})?(/[ -~]{0,9})?",
        host in prop::collection::vec(any::<u8>(), 0..12),
        agent in prop::collection::vec(any::<u8>(), 0..12),
        grpc in any::<bool>(),
    ) {
        let Ok(request) = Request::builder().method(&*method).uri(&*uri).body(()) else {
            return Ok(());
        };
        let name = known_method(request.method()).unwrap_or("HTTP");
        for is_server in [true, false] {
            let mut request = request.clone();
            for (header, value) in [(HOST, &host), (USER_AGENT, &agent)] {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    request.headers_mut().insert(header, value);
                }
            }
            if grpc {
                let kind = HeaderValue::from_static("application/grpc");
                request.headers_mut().insert("content-type", kind);
            }
            let bench = Bench::new();
            let layer = if is_server { bench.server() } else { bench.client() };
            layer.layer(ok()).oneshot(request).now_or_never().unwrap().unwrap();
            let span = bench.spans.only();
            let keys: Vec<_> = span.attributes.iter().map(|(key, _)| key.as_str()).collect();
            let mut once = keys.clone();
            once.dedup();
            prop_assert_eq!(keys, once);
            prop_assert!(!span.attributes.iter().any(|(_, value)| is_empty(value)), "{:?}", span);
            if is_server || !(grpc && method == "POST") {
                prop_assert_eq!(&span.name, name);
            }
        }
    }
}

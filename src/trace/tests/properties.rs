//! Whatever a caller sends, a span stays small and its name is one of few.

use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, Uri};
use opentelemetry::Array;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::caller::{ForwardedBy, PeerAddress, TrustedProxies};
use crate::message::method::known_method;

/// The most bytes of any text on a span.
const MAX: usize = 2048;

const NAMES: [&str; 11] = [
    "traceparent",
    "tracestate",
    "baggage",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "host",
    "user-agent",
    "x-tag",
    "grpc-timeout",
    "content-type",
];

/// Bytes that may stand in a header, some of them in the forms that are looked for.
fn value() -> impl Strategy<Value = HeaderValue> {
    let bytes = prop_oneof![
        vec(any::<u8>(), 0..80),
        vec(any::<u8>(), 2000..5000),
        "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?".prop_map(String::into_bytes),
        "(tenant|[a-z@]{1,9})=[!-~é]{0,2500}(,[a-z]=[a-z]{0,9}){0,70}".prop_map(String::into_bytes),
        "(for|proto|host)=\"?\\[?[0-9a-f:.]{0,40}\\]?(:[0-9]{0,6})?\"?"
            .prop_map(String::into_bytes),
        "[a-z]{0,300}:?[0-9]{0,7}".prop_map(String::into_bytes),
        Just(b"application/grpc".to_vec()),
    ];
    bytes.prop_filter_map("no header's value", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

fn uri() -> impl Strategy<Value = Uri> {
    let bytes = prop_oneof![
        vec(any::<u8>(), 0..60).prop_map(|bytes| [b"/", &bytes[..]].concat()),
        "/[!-~é]{0,4000}(\\?[!-~é]{0,4000})?".prop_map(String::into_bytes),
        "[a-z]{1,60}://([a-z]{0,9}:[a-z]{0,9}@)?[a-z0-9.]{1,2500}(:[0-9]{1,6})?/(\\?sig=[a-z]{0,9})?"
            .prop_map(String::into_bytes),
        "https?://\\[[0-9a-f:]{2,30}\\](:[0-9]{1,5})?/".prop_map(String::into_bytes),
    ];
    bytes.prop_filter_map("no URI", |bytes| Uri::try_from(bytes).ok())
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::GET),
        Just(Method::POST),
        "[!#-'*+.0-9A-Z^_`a-z|~-]{1,4000}"
            .prop_filter_map("no method", |text| Method::from_bytes(text.as_bytes()).ok())
    ]
}

prop_compose! {
    fn request()(
        method in method(),
        uri in uri(),
        headers in vec((prop::sample::select(&NAMES[..]), value()), 0..8),
        peer in option::of(Just(PeerAddress("10.0.0.1:4000".parse().unwrap()))),
    ) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        for (name, value) in headers {
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
        request.extensions_mut().extend(peer.map(|peer| {
            let mut extensions = http::Extensions::new();
            extensions.insert(peer);
            extensions
        }).unwrap_or_default());
        request
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(Array::String(texts)) => texts.iter().map(|text| text.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Asserts that the one span is small, and named by the method or as gRPC.
fn check(span: &SpanRecord, method: &Method) -> Result<(), TestCaseError> {
    let by_method = known_method(method).unwrap_or("HTTP");
    prop_assert!(span.name == by_method || span.name == "grpc", "{}", span.name);
    prop_assert!(span.attributes.len() <= 24, "{:?}", span.attributes);
    for (key, value) in &span.attributes {
        for text in texts(value) {
            prop_assert!(text.len() <= MAX, "{key} has {} bytes", text.len());
            let is_captured = key.starts_with("http.request.header.");
            prop_assert!(!text.is_empty() || is_captured, "{key} is empty");
        }
    }
    let mut keys: Vec<_> = span.attributes.iter().map(|(key, _)| key).collect();
    keys.dedup();
    prop_assert_eq!(keys.len(), span.attributes.len(), "a key stands twice");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_servers_span(request in request(), forwarded in any::<bool>(), public in any::<bool>()) {
        let bench = Bench { spans: SpanRecorder::sampled_by(opentelemetry_sdk::trace::Sampler::AlwaysOn), time: ManualClock::new() };
        let read = if forwarded { ForwardedBy::Forwarded } else { ForwardedBy::XForwardedFor };
        let proxies = TrustedProxies::new(["0.0.0.0/0"]).unwrap().read(read);
        let layer = bench.server().trusted_proxies(proxies);
        let layer = layer.request_header("x-tag").unwrap().baggage_entry("tenant").unwrap();
        let layer = layer.public_endpoint_when(move |_| public);
        let method = request.method().clone();
        layer.layer(Script::status(StatusCode::OK)).oneshot(request).now_or_never().unwrap().unwrap();
        check(&bench.spans.only(), &method)?;
    }

    #[test]
    fn a_clients_span(mut request in request()) {
        // a caller's words do not make a client speak gRPC
        request.headers_mut().remove("content-type");
        let bench = Bench::new();
        let layer = bench.client().request_header("x-tag").unwrap();
        let method = request.method().clone();
        let sent = std::sync::Mutex::new(None);
        let client = layer.layer(tower::service_fn(|request: Request<()>| {
            *sent.lock().unwrap() = Some(request.headers()["traceparent"].clone());
            let answer = Response::new(ScriptBody::new().claims_end());
            std::future::ready(Ok::<_, std::convert::Infallible>(answer))
        }));
        client.oneshot(request).now_or_never().unwrap().unwrap();
        check(&bench.spans.only(), &method)?;
        let expected = "00-00000000000000000000000000000001-0000000000000001-01";
        prop_assert_eq!(sent.lock().unwrap().take().unwrap(), expected);
    }
}

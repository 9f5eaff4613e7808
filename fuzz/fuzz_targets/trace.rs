//! Whatever a caller sends, its span is small, has a name of few, and tells each key once.
#![no_main]

use std::convert::Infallible;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use libfuzzer_sys::fuzz_target;
use opentelemetry::{Array, Value};
use opentelemetry_sdk::trace::Sampler;
use tower::{Layer, Service, service_fn};
use tower_observability::caller::{ForwardedBy, PeerAddress, TrustedProxies};
use tower_observability::testing::{SpanRecord, SpanRecorder};
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    client: bool,
    forwarded: bool,
    method: &'a [u8],
    uri: &'a [u8],
    headers: Vec<(u8, &'a [u8])>,
}

const NAMES: [&str; 10] = [
    "host",
    "traceparent",
    "tracestate",
    "baggage",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "user-agent",
    "content-type",
    "x-tag",
];

fn request(input: &Input<'_>) -> Option<Request<()>> {
    let mut request = Request::new(());
    *request.uri_mut() = Uri::try_from(input.uri).ok()?;
    if let Ok(method) = Method::from_bytes(input.method) {
        *request.method_mut() = method;
    }
    for (name, value) in input.headers.iter().take(16) {
        let name = HeaderName::from_static(NAMES[usize::from(*name) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request.headers_mut().append(name, value);
        }
    }
    request.extensions_mut().insert(PeerAddress(SocketAddr::from(([10, 0, 0, 1], 4000))));
    Some(request)
}

fn record(layer: TraceLayer, input: &Input<'_>, request: Request<()>) -> SpanRecord {
    let spans = SpanRecorder::sampled_by(Sampler::AlwaysOn);
    let read = if input.forwarded { ForwardedBy::Forwarded } else { ForwardedBy::XForwardedFor };
    let layer = layer
        .tracer_provider(spans.provider())
        .propagator(W3cPropagator::new())
        .trusted_proxies(TrustedProxies::private().read(read))
        .request_header("x-tag")
        .and_then(|layer| layer.baggage_entry("tenant"))
        .expect("good settings");
    let answer = |_| ready(Ok::<_, Infallible>(Response::new(String::new())));
    let mut service = layer.layer(service_fn(answer));
    let answered = pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(response)) = answered else { panic!("it answers at once") };
    drop(response);
    spans.only()
}

fuzz_target!(|input: Input<'_>| {
    let Some(request) = request(&input) else { return };
    let known = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];
    let method = request.method().as_str();
    let method = known.into_iter().find(|known| *known == method).unwrap_or("HTTP");
    let path = request.uri().path().to_owned();
    let layer = if input.client { TraceLayer::client() } else { TraceLayer::server() };
    let span = record(layer, &input, request);

    // a client's gRPC method is the program's own word
    let is_own_method = input.client && path.strip_prefix('/') == Some(&span.name);
    assert!(span.name == method || span.name == "grpc" || is_own_method, "{}", span.name);
    assert!(span.attributes.len() <= 24);
    for (key, value) in &span.attributes {
        let texts = match value {
            Value::String(text) => vec![text.as_str()],
            Value::Array(Array::String(texts)) => texts.iter().map(|text| text.as_str()).collect(),
            _ => Vec::new(),
        };
        for text in texts {
            assert!(text.len() <= 2048, "{key} has {} bytes", text.len());
            assert!(!text.is_empty() || key == "http.request.header.x-tag", "{key} is empty");
        }
    }
    let mut keys: Vec<_> = span.attributes.iter().map(|(key, _)| key).collect();
    keys.dedup();
    assert_eq!(keys.len(), span.attributes.len(), "a key stands twice");
});

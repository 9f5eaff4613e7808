//! Whatever a caller sends, an exchange is one small span, whose name is one of few.
#![no_main]

use std::convert::Infallible;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use libfuzzer_sys::fuzz_target;
use opentelemetry::Value;
use tower::{Layer, Service, service_fn};
use tower_observability::caller::{ForwardedBy, PeerAddress, TrustedProxies};
use tower_observability::testing::SpanRecorder;
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    is_client: bool,
    forwarded: bool,
    public: bool,
    method: &'a [u8],
    uri: &'a [u8],
    headers: Vec<(u8, &'a [u8])>,
    peer: ([u8; 16], u16),
}

const NAMES: [&str; 9] = [
    "host",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "user-agent",
    "traceparent",
    "tracestate",
    "baggage",
    "content-type",
];

const KNOWN: [&str; 12] = [
    "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY",
    "HTTP", "grpc",
];

fuzz_target!(|input: Input<'_>| {
    let mut request = Request::new(());
    let Ok(uri) = Uri::try_from(input.uri) else { return };
    *request.uri_mut() = uri;
    if let Ok(method) = Method::from_bytes(input.method) {
        *request.method_mut() = method;
    }
    for (name, value) in input.headers.iter().take(16) {
        let name = NAMES[usize::from(*name) % NAMES.len()];
        // a caller's words do not make a client speak gRPC
        if let Ok(value) = HeaderValue::from_bytes(value)
            && !(input.is_client && name == "content-type")
        {
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    request.extensions_mut().insert(PeerAddress(SocketAddr::from(input.peer)));

    let spans = SpanRecorder::sampled_by(opentelemetry_sdk::trace::Sampler::AlwaysOn);
    let by = if input.forwarded { ForwardedBy::Forwarded } else { ForwardedBy::XForwardedFor };
    let proxies = TrustedProxies::new(["0.0.0.0/0", "::/0"]).unwrap().read(by);
    let layer = match input.is_client {
        true => TraceLayer::client().inject_to(["*.example", "::1"]).unwrap(),
        false => TraceLayer::server().public_endpoint_when(move |_| input.public),
    };
    let layer = layer.tracer_provider(spans.provider()).propagator(W3cPropagator::new());
    let layer = layer.trusted_proxies(proxies).baggage_entry("a").unwrap();
    let mut service = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(String::new())))
    }));
    let answered = pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(response)) = answered else { panic!("it answers at once") };
    drop(response);

    let span = spans.only();
    assert!(KNOWN.contains(&span.name.as_str()), "{}", span.name);
    assert!(span.attributes.len() <= 24);
    let mut keys: Vec<_> = span.attributes.iter().map(|(key, _)| key).collect();
    keys.dedup();
    assert_eq!(keys.len(), span.attributes.len(), "a key stands twice");
    for (key, value) in &span.attributes {
        if let Value::String(text) = value {
            assert!((1..=2048).contains(&text.as_str().len()), "{key}: {text}");
        }
    }
});

//! What arrives at a server: the trace of the client's span, and the baggage of the caller.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get as on_get;
use example_proto::echo::echo_client::EchoClient;
use example_proto::echo::echo_server::EchoServer;
use http::{HeaderMap, Request};
use hyper_util::client::legacy::Client as Legacy;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::{SpanKind, TraceId};
use opentelemetry::{Array, Value};
use tokio_stream::wrappers::TcpListenerStream;
use tower::{Layer, ServiceExt};
use tower_observability::testing::{SpanRecord, SpanRecorder};
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

use crate::echo::{Obedient, endpoint, message};
use crate::support::*;
use crate::written::Written;

const CALLER: &str = "00-000000000000000000000000000000aa-00000000000000bb-03";

fn on(layer: TraceLayer, spans: &SpanRecorder) -> TraceLayer {
    layer.tracer_provider(spans.provider()).propagator(W3cPropagator::new())
}

/// Keeps the headers that arrive.
#[derive(Clone, Default)]
struct Arrived(Arc<Mutex<Vec<HeaderMap>>>);

impl Arrived {
    fn values(&self, name: &str) -> Vec<Vec<String>> {
        let of = |headers: &HeaderMap| {
            let all = headers.get_all(name).iter();
            all.map(|value| value.to_str().unwrap().to_owned()).collect()
        };
        self.0.lock().unwrap().iter().map(of).collect()
    }

    async fn serve(&self) -> SocketAddr {
        let kept = self.0.clone();
        serve_axum(Router::new().fallback(async move |headers: HeaderMap| {
            kept.lock().unwrap().push(headers);
            "hello"
        }))
        .await
    }
}

fn traceparent(span: &SpanRecord) -> String {
    format!("00-{}-{}-01", span.trace_id, span.span_id)
}

/// The attributes that say where a client's request went.
fn to(span: &SpanRecord) -> [Option<&Value>; 3] {
    ["server.address", "server.port", "http.response.status_code"].map(|key| span.attribute(key))
}

#[tokio::test]
async fn hyper_utils_client_tells_its_span() {
    let (spans, arrived) = (SpanRecorder::new(), Arrived::default());
    let address = arrived.serve().await;
    let http = Legacy::builder(TokioExecutor::new()).build_http::<Body>();
    let client = on(TraceLayer::client(), &spans).layer(http);
    assert_eq!(spans.spans(), []);
    let request = Request::get(format!("http://{address}/")).body(Body::empty()).unwrap();
    assert_eq!(text(bounded(client.oneshot(request)).await.unwrap()).await, "hello");
    let span = spans.only();
    assert_eq!(arrived.values("traceparent"), [[traceparent(&span)]]);
    let port = Value::from(i64::from(address.port()));
    assert_eq!(to(&span), [Some(&"127.0.0.1".into()), Some(&port), Some(&200.into())]);
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn reqwest_tells_its_span() {
    use tower_observability::reqwest::ReqwestService;

    let (spans, arrived) = (SpanRecorder::new(), Arrived::default());
    let address = arrived.serve().await;
    let client = on(TraceLayer::client(), &spans).layer(ReqwestService::default());
    let request = Request::get(format!("http://{address}/")).body(String::new()).unwrap();
    assert_eq!(text(bounded(client.oneshot(request)).await.unwrap()).await, "hello");
    let span = spans.only();
    assert_eq!(arrived.values("traceparent"), [[traceparent(&span)]]);
    let port = Value::from(i64::from(address.port()));
    assert_eq!(to(&span), [Some(&"127.0.0.1".into()), Some(&port), Some(&200.into())]);
}

#[tokio::test]
async fn a_tonic_channel_tells_its_span() {
    let (spans, arrived) = (SpanRecorder::new(), Arrived::default());
    let (listener, address) = listen().await;
    let kept = arrived.0.clone();
    let keep = tower::util::MapRequestLayer::new(move |request: Request<tonic::body::Body>| {
        kept.lock().unwrap().push(request.headers().clone());
        request
    });
    let service = tonic::transport::Server::builder()
        .layer(on(TraceLayer::server(), &spans))
        .layer(keep)
        .add_service(EchoServer::new(Obedient));
    tokio::spawn(service.serve_with_incoming(TcpListenerStream::new(listener)));
    let layer = on(TraceLayer::client(), &spans);
    let layer = layer.server_address("127.0.0.1", address.port()).unwrap();
    let mut client = EchoClient::new(layer.layer(endpoint(address).connect_lazy()));
    bounded(client.unary(message("x"))).await.unwrap();
    until(|| spans.spans().len() == 2).await;
    let all = spans.spans();
    let one = |kind| all.iter().find(|span| span.kind == kind).unwrap();
    let (client, server) = (one(SpanKind::Client), one(SpanKind::Server));
    assert_eq!(arrived.values("traceparent"), [[traceparent(client)]]);
    assert_eq!((server.parent, server.parent_is_remote), (Some(client.span_id), true));
    for span in [client, server] {
        assert_eq!(
            (span.name.as_str(), span.trace_id),
            ("tests.echo.v1.Echo/Unary", client.trace_id)
        );
    }
    let port = Value::from(i64::from(address.port()));
    assert_eq!(to(client), [Some(&"127.0.0.1".into()), Some(&port), None]);
}

/// A server that hands a request on with all its headers, and the one behind it.
async fn proxied(
    configure: impl FnOnce(TraceLayer) -> TraceLayer,
    client: impl FnOnce(TraceLayer) -> TraceLayer,
    headers: &[(&'static str, &'static str)],
) -> (Vec<SpanRecord>, Arrived) {
    let (spans, arrived) = (SpanRecorder::new(), Arrived::default());
    let behind = arrived.serve().await;
    let http = Legacy::builder(TokioExecutor::new()).build_http::<Body>();
    let http = client(on(TraceLayer::client(), &spans)).layer(http);
    let proxy = async move |mut request: Request<Body>| {
        *request.uri_mut() = format!("http://{behind}/").parse().unwrap();
        http.oneshot(request).await.unwrap().map(Body::new)
    };
    let router = Router::new().route("/", on_get(proxy));
    let server = configure(on(TraceLayer::server(), &spans));
    let address = serve_axum(router.layer(server)).await;
    let mut request = get();
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let mut connection = Connection::open(Http::One, address).await;
    assert_eq!(text(bounded(connection.send(request)).await.unwrap()).await, "hello");
    until(|| spans.spans().len() == 2).await;
    (spans.spans(), arrived)
}

const ALL: [(&str, &str); 4] = [
    ("traceparent", CALLER),
    ("tracestate", "rojo=1"),
    ("tracestate", "congo@=2"),
    ("baggage", "tenant=acme,user=ada"),
];

#[tokio::test]
async fn a_proxy_hands_state_and_baggage_on_once() {
    let (spans, arrived) = proxied(|layer| layer, |layer| layer, &ALL).await;
    let [client, _] = &spans[..] else { unreachable!() };
    assert_eq!(client.trace_id, TraceId::from(0xaa_u128));
    // the random flag goes on, too
    let sent = format!("00-{}-{}-03", client.trace_id, client.span_id);
    assert_eq!(arrived.values("traceparent"), [[sent]]);
    assert_eq!(arrived.values("tracestate"), [["rojo=1,congo@=2"]]);
    let baggage = arrived.values("baggage");
    let mut members: Vec<_> = baggage[0].iter().flat_map(|one| one.split(',')).collect();
    members.sort_unstable();
    assert_eq!(members, ["tenant=acme", "user=ada"]);
}

#[tokio::test]
async fn a_public_proxy_hands_on_nothing_that_a_stranger_sent() {
    let (spans, arrived) = proxied(TraceLayer::public_endpoint, |layer| layer, &ALL).await;
    let [client, server] = &spans[..] else { unreachable!() };
    assert_ne!(server.trace_id, TraceId::from(0xaa_u128));
    assert_eq!((client.trace_id, client.parent), (server.trace_id, Some(server.span_id)));
    assert_eq!(arrived.values("traceparent"), [[traceparent(client)]]);
    assert_eq!(arrived.values("tracestate"), [[""; 0]]);
    assert_eq!(arrived.values("baggage"), [[""; 0]]);
}

/// The layer withholds what it would write; what a proxy hands on is the proxy's to remove.
#[tokio::test]
async fn to_a_host_that_is_not_listed_headers_go_as_the_handler_left_them() {
    let client = |layer: TraceLayer| layer.inject_to(["api.example.com"]).unwrap();
    let (spans, arrived) = proxied(|layer| layer, client, &ALL).await;
    assert_eq!(spans.len(), 2);
    assert_eq!(arrived.values("traceparent"), [[CALLER]]);
    assert_eq!(arrived.values("tracestate"), [["rojo=1", "congo@=2"]]);
    assert_eq!(arrived.values("baggage"), [["tenant=acme,user=ada"]]);
}

#[cfg(feature = "access-log")]
#[tokio::test]
async fn a_listed_entry_of_the_baggage_is_told_by_every_signal() {
    use tower_observability::access_log::{AccessLogLayer, stamp};
    use tracing_subscriber::layer::SubscriberExt;

    let _ = &*super::EVERYTHING;
    let written = Written::default();
    let lines = stamp::json()
        .with_writer(written.clone())
        .map_event_format(|stamp| stamp.attribute("tenant"));
    let ours = tracing_subscriber::filter::Targets::new()
        .with_target("frameworks", tracing::Level::INFO)
        .with_target("tower_observability::access", tracing::Level::INFO);
    let subscriber = tracing_subscriber::registry().with(ours).with(lines);
    let _logs = tracing::subscriber::set_default(subscriber);
    let spans = SpanRecorder::new();
    let layer = on(TraceLayer::server(), &spans).baggage_entry("tenant").unwrap();
    let router = Router::new().route("/", on_get(async || tracing::info!("at work")));
    let router = router.layer(AccessLogLayer::server()).layer(layer);
    let address = serve_axum(router).await;
    let mut request = get();
    for (name, value) in ALL {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let mut connection = Connection::open(Http::One, address).await;
    bounded(connection.send(request)).await.unwrap();
    until(|| !spans.spans().is_empty()).await;
    let span = spans.only();
    assert_eq!(span.attribute("tenant"), Some(&"acme".into()));
    assert_eq!(span.attribute("user"), None);
    let lines = written.take();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [work, access] = &lines[..] else { panic!("not two lines: {lines:#?}") };
    for line in [work, access] {
        let told = |key: &str| line.get(key).or_else(|| line["fields"].get(key)).cloned();
        assert_eq!(told("tenant"), Some("acme".into()), "{line}");
        assert_eq!(told("trace_id"), Some(span.trace_id.to_string().into()), "{line}");
        assert_eq!(told("span_id"), Some(span.span_id.to_string().into()), "{line}");
        assert_eq!(told("user"), None, "{line}");
    }
}

#[tokio::test]
async fn captured_headers_are_arrays_over_a_real_server_too() {
    let spans = SpanRecorder::new();
    let layer = on(TraceLayer::server(), &spans).request_header("baggage").unwrap();
    let address = serve_axum(Router::new().route("/", on_get(async || "")).layer(layer)).await;
    let mut request = get();
    request.headers_mut().append("baggage", "tenant=acme".parse().unwrap());
    request.headers_mut().append("baggage", "user=ada".parse().unwrap());
    let mut connection = Connection::open(Http::One, address).await;
    bounded(connection.send(request)).await.unwrap();
    until(|| !spans.spans().is_empty()).await;
    let expected = Value::Array(Array::String(vec!["tenant=acme".into(), "user=ada".into()]));
    assert_eq!(spans.only().attribute("http.request.header.baggage"), Some(&expected));
}

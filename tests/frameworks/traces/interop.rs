//! One SERVER span and one unbroken trace from a caller over a server, its handler and a client to a
//! second server, whatever the handler makes its own spans with.
//!
//! What is compared are the ways from the caller to each span, as the spans' parents tell.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::routing::get as on_get;
use http::{HeaderMap, Request};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::{SpanId, SpanKind, TraceContextExt, TraceId, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use tower::buffer::BufferLayer;
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_observability::classify::Side;
use tower_observability::exchange::{InExchangeExt, Observe, ObserveLayer};
use tower_observability::testing::{SpanRecord, SpanRecorder};
use tower_observability::trace::propagation::W3cPropagator;
use tower_observability::trace::{Trace, TraceLayer};
use tracing::subscriber::DefaultGuard;
use tracing::{Instrument, debug_span, info_span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt};
use tracing_subscriber::registry;

use super::EVERYTHING;
use crate::support::*;

const CALLER: &str = "00-000000000000000000000000000000aa-00000000000000bb-01";
const TRACE: TraceId = TraceId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa]);
const CALLERS_SPAN: SpanId = SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0xbb]);

/// A recorder, a second server, and a client to ask it with.
#[derive(Clone)]
struct Bench {
    spans: SpanRecorder,
    http: Observe<Legacy<HttpConnector, Body>, Trace>,
    behind: SocketAddr,
}

impl Bench {
    async fn new() -> Self {
        let spans = SpanRecorder::new();
        let traced = |layer: TraceLayer| {
            layer.tracer_provider(spans.provider()).propagator(W3cPropagator::new())
        };
        let items = Router::new().route(
            "/items/{id}",
            on_get(async |headers: HeaderMap| {
                let value =
                    headers.get("traceparent").map(|value| value.to_str().unwrap().to_owned());
                value.unwrap_or_default()
            }),
        );
        let behind = serve_axum(items.layer(traced(TraceLayer::server()))).await;
        let http = Legacy::builder(TokioExecutor::new()).build_http();
        let http = traced(TraceLayer::client()).layer(http);
        Self { spans: spans.clone(), http, behind }
    }

    fn server(&self) -> TraceLayer {
        TraceLayer::server().tracer_provider(self.spans.provider()).propagator(W3cPropagator::new())
    }

    /// Asks the second server; which `traceparent` arrived there.
    async fn ask(&self) -> String {
        let request = Request::get(format!("http://{}/items/7", self.behind));
        let answer = self.http.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        text(answer).await
    }

    /// Runs `inner` in an OpenTelemetry span of this name.
    async fn in_span<F: Future>(&self, name: &'static str, inner: F) -> F::Output {
        let span = self.spans.provider().tracer("tests").start(name);
        inner.with_context(Context::current_with_span(span)).await
    }

    /// A router whose handler is this.
    fn router<F>(&self, handler: impl Fn(Self) -> F + Clone + Send + Sync + 'static) -> Router
    where
        F: Future<Output = String> + Send + 'static,
    {
        let bench = self.clone();
        Router::new().route("/orders/{id}", on_get(async move || handler(bench).await))
    }

    /// Serves `router`, has a caller ask it, and answers what was recorded: so many spans.
    async fn asked(&self, count: usize, router: Router, caller: Option<&str>) -> Vec<SpanRecord> {
        self.asked_at(count, serve_axum(router).await, caller).await
    }

    async fn asked_at(
        &self,
        count: usize,
        address: SocketAddr,
        caller: Option<&str>,
    ) -> Vec<SpanRecord> {
        assert_eq!(self.spans.spans(), []);
        let mut connection = Connection::open(Http::One, address).await;
        let mut request = get_at("/orders/7");
        if let Some(caller) = caller {
            request.headers_mut().insert("traceparent", caller.parse().unwrap());
        }
        let answer = bounded(connection.send(request)).await.unwrap();
        assert_eq!(answer.status(), OK);
        let arrived = text(answer).await;
        until(|| self.spans.spans().len() >= count).await;
        settle().await;
        let spans = self.spans.spans();
        let client = spans.iter().find(|span| span.kind == SpanKind::Client);
        if let Some(client) = client {
            assert_eq!(arrived, format!("00-{}-{}-01", client.trace_id, client.span_id));
        }
        spans
    }

    /// As [`asked`](Self::asked), with [`CALLER`], of which all must be one trace.
    async fn traced(&self, router: Router, expected: &[&str]) {
        let spans = self.asked(expected.len(), router, Some(CALLER)).await;
        assert_eq!(ways(&spans), expected);
        assert!(spans.iter().all(|span| span.trace_id == TRACE), "{spans:#?}");
    }
}

/// The way to each span from where it began, sorted.
fn ways(spans: &[SpanRecord]) -> Vec<String> {
    fn way(spans: &[SpanRecord], span: &SpanRecord) -> String {
        let above = match span.parent {
            None => "nobody".to_owned(),
            Some(CALLERS_SPAN) => "caller".to_owned(),
            Some(id) => match spans.iter().find(|above| above.span_id == id) {
                Some(above) => way(spans, above),
                None => format!("lost {id}"),
            },
        };
        let kind = match span.kind {
            SpanKind::Server => "server ",
            SpanKind::Client => "client ",
            _ => "",
        };
        format!("{above} > {kind}{}", span.name)
    }
    let mut ways: Vec<_> = spans.iter().map(|span| way(spans, span)).collect();
    ways.sort();
    ways
}

/// What `tracing` spans become OpenTelemetry spans, and how, on this thread.
#[derive(Clone, Copy, PartialEq)]
enum Filter {
    Nothing,
    Global,
    PerLayer,
}

#[must_use]
fn bridge(spans: &SpanRecorder, activation: bool, info: Filter) -> DefaultGuard {
    assert_eq!(EVERYTHING.len(), 2);
    let tracer = spans.provider().tracer("tests");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    let layer = layer.with_context_activation(activation);
    // not what transports and runtimes say of themselves
    let ours = Targets::new()
        .with_target("frameworks", LevelFilter::TRACE)
        .with_target("tower_http", LevelFilter::TRACE);
    let global = if info == Filter::Global { LevelFilter::INFO } else { LevelFilter::TRACE };
    let own = if info == Filter::PerLayer { LevelFilter::INFO } else { LevelFilter::TRACE };
    let subscriber = registry().with(ours).with(global).with(layer.with_filter(own));
    tracing::subscriber::set_default(subscriber)
}

const BOTH_SERVERS: [&str; 3] = [
    "caller > server GET /orders/{id}",
    "caller > server GET /orders/{id} > client GET",
    "caller > server GET /orders/{id} > client GET > server GET /items/{id}",
];

#[tokio::test]
async fn a_handler_without_spans() {
    let bench = Bench::new().await;
    let router = bench.router(async |bench: Bench| bench.ask().await).layer(bench.server());
    bench.traced(router, &BOTH_SERVERS).await;
}

#[tokio::test]
async fn opentelemetry_spans_only() {
    let bench = Bench::new().await;
    let router = bench.router(async |bench: Bench| bench.in_span("work", bench.ask()).await);
    let expected = [
        "caller > server GET /orders/{id}",
        "caller > server GET /orders/{id} > work",
        "caller > server GET /orders/{id} > work > client GET",
        "caller > server GET /orders/{id} > work > client GET > server GET /items/{id}",
    ];
    bench.traced(router.layer(bench.server()), &expected).await;
}

#[tokio::test]
async fn tracing_spans_only() {
    let bench = Bench::new().await;
    let _bridge = bridge(&bench.spans, true, Filter::Nothing);
    let router =
        bench.router(async |bench: Bench| bench.ask().instrument(info_span!("work")).await);
    let expected = [
        "caller > server GET /orders/{id}",
        "caller > server GET /orders/{id} > work",
        "caller > server GET /orders/{id} > work > client GET",
        "caller > server GET /orders/{id} > work > client GET > server GET /items/{id}",
    ];
    bench.traced(router.layer(bench.server()), &expected).await;
}

async fn mixed(bench: Bench) -> String {
    let innermost = async { bench.ask().instrument(info_span!("innermost")).await };
    bench.in_span("inner", innermost).instrument(info_span!("outer")).await
}

#[tokio::test]
async fn both_kinds_in_turn() {
    let bench = Bench::new().await;
    let _bridge = bridge(&bench.spans, true, Filter::Nothing);
    let first = "caller > server GET /orders/{id}";
    let expected = [
        first,
        &format!("{first} > outer"),
        &format!("{first} > outer > inner"),
        &format!("{first} > outer > inner > innermost"),
        &format!("{first} > outer > inner > innermost > client GET"),
        &format!("{first} > outer > inner > innermost > client GET > server GET /items/{{id}}"),
    ];
    bench.traced(bench.router(mixed).layer(bench.server()), &expected).await;
}

#[tokio::test]
async fn with_activation_off_tracing_spans_are_children_and_clients_go_on_from_opentelemetrys() {
    let bench = Bench::new().await;
    let _bridge = bridge(&bench.spans, false, Filter::Nothing);
    let router =
        bench.router(async |bench: Bench| bench.ask().instrument(info_span!("work")).await);
    let expected = [
        BOTH_SERVERS[0],
        BOTH_SERVERS[1],
        BOTH_SERVERS[2],
        "caller > server GET /orders/{id} > work",
    ];
    bench.traced(router.layer(bench.server()), &expected).await;
}

#[tokio::test]
async fn with_activation_off_both_kinds_in_turn() {
    let bench = Bench::new().await;
    let _bridge = bridge(&bench.spans, false, Filter::Nothing);
    let first = "caller > server GET /orders/{id}";
    let expected = [
        first,
        &format!("{first} > inner"),
        &format!("{first} > inner > client GET"),
        &format!("{first} > inner > client GET > server GET /items/{{id}}"),
        &format!("{first} > outer"),
        &format!("{first} > outer > innermost"),
    ];
    bench.traced(bench.router(mixed).layer(bench.server()), &expected).await;
}

#[tokio::test]
async fn with_activation_off_a_client_outside_of_any_server_goes_on_from_the_tracing_span() {
    let bench = Bench::new().await;
    let _bridge = bridge(&bench.spans, false, Filter::Nothing);
    bounded(bench.ask().instrument(info_span!("job"))).await;
    until(|| bench.spans.spans().len() >= 3).await;
    let expected = [
        "nobody > job",
        "nobody > job > client GET",
        "nobody > job > client GET > server GET /items/{id}",
    ];
    assert_eq!(ways(&bench.spans.spans()), expected);
}

#[tokio::test]
async fn spans_that_a_level_filter_removed() {
    for filter in [Filter::Global, Filter::PerLayer] {
        for activation in [true, false] {
            let bench = Bench::new().await;
            let _bridge = bridge(&bench.spans, activation, filter);
            let router = bench
                .router(async |bench: Bench| bench.ask().instrument(debug_span!("removed")).await);
            bench.traced(router.layer(bench.server()), &BOTH_SERVERS).await;
        }
    }
}

#[tokio::test]
async fn a_tower_http_layer_inside() {
    for activation in [true, false] {
        let bench = Bench::new().await;
        let _bridge = bridge(&bench.spans, activation, Filter::Nothing);
        let router = bench.router(async |bench: Bench| bench.ask().await);
        let router = router.layer(tower_http::trace::TraceLayer::new_for_http());
        let first = "caller > server GET /orders/{id}";
        let within = if activation { format!("{first} > request") } else { first.to_owned() };
        let client = format!("{within} > client GET");
        let second = format!("{client} > server GET /items/{{id}}");
        let request = format!("{first} > request");
        let mut expected = [first, &client, &second, &request];
        expected.sort_unstable();
        bench.traced(router.layer(bench.server()), &expected).await;
    }
}

/// The other layer's span has no parent, as it does not read `traceparent`, and is a trace of its
/// own; ours is whole without it.
#[tokio::test]
async fn a_tower_http_layer_outside_is_a_trace_of_its_own() {
    let bench = Bench::new().await;
    let _bridge = bridge(&bench.spans, true, Filter::Nothing);
    let router =
        bench.router(async |bench: Bench| bench.ask().instrument(info_span!("work")).await);
    let router = router.layer(bench.server()).layer(tower_http::trace::TraceLayer::new_for_http());
    let spans = bench.asked(5, router, Some(CALLER)).await;
    let first = "caller > server GET /orders/{id}";
    let expected = [
        first,
        &format!("{first} > work"),
        &format!("{first} > work > client GET"),
        &format!("{first} > work > client GET > server GET /items/{{id}}"),
        "nobody > request",
    ];
    assert_eq!(ways(&spans), expected);
    let others: Vec<_> = spans.iter().filter(|span| span.trace_id != TRACE).collect();
    assert_eq!(others.len(), 1);
}

/// With activation off, `tracing` spans of the handler know that span as their parent, not ours.
#[tokio::test]
async fn a_tower_http_layer_outside_takes_tracing_spans_along_where_activation_is_off() {
    let bench = Bench::new().await;
    let _bridge = bridge(&bench.spans, false, Filter::Nothing);
    let router =
        bench.router(async |bench: Bench| bench.ask().instrument(info_span!("work")).await);
    let router = router.layer(bench.server()).layer(tower_http::trace::TraceLayer::new_for_http());
    let spans = bench.asked(5, router, Some(CALLER)).await;
    let [one, two, three] = BOTH_SERVERS;
    assert_eq!(ways(&spans), [one, two, three, "nobody > request", "nobody > request > work"]);
}

#[tokio::test]
async fn a_tower_http_layer_outside_is_the_parent_where_no_caller_is() {
    for activation in [true, false] {
        let bench = Bench::new().await;
        let _bridge = bridge(&bench.spans, activation, Filter::Nothing);
        let router = bench.router(async |bench: Bench| bench.ask().await);
        let router =
            router.layer(bench.server()).layer(tower_http::trace::TraceLayer::new_for_http());
        let spans = bench.asked(4, router, None).await;
        let expected = [
            "nobody > request",
            "nobody > request > server GET /orders/{id}",
            "nobody > request > server GET /orders/{id} > client GET",
            "nobody > request > server GET /orders/{id} > client GET > server GET /items/{id}",
        ];
        assert_eq!(ways(&spans), expected);
        assert!(spans.iter().all(|span| span.trace_id == spans[0].trace_id));
    }
}

#[tokio::test]
async fn our_layer_twice() {
    for bridged in [false, true] {
        for fused in [false, true] {
            let bench = Bench::new().await;
            let _bridge = bridged.then(|| bridge(&bench.spans, true, Filter::Nothing));
            let router = bench.router(async |bench: Bench| bench.ask().await);
            let router = if fused {
                let both = (bench.server().into_observer(), bench.server().into_observer());
                router.layer(ObserveLayer::new(Side::Server, both))
            } else {
                router.layer(bench.server()).layer(bench.server())
            };
            bench.traced(router, &BOTH_SERVERS).await;
        }
    }
}

#[tokio::test]
async fn our_layer_twice_with_a_buffer_between() {
    for bridged in [false, true] {
        let bench = Bench::new().await;
        let _bridge = bridged.then(|| bridge(&bench.spans, true, Filter::Nothing));
        let router = bench.router(async |bench: Bench| bench.ask().await);
        let service = ServiceBuilder::new()
            .layer(bench.server())
            .layer(BufferLayer::new(4))
            .layer(bench.server())
            .map_request(|request: Request<Incoming>| request.map(Body::new))
            .service(router);
        let address = serve(Http::One, service).await;
        let spans = bench.asked_at(3, address, Some(CALLER)).await;
        // outside of the router the template is not known
        let expected = [
            "caller > server GET",
            "caller > server GET > client GET",
            "caller > server GET > client GET > server GET /items/{id}",
        ];
        assert_eq!(ways(&spans), expected);
        assert!(spans.iter().all(|span| span.trace_id == TRACE));
    }
}

#[tokio::test]
async fn a_filtered_route_hands_the_callers_trace_on() {
    for bridged in [false, true] {
        let bench = Bench::new().await;
        let _bridge = bridged.then(|| bridge(&bench.spans, true, Filter::Nothing));
        let router = bench.router(async |bench: Bench| bench.ask().await);
        let router = router.layer(bench.server().filter(|_| false));
        let expected = ["caller > client GET", "caller > client GET > server GET /items/{id}"];
        bench.traced(router, &expected).await;
    }
}

#[tokio::test]
async fn filtered_on_both_sides_the_caller_s_own_header_arrives() {
    let mut bench = Bench::new().await;
    let http = Legacy::builder(TokioExecutor::new()).build_http();
    let client = TraceLayer::client().tracer_provider(bench.spans.provider());
    bench.http = client.propagator(W3cPropagator::new()).filter(|_| false).layer(http);
    let router = bench.router(async |bench: Bench| {
        let arrived = bench.ask().await;
        assert_eq!(arrived, CALLER);
        arrived
    });
    let router = router.layer(bench.server().filter(|_| false));
    bench.traced(router, &["caller > server GET /items/{id}"]).await;
}

#[tokio::test]
async fn a_task_in_the_exchange() {
    for bridged in [false, true] {
        let bench = Bench::new().await;
        let _bridge = bridged.then(|| bridge(&bench.spans, true, Filter::Nothing));
        let router = bench.router(async |bench: Bench| {
            let task = async move {
                assert!(Context::current().has_active_span());
                bench.ask().await
            };
            tokio::spawn(task.in_exchange()).await.unwrap()
        });
        bench.traced(router.layer(bench.server()), &BOTH_SERVERS).await;
    }
}

#[tokio::test]
async fn a_task_with_a_tracing_span_of_its_own() {
    let bench = Bench::new().await;
    let _bridge = bridge(&bench.spans, true, Filter::Nothing);
    let router = bench.router(async |bench: Bench| {
        let task = async move { bench.ask().await }.instrument(info_span!("task"));
        tokio::spawn(task).await.unwrap()
    });
    let first = "caller > server GET /orders/{id}";
    let expected = [
        first,
        &format!("{first} > task"),
        &format!("{first} > task > client GET"),
        &format!("{first} > task > client GET > server GET /items/{{id}}"),
    ];
    bench.traced(router.layer(bench.server()), &expected).await;
}

#[tokio::test]
async fn events_go_to_the_innermost_span() {
    let bench = Bench::new().await;
    let _bridge = bridge(&bench.spans, true, Filter::Nothing);
    let router = bench.router(async |_: Bench| {
        let event = |name| tower_observability::trace::event(name, [KeyValue::new("n", 1)]);
        assert!(event("of the server"));
        assert!(async { event("of the work") }.instrument(info_span!("work")).await);
        String::new()
    });
    let spans = bench.asked(2, router.layer(bench.server()), Some(CALLER)).await;
    let events = spans
        .iter()
        .flat_map(|span| span.events.iter().map(|event| (span.name.as_str(), event.name.as_str())));
    let expected = [("work", "of the work"), ("GET /orders/{id}", "of the server")];
    assert_eq!(events.collect::<Vec<_>>(), expected);
}

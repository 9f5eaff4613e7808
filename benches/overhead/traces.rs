//! What traces cost, each layer alone: to add a row is one line.

use std::convert::Infallible;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::Full;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tower::{Layer, Service};
use tower_observability::classify::Side;
use tower_observability::exchange::ObserveLayer;
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

use crate::exchange::{Bare, Runner, router, runner};
use crate::measure::row::{Row, bare, over};
use crate::peers::{axum_tracing_otel, otel_instrumentation, tower_otel_client, tower_otel_server};
use crate::traced;
use crate::traced::Caller::{self, Sampled, Unsampled};

/// What any layer costs in a `Router`, which boxes the service and its bodies.
pub(crate) const NO_OP: &str = "no-op layer";
const CORE: &str = "core with ()";
const PLAIN: &str = "bare client";
const CLIENT_CORE: &str = "client, core with ()";

const SAMPLED: &[&str] =
    &["tower-otel, sampled", "otel-instrumentation-tower, sampled", "axum-tracing-otel, sampled"];
const UNSAMPLED: &[&str] = &[
    "tower-otel, unsampled",
    "otel-instrumentation-tower, unsampled",
    "axum-tracing-otel, unsampled",
];

#[rustfmt::skip]
pub(crate) fn rows() -> Vec<Row> {
    vec![
        over(NO_OP, CORE, || axum(Sampled, router().layer(core(Side::Server)))),

        over(NO_OP, "tower-otel, sampled", || server(Sampled, router().layer(tower_otel_server()))),
        over(NO_OP, "otel-instrumentation-tower, sampled", || server(Sampled, router().layer(otel_instrumentation()))),
        over(NO_OP, "axum-tracing-otel, sampled", || server(Sampled, router().layer(axum_tracing_otel()))),
        Row { fewer_than: SAMPLED, ..over(CORE, "trace, sampled", || server(Sampled, router().layer(ours_server()))).within(5_500, 7, 8_200) },
        over(CORE, "trace, all global, sampled", || server(Sampled, router().layer(all_global()))),
        over(CORE, "trace, sampled first, sampled", || server(Sampled, router().layer(ours_server().attributes_after_sampling()))),

        over(NO_OP, "tower-otel, unsampled", || server(Unsampled, router().layer(tower_otel_server()))),
        over(NO_OP, "otel-instrumentation-tower, unsampled", || server(Unsampled, router().layer(otel_instrumentation()))),
        over(NO_OP, "axum-tracing-otel, unsampled", || server(Unsampled, router().layer(axum_tracing_otel()))),
        Row { fewer_than: UNSAMPLED, ..over(CORE, "trace, unsampled", || server(Unsampled, router().layer(ours_server()))).within(2_500, 3, 6_400) },
        over(CORE, "trace, all global, unsampled", || server(Unsampled, router().layer(all_global()))),
        Row { fewer_than: UNSAMPLED, ..over(CORE, "trace, sampled first, unsampled", || server(Unsampled, router().layer(ours_server().attributes_after_sampling()))).within(2_500, 3, 4_500) },

        bare(PLAIN, || client(Sampled, Bare)),
        over(PLAIN, CLIENT_CORE, || client(Sampled, core(Side::Client).layer(Bare))),
        over(PLAIN, "client, tower-otel, sampled", || traced(Sampled, tower_otel_client().layer(Bare))),
        over(CLIENT_CORE, "client, trace, sampled", || traced(Sampled, ours_client().layer(Bare))),
        over(PLAIN, "client, tower-otel, unsampled", || traced(Unsampled, tower_otel_client().layer(Bare))),
        over(CLIENT_CORE, "client, trace, unsampled", || traced(Unsampled, ours_client().layer(Bare))),
    ]
}

fn core(side: Side) -> ObserveLayer<()> {
    ObserveLayer::new(side, ())
}

fn ours_server() -> TraceLayer {
    ours(TraceLayer::server())
}

fn ours_client() -> TraceLayer {
    ours(TraceLayer::client())
}

fn ours(layer: TraceLayer) -> TraceLayer {
    let provider = traced::install(TraceContextPropagator::new());
    layer.tracer_provider(&provider).propagator(W3cPropagator::new())
}

/// With the global provider and the SDK's propagator, as the peers.
fn all_global() -> TraceLayer {
    traced::install(TraceContextPropagator::new());
    TraceLayer::server()
}

/// A server whose exchanges are traced.
fn server(caller: Caller, service: Router) -> Runner {
    proven(caller, axum(caller, service))
}

/// Runs one exchange, to prove that it leaves the span that the row's name says.
fn proven(caller: Caller, mut exchange: Runner) -> Runner {
    exchange();
    caller.left(1);
    exchange
}

pub(crate) fn axum(caller: Caller, service: Router) -> Runner {
    runner(service, caller.asked(), axum::body::Body::empty)
}

/// Makes the caller's span the current one for good, as around a client.
fn attach(caller: Caller) {
    let flags = match caller {
        Sampled => TraceFlags::SAMPLED,
        Unsampled => TraceFlags::NOT_SAMPLED,
    };
    let id = SpanId::from_bytes([7; 8]);
    let span = SpanContext::new(traced::TRACE, id, flags, false, TraceState::NONE);
    std::mem::forget(Context::new().with_remote_span_context(span).attach());
}

/// A client whose exchanges are traced.
fn traced<S, B>(caller: Caller, service: S) -> Runner
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + 'static,
    B: Body,
{
    attach(caller);
    proven(caller, client(caller, service))
}

pub(crate) fn client<S, B>(caller: Caller, service: S) -> Runner
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + 'static,
    B: Body,
{
    let mut asked = caller.asked();
    // what a handler sends on has no trace of its own yet
    asked.headers.remove("traceparent");
    asked.uri = Uri::from_static("https://inventory.example.com/users/42?tab=orders");
    runner(service, asked, || Full::new(Bytes::new()))
}

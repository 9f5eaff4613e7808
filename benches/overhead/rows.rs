//! The table's rows: to add one is one line.

use std::convert::Infallible;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::Full;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tower::layer::util::Identity;
use tower::{Layer, Service};
use tower_observability::classify::Side;
use tower_observability::exchange::ObserveLayer;
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

use crate::measure::exchange::{Bare, Runner, router, runner};
use crate::measure::row::{Row, bare, over};
use crate::peers::{axum_tracing_otel, otel_instrumentation, tower_otel_client, tower_otel_server};
use crate::sdk;
use crate::sdk::Caller::{self, Sampled, Unsampled};

const AXUM: &str = "bare Router";
/// What any layer costs in a `Router`, which boxes the service and its bodies.
const NO_OP: &str = "no-op layer";
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
pub(crate) fn all() -> Vec<Row> {
    vec![
        bare(AXUM, || axum(Sampled, router())),
        over(AXUM, NO_OP, || axum(Sampled, router().layer(Identity::new()))),
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
    let provider = sdk::install(TraceContextPropagator::new());
    layer.tracer_provider(&provider).propagator(W3cPropagator::new())
}

/// With the global provider and the SDK's propagator, as the peers.
fn all_global() -> TraceLayer {
    sdk::install(TraceContextPropagator::new());
    TraceLayer::server()
}

/// A server whose exchanges are traced.
fn server(caller: Caller, service: Router) -> Runner {
    caller.proven(axum(caller, service))
}

fn axum(caller: Caller, service: Router) -> Runner {
    runner(service, caller.asked(), axum::body::Body::empty)
}

/// A client whose exchanges are traced.
fn traced<S, B>(caller: Caller, service: S) -> Runner
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + 'static,
    B: Body,
{
    caller.attach();
    caller.proven(client(caller, service))
}

fn client<S, B>(caller: Caller, service: S) -> Runner
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

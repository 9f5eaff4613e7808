//! The table's rows: to add one is one line.

use std::convert::Infallible;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::Full;
use tower::layer::util::Identity;
use tower::{Layer, Service};
use tower_observability::classify::Side;
use tower_observability::exchange::ObserveLayer;

use crate::measure::exchange::{Bare, Runner, router, runner};
use crate::measure::row::{Row, bare, over};
use crate::peers::{axum_tracing_otel, otel_instrumentation, tower_otel_client, tower_otel_server};
use crate::sdk::Caller::{self, Sampled, Unsampled};

const AXUM: &str = "bare Router";
/// What any layer costs in a `Router`, which boxes the service and its bodies.
const NO_OP: &str = "no-op layer";
const CORE: &str = "core with ()";
const PLAIN: &str = "bare client";
const CLIENT_CORE: &str = "client, core with ()";

#[rustfmt::skip]
pub(crate) fn all() -> Vec<Row> {
    vec![
        bare(AXUM, || axum(Sampled, router())),
        over(AXUM, NO_OP, || axum(Sampled, router().layer(Identity::new()))),
        over(NO_OP, CORE, || axum(Sampled, router().layer(core(Side::Server)))),

        over(NO_OP, "tower-otel, sampled", || server(Sampled, router().layer(tower_otel_server()))),
        over(NO_OP, "otel-instrumentation-tower, sampled", || server(Sampled, router().layer(otel_instrumentation()))),
        over(NO_OP, "axum-tracing-otel, sampled", || server(Sampled, router().layer(axum_tracing_otel()))),

        over(NO_OP, "tower-otel, unsampled", || server(Unsampled, router().layer(tower_otel_server()))),
        over(NO_OP, "otel-instrumentation-tower, unsampled", || server(Unsampled, router().layer(otel_instrumentation()))),
        over(NO_OP, "axum-tracing-otel, unsampled", || server(Unsampled, router().layer(axum_tracing_otel()))),

        bare(PLAIN, || client(Sampled, Bare)),
        over(PLAIN, CLIENT_CORE, || client(Sampled, core(Side::Client).layer(Bare))),
        over(PLAIN, "client, tower-otel, sampled", || traced(Sampled, tower_otel_client().layer(Bare))),
        over(PLAIN, "client, tower-otel, unsampled", || traced(Unsampled, tower_otel_client().layer(Bare))),
    ]
}

fn core(side: Side) -> ObserveLayer<()> {
    ObserveLayer::new(side, ())
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

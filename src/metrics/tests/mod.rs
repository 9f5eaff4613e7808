//! What a registry tells of scripted exchanges, whole.

mod bounds;
pub(crate) mod dice;
mod endings;
mod exemplars;
pub(crate) mod gathered;
mod grpc;
mod labels;
mod registry;
mod run;
mod saturation;
mod threads;

use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use prometheus::Registry;
use tower::Service;

use self::gathered::{Gathered, Series, Value, gathered, total};
use super::{MetricsBuilder, MetricsLayer};
use crate::classify::Side::{self, Client, Server};
use crate::testing::ManualClock;

const BOTH: [Side; 2] = [Server, Client];
const MS: Duration = Duration::from_millis(1);

/// A registry, and the clock that its layers measure with.
struct Bench {
    registry: Registry,
    time: ManualClock,
}

impl Bench {
    fn new() -> Self {
        Self { registry: Registry::new(), time: ManualClock::new() }
    }

    fn register(&self, builder: MetricsBuilder) -> MetricsLayer {
        builder.register(&self.registry).unwrap().clock(self.time.clock())
    }

    fn gathered(&self) -> Gathered {
        gathered(&self.registry)
    }
}

fn builder(side: Side) -> MetricsBuilder {
    match side {
        Server => MetricsLayer::server(),
        Client => MetricsLayer::client(),
    }
}

/// Asks a service that answers at once, and reads the answer to its end.
fn ask<S, B>(mut service: S, request: Request<()>)
where
    S: Service<Request<()>, Response = Response<B>>,
    B: Body,
{
    if let Some(Ok(response)) = service.call(request).now_or_never() {
        assert!(response.into_body().collect().now_or_never().is_some());
    }
}

/// What a registry has of a layer that measured nothing yet.
fn nothing(side: Side) -> Gathered {
    let side = name(side);
    let counter = |what| (Series::new(&format!("http_{side}_{what}_requests_total"), &[]), ZERO);
    ["overflow", "shed"].map(counter).into()
}

impl Value {
    /// One value in the bucket of this bound.
    pub(super) fn once(value: f64, bound: f64) -> Self {
        Self::Counts { count: 1, sum: value, buckets: vec![(bound, 1)] }
    }
}

const ZERO: Value = Value::Is(0.0);

fn name(side: Side) -> &'static str {
    match side {
        Server => "server",
        Client => "client",
    }
}

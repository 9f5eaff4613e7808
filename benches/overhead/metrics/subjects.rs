//! What the rows run: services whose exchanges one thread or several make, into the same series.

use std::convert::Infallible;

use axum::Router;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::Full;
use prometheus::Registry;
use tower::layer::util::Identity;
use tower::{Layer, Service};
use tower_observability::classify::Side::Server;
use tower_observability::exchange::ObserveLayer;
use tower_observability::metrics::MetricsLayer;

use crate::counted::registered;
use crate::exchange::{Asked, Bare, Runner, browser, router, runner};

/// Makes, for one thread each time, what runs an exchange.
pub(crate) type Exchanges = Box<dyn Fn() -> Runner + Send + Sync>;

pub(crate) fn bare() -> Exchanges {
    plain(Bare)
}

pub(crate) fn core() -> Exchanges {
    plain(core_layer().layer(Bare))
}

pub(crate) fn metrics() -> Exchanges {
    let (layer, registry) = layer();
    proven(plain(layer.layer(Bare)), || registered(&registry))
}

pub(crate) fn bare_router() -> Exchanges {
    routed(router())
}

pub(crate) fn no_op_in_router() -> Exchanges {
    routed(router().layer(Identity::new()))
}

pub(crate) fn core_in_router() -> Exchanges {
    routed(router().layer(core_layer()))
}

pub(crate) fn metrics_in_router() -> Exchanges {
    let (layer, registry) = layer();
    proven(routed(router().layer(layer)), || registered(&registry))
}

pub(crate) fn core_layer() -> ObserveLayer<()> {
    ObserveLayer::new(Server, ())
}

/// Our layer with all that it records, and where it records it.
pub(crate) fn layer() -> (MetricsLayer, Registry) {
    let registry = Registry::new();
    let layer = MetricsLayer::server().register(&registry).expect("an empty registry");
    (layer, registry)
}

/// Runs exchanges on clones of a service over the plain one.
pub(crate) fn plain<S, B>(service: S) -> Exchanges
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    B: Body,
{
    Box::new(move || runner(service.clone(), asked(), || Full::new(Bytes::new())))
}

/// Runs exchanges on clones of a `Router`.
pub(crate) fn routed(router: Router) -> Exchanges {
    Box::new(move || runner(router.clone(), asked(), axum::body::Body::empty))
}

/// A browser's request, with a length.
pub(crate) fn asked() -> Asked {
    let mut asked = browser();
    asked.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("27"));
    asked
}

/// Runs one exchange, to prove that it is counted.
pub(crate) fn proven(exchanges: Exchanges, counted: impl Fn() -> u64) -> Exchanges {
    assert_eq!(counted(), 0, "before the first exchange");
    exchanges()();
    assert_eq!(counted(), 1, "after it");
    exchanges
}

//! The layers, whose types can be named and stored.

use std::time::Duration;

use tower_layer::Layer;

use super::signals::Signals;
use crate::catch_panic::{CatchPanic, CatchPanicLayer};
use crate::classify::Classify;
use crate::clock::Clock;
use crate::exchange::{Observe, ObserveLayer};
use crate::route::Routes;

/// All signals of a server, in one layer; made by [`Telemetry::server`] or [`ServerParts::fuse`].
///
/// One layer for axum's `Router`, for tonic's `Server` and for any tower service that hyper serves. It can
/// be stored in a field, and its service is [`ServerService`].
///
/// [`Telemetry::server`]: crate::telemetry::Telemetry::server
/// [`ServerParts::fuse`]: super::ServerParts::fuse
#[derive(Clone, Debug)]
pub struct ServerLayer {
    pub(super) observe: ObserveLayer<Signals>,
    pub(super) catch_panic: CatchPanicLayer,
}

/// A service with all signals of a server.
///
/// ```
/// use tower::Layer;
/// use tower_observability::stack::ServerService;
/// use tower_observability::telemetry::Telemetry;
///
/// struct Shop {
///     orders: ServerService<axum::Router>,
/// }
///
/// let telemetry = Telemetry::builder("shop").build()?;
/// let shop = Shop { orders: telemetry.server().layer(axum::Router::new()) };
/// # drop(shop);
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
pub type ServerService<S> = Observe<CatchPanic<S>, Signals>;

/// All signals of a client, in one layer; made by [`Telemetry::client`] or [`ClientParts::fuse`].
///
/// Put it inside of any retry, so that each attempt is an exchange of its own.
///
/// [`Telemetry::client`]: crate::telemetry::Telemetry::client
/// [`ClientParts::fuse`]: super::ClientParts::fuse
#[derive(Clone, Debug)]
pub struct ClientLayer {
    pub(super) observe: ObserveLayer<Signals>,
}

/// A client with all signals.
///
/// ```
/// use tonic::transport::Channel;
/// use tower_observability::stack::ClientService;
///
/// /// What a generated client is given: `PaymentClient<ClientService<Channel>>`.
/// type Payments = ClientService<Channel>;
/// ```
pub type ClientService<S> = Observe<S, Signals>;

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> ServerService<S> {
        self.observe.layer(self.catch_panic.layer(inner))
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> ClientService<S> {
        self.observe.layer(inner)
    }
}

macro_rules! common {
    ($($Layer:ident)+) => { $(
        impl $Layer {
            /// Measures with `clock`; the system's by default.
            pub fn clock(mut self, clock: Clock) -> Self {
                self.observe = self.observe.clock(clock);
                self
            }

            /// Judges by `classify`; by the [documented table](crate#what-each-layer-is-told-and-when) by
            /// default.
            pub fn classify(mut self, classify: Classify) -> Self {
                self.observe = self.observe.classify(classify);
                self
            }

            /// Tells of a time-out that holds for every exchange, so that a drop after it is a
            /// `deadline_exceeded`, not a cancel. A shorter `grpc-timeout` of the caller goes first.
            pub fn deadline(mut self, deadline: Duration) -> Self {
                self.observe = self.observe.deadline(deadline);
                self
            }

            /// Finds routes by `routes`.
            pub fn routes(mut self, routes: Routes) -> Self {
                self.observe = self.observe.routes(routes);
                self
            }
        }
    )+ };
}

common! { ServerLayer ClientLayer }

//! The layer every room is a configuration of.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tower_layer::Layer;

use super::learned::Learned;
use super::observer::Observer;
use super::service::Observe;
use super::wait::Gate;
use crate::classify::{Classify, Side};
use crate::clock::Clock;
use crate::route::Routes;
use crate::shard;

/// A layer that lets an [`Observer`] see every exchange of the service it wraps.
///
/// The layers of this crate are this layer with an observer of their own, so the setters here are
/// setters of each of them. Clock, classification and deadline hold for a whole exchange: where
/// several wrappers share one, the outermost wrapper's are used.
#[derive(Debug)]
pub struct ObserveLayer<O> {
    pub(super) core: Arc<Core<O>>,
    /// Made with the first service: some routers make another one for each request.
    shared: Arc<OnceLock<Shared<O>>>,
}

// cache lines of its own, as threads count references to different ones
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Core<O> {
    pub(super) observer: Arc<O>,
    pub(super) side: Side,
    pub(super) options: Arc<Options>,
}

impl<O> Clone for Core<O> {
    fn clone(&self) -> Self {
        let (observer, options) = (Arc::clone(&self.observer), Arc::clone(&self.options));
        Self { observer, side: self.side, options }
    }
}

/// What the clones of a service share, once for each share of the threads: an exchange counts
/// references only to what its own thread does, as a count that all threads write is slow.
#[derive(Debug)]
pub(super) struct Shared<O>(Arc<[Arc<Core<O>>]>);

impl<O> Shared<O> {
    fn new(core: &Core<O>) -> Self {
        let apart = || Core { options: Arc::new(Options::clone(&core.options)), ..core.clone() };
        Self((0..shard::count()).map(|_| Arc::new(apart())).collect())
    }

    #[inline]
    pub(super) fn here(&self) -> &Arc<Core<O>> {
        // there is at least one
        &self.0[shard::of_this_thread().among(self.0.len())]
    }
}

impl<O> Clone for Shared<O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The rules of an exchange; those of the wrapper that starts it hold for all that join.
#[derive(Clone, Debug, Default)]
#[repr(align(128))]
pub(super) struct Options {
    pub(super) clock: Clock,
    pub(super) classify: Classify,
    pub(super) deadline: Option<Duration>,
    pub(super) routes: Routes,
    pub(super) learned: Arc<Learned>,
}

impl<O> ObserveLayer<O> {
    /// Observes the exchanges of a service from `side`.
    pub fn new(side: Side, observer: O) -> Self {
        let observer = Arc::new(observer);
        let core = Arc::new(Core { observer, side, options: Arc::default() });
        Self { core, shared: Arc::default() }
    }

    /// Which side the layer stands on.
    pub fn side(&self) -> Side {
        self.core.side
    }

    /// The observer.
    pub fn observer(&self) -> &O {
        &self.core.observer
    }
}

impl<O: Clone> ObserveLayer<O> {
    /// Measures with `clock`; the system's by default.
    pub fn clock(self, clock: Clock) -> Self {
        self.with_options(|options| options.clock = clock)
    }

    /// Judges by `classify`; by the documented table by default.
    pub fn classify(self, classify: Classify) -> Self {
        self.with_options(|options| options.classify = classify)
    }

    /// Tells of a time-out that holds for every exchange, so that a drop after it is a
    /// `deadline_exceeded`, not a cancel. A shorter `grpc-timeout` of the caller goes first.
    pub fn deadline(self, deadline: Duration) -> Self {
        self.with_options(|options| options.deadline = Some(deadline))
    }

    /// Finds routes by `routes`.
    pub fn routes(self, routes: Routes) -> Self {
        self.with_options(|options| options.routes = routes)
    }

    /// The observer, to be fused with others. Clock, classification, deadline and routes are the
    /// layer's, and stay behind: set them on the layer that the fused observers go into.
    pub fn into_observer(self) -> O {
        Arc::unwrap_or_clone(Arc::unwrap_or_clone(self.core).observer)
    }

    /// Changes the observer's own settings.
    #[cfg(any(
        feature = "request-id",
        feature = "access-log",
        feature = "debug-dump",
        feature = "sentry",
        feature = "trace"
    ))]
    pub(crate) fn configure(self, change: impl FnOnce(&mut O)) -> Self {
        self.with(|core| change(Arc::make_mut(&mut core.observer)))
    }

    fn with_options(self, change: impl FnOnce(&mut Options)) -> Self {
        self.with(|core| change(Arc::make_mut(&mut core.options)))
    }

    fn with(mut self, change: impl FnOnce(&mut Core<O>)) -> Self {
        change(Arc::make_mut(&mut self.core));
        Self { core: self.core, shared: Arc::default() }
    }
}

impl ObserveLayer<()> {
    /// Observes nothing, but tells the wrappers outside it what only an inner place can see: the
    /// route that axum matched. Put it on the `Router`'s own routes when the other layers are
    /// wrapped around the whole `Router`.
    ///
    /// ```
    /// # #[cfg(feature = "axum")] {
    /// use axum::{Router, routing::get};
    /// use tower_observability::exchange::ObserveLayer;
    ///
    /// let router: Router = Router::new()
    ///     .route("/users/{id}", get(|| async { "ada" }))
    ///     .layer(ObserveLayer::route_recorder());
    /// # }
    /// ```
    pub fn route_recorder() -> Self {
        Self::new(Side::Server, ())
    }
}

impl<O> Clone for ObserveLayer<O> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), shared: Arc::clone(&self.shared) }
    }
}

impl<S, O: Observer> Layer<S> for ObserveLayer<O> {
    type Service = Observe<S, O>;

    fn layer(&self, inner: S) -> Self::Service {
        let shared = self.shared.get_or_init(|| Shared::new(&self.core));
        Observe { inner, gate: Gate::new(shared.clone()) }
    }
}

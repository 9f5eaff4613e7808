//! How a layer reads and writes the headers in which a trace travels.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::{Context, global};

use super::propagation::{HeaderExtractor, HeaderInjector, Named, W3cPropagator};

/// A layer's propagator.
#[derive(Clone, Default)]
pub(super) enum Propagator {
    /// Whichever is global when a request comes.
    #[default]
    Global,
    /// This crate's own, which needs no trait object.
    W3c(W3cPropagator),
    Other(Arc<dyn TextMapPropagator + Send + Sync>),
}

impl Propagator {
    pub(super) fn new<P: TextMapPropagator + Send + Sync + 'static>(propagator: P) -> Self {
        match (&propagator as &dyn Any).downcast_ref::<W3cPropagator>() {
            Some(own) => Self::W3c(own.clone()),
            None => Self::Other(Arc::new(propagator)),
        }
    }

    /// The context that the headers bring, on top of the current one.
    pub(super) fn extract(&self, headers: &HeaderMap, named: &Named<'_>) -> Context {
        match self {
            Self::W3c(own) => Context::map_current(|now| own.extract_named(now, headers, named)),
            Self::Other(other) => {
                other.extract_with_context(&Context::current(), &HeaderExtractor(headers))
            }
            Self::Global => {
                let now = Context::current();
                with_global(|global| global.extract_with_context(&now, &HeaderExtractor(headers)))
            }
        }
    }

    /// Writes the context into the headers.
    pub(super) fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        match self {
            Self::W3c(own) => own.inject_headers(context, headers),
            Self::Other(other) => other.inject_context(context, &mut HeaderInjector(headers)),
            Self::Global => {
                with_global(|global| global.inject_context(context, &mut HeaderInjector(headers)));
            }
        }
    }
}

/// Lets the global propagator work, and warns once if it is none: nothing is propagated by default,
/// which is hardly ever what is meant.
fn with_global<R>(mut work: impl FnMut(&dyn TextMapPropagator) -> R) -> R {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let (done, is_idle) = global::get_text_map_propagator(|global| {
        (work(global), !WARNED.load(Relaxed) && global.fields().next().is_none())
    });
    // without the lock on it, as whoever is told may ask a client, too
    if is_idle && !WARNED.swap(true, Relaxed) {
        tracing::warn!(
            target: "tower_observability::trace",
            "no propagator is installed, so that traces end at this process: set one with \
             TraceLayer::propagator or opentelemetry::global::set_text_map_propagator"
        );
    }
    done
}

impl fmt::Debug for Propagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("Global"),
            Self::W3c(own) => own.fmt(f),
            Self::Other(other) => other.fmt(f),
        }
    }
}

//! What is kept of spans, verdicts and dumps, and how many exchanges begin and end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::request;
use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tower_observability::exchange::{End, Facts, Observer};

use crate::witness::number;

/// What is kept of one signal. Clones share it.
#[derive(Debug)]
pub(crate) struct Kept<T>(Arc<Mutex<Vec<T>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Kept<T> {
    pub(crate) fn push(&self, one: T) {
        self.0.lock().unwrap().push(one);
    }

    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Keeps every span that ends.
#[derive(Debug)]
pub(crate) struct KeepSpans<T: std::fmt::Debug> {
    pub(crate) kept: Kept<T>,
    pub(crate) read: fn(&SpanData) -> T,
}

impl<T: std::fmt::Debug + Send + 'static> SpanProcessor for KeepSpans<T> {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.kept.push((self.read)(&span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The attribute that tells which of the intended exchanges one is.
pub(crate) const MARK: &str = "intent";

/// Marks exchanges, and counts them. The first of a tuple, it knows of an end when the others do.
#[derive(Clone, Default)]
pub(crate) struct Mark {
    begun: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
}

impl Mark {
    /// How many exchanges are under way.
    pub(crate) fn under_way(&self) -> u64 {
        let ended = self.ended.load(Ordering::Acquire);
        self.begun.load(Ordering::Acquire) - ended
    }
}

impl Observer for Mark {
    type Exchange = ();

    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) {
        self.begun.fetch_add(1, Ordering::AcqRel);
        if let Some(number) = number(&head.headers) {
            assert!(facts.annotate(MARK, number as i64));
        }
    }

    fn end(&self, (): (), _: &End<'_>) {
        self.ended.fetch_add(1, Ordering::AcqRel);
    }
}

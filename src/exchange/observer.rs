//! What it takes to observe exchanges, and how observers are fused.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, request, response};

use super::end::End;
use super::facts::Facts;
use super::wait::WaitEnd;

/// One concern that wants to know of every exchange.
///
/// The callbacks of one exchange come in this order, and [`end`](Observer::end) comes exactly
/// once, whatever happens, unless the observer [is idle](Observer::is_idle):
///
/// ```text
/// begin ─ request_body ─ scope(call) ─ scope(poll)* ─ response ─ scope(poll_frame)/data*/handed* ─ trailers ─ end
/// ```
///
/// [`Exchange`](Observer::Exchange) is what the observer keeps of one exchange between callbacks.
/// `()`, `Option<O>` and tuples of up to eight observers are observers: the first of a tuple is
/// the outermost. `begin` runs outer to inner, `response` and `end` inner to outer, and an inner
/// observer's callbacks run inside the outer ones' scopes. A callback that panics costs nobody
/// else a record.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use http::request;
/// use tower_observability::classify::Side;
/// use tower_observability::exchange::{End, Facts, ObserveLayer, Observer};
///
/// /// Counts the bytes handed over, and the exchanges that went wrong.
/// #[derive(Clone, Default)]
/// struct Count(Arc<(AtomicU64, AtomicU64)>);
///
/// impl Observer for Count {
///     type Exchange = (); // nothing to remember between the callbacks
///
///     fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}
///
///     fn end(&self, (): (), end: &End<'_>) {
///         self.0.0.fetch_add(end.response_bytes, Ordering::Relaxed);
///         self.0.1.fetch_add(u64::from(end.is_error), Ordering::Relaxed);
///     }
/// }
///
/// let alone = ObserveLayer::new(Side::Server, Count::default());
/// // fused with others, in one wrapper: the first is the outermost
/// # #[cfg(all(feature = "request-id", feature = "access-log"))] {
/// # use tower_observability::{access_log::AccessLogLayer, request_id::RequestIdLayer};
/// let fused = ObserveLayer::new(
///     Side::Server,
///     (
///         RequestIdLayer::server().into_observer(),
///         AccessLogLayer::server().into_observer(),
///         Count::default(),
///     ),
/// );
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not observe exchanges",
    note = "of a layer such as `AccessLogLayer`, fuse the observer: `layer.into_observer()`"
)]
pub trait Observer: Send + Sync + 'static {
    /// What is kept of an exchange from its beginning to its end.
    type Exchange: Send + Sync + 'static;

    /// Whether [`data`](Observer::data) is to be called.
    const WANTS_DATA: bool = false;

    /// Whether [`handed`](Observer::handed) is to be called.
    const WANTS_HANDED: bool = false;

    /// Whether [`trailers`](Observer::trailers) is to be called.
    const WANTS_TRAILERS: bool = false;

    /// Whether [`waited`](Observer::waited) is to be called.
    const WANTS_WAIT: bool = false;

    /// Whether [`scope`](Observer::scope) does more than to run what it is given: where it does not, say
    /// so, and nothing is spent on it.
    const WANTS_SCOPE: bool = true;

    /// Whether [`request_body`](Observer::request_body) may do more than to hand the body back: where it
    /// never does, say so, and nothing is spent on it.
    const WANTS_REQUEST_BODY: bool = true;

    /// A request has arrived. Headers changed here are what the inner service sees.
    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Self::Exchange;

    /// Whether it has no interest in an exchange that it began: what it keeps of it is dropped, and none
    /// of the callbacks below comes, not even [`end`](Observer::end).
    #[inline]
    fn is_idle(&self, _exchange: &Self::Exchange) -> bool {
        false
    }

    /// Runs `inner`: the inner call, every poll of its future and body, and their drops.
    /// Apart from what `inner` does, it must not panic.
    #[inline]
    fn scope<R>(&self, _exchange: &mut Self::Exchange, inner: impl FnOnce() -> R) -> R {
        inner()
    }

    /// Whether [`request_body`](Observer::request_body) is to be called for this exchange, where it is at
    /// all.
    #[inline]
    fn wants_request_body(&self, _exchange: &Self::Exchange) -> bool {
        Self::WANTS_REQUEST_BODY
    }

    /// May wrap the request body again, as the same type. A panic here takes the body with it, so
    /// it passes through, and the exchange ends as panicked.
    #[inline]
    fn request_body<B: 'static>(&self, _exchange: &mut Self::Exchange, body: B) -> B {
        body
    }

    /// There are response headers. Headers changed here are what is sent.
    #[inline]
    fn response(
        &self,
        _exchange: &mut Self::Exchange,
        _head: &mut response::Parts,
        _facts: &Arc<Facts>,
    ) {
    }

    /// Runs `inner` in [`scope`](Observer::scope), then tells of the [response](Observer::response) that
    /// it left in `head`, if any: fused observers are told as their own scopes are left, so that nobody's
    /// is entered twice.
    #[doc(hidden)]
    #[inline]
    fn scope_to_response(
        &self,
        exchange: &mut Self::Exchange,
        head: &mut Option<response::Parts>,
        facts: &Arc<Facts>,
        inner: impl FnOnce(&mut Option<response::Parts>),
    ) {
        self.scope(exchange, || inner(head));
        if let Some(head) = head {
            isolated(|| self.response(exchange, head, facts));
        }
    }

    /// Whether [`data`](Observer::data) is to be called for this exchange, where it is at all.
    #[inline]
    fn wants_data(&self, _exchange: &Self::Exchange) -> bool {
        Self::WANTS_DATA
    }

    /// A piece of the response body passes by. A frame whose buffer is in several pieces comes as
    /// several; of more than 16, or of those that the buffer does not show, the rest is
    /// [left out](Observer::data_left_out).
    #[inline]
    fn data(&self, _exchange: &mut Self::Exchange, _bytes: &[u8]) {}

    /// A part of the response body passed by that could not be shown: what comes next does not follow
    /// what came before. Called where [`data`](Observer::data) is.
    #[inline]
    fn data_left_out(&self, _exchange: &mut Self::Exchange) {}

    /// More of the response body was handed over, with which it is `total` bytes by now. For whoever
    /// needs no [`data`](Observer::data): it is called in nobody's [scope](Observer::scope).
    #[inline]
    fn handed(&self, _exchange: &mut Self::Exchange, _total: u64) {}

    /// The trailers of the response pass by, as they are sent.
    #[inline]
    fn trailers(&self, _exchange: &mut Self::Exchange, _trailers: &HeaderMap) {}

    /// The exchange is over.
    fn end(&self, exchange: Self::Exchange, end: &End<'_>);

    /// The inner service was not ready and said so with an error; no exchange began.
    #[inline]
    fn refused(&self, _error: &(dyn Any + 'static)) {}

    /// A request waited for the inner service to be ready: from the first `poll_ready` that was
    /// Pending to the one that was Ready, zero where none was Pending, on the layer's clock.
    ///
    /// It is told once for each `call`, before [`begin`](Observer::begin); for each error of
    /// `poll_ready`, before [`refused`](Observer::refused); and for a service that is dropped, or taken
    /// out of its wrapper, while it is not ready. One that was ready and is never called tells nothing,
    /// and a clone begins anew. Whoever lets a service wait and asks the same one again later has
    /// waited all the time between: a service is not told who asks.
    #[inline]
    fn waited(&self, _wait: Duration, _end: WaitEnd) {}
}

/// Runs a callback so that its panic stays its own, during an unwind too.
#[inline]
pub(crate) fn isolated<R>(callback: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(callback)) {
        Ok(value) => Some(value),
        Err(payload) => {
            discard(payload);
            None
        }
    }
}

/// The payload of a panic.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Drops the payload of a panic, which may panic itself; what that throws is let go.
#[cold]
pub(crate) fn discard(payload: Panic) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

/// Goes on with a panic, after it has dropped what is held: a drop that panics as well, while the first
/// one unwinds, would abort the process.
#[cold]
pub(crate) fn drop_and_resume<T>(held: T, panic: Panic) -> ! {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(held))) {
        discard(second);
    }
    resume_unwind(panic)
}

/// Runs `inner` in the scope of an observer, unless its `begin` failed.
#[inline]
pub(super) fn within<O: Observer, R>(
    observer: &O,
    exchange: &mut Option<O::Exchange>,
    inner: impl FnOnce() -> R,
) -> R {
    match exchange {
        Some(exchange) if O::WANTS_SCOPE => observer.scope(exchange, inner),
        _ => inner(),
    }
}

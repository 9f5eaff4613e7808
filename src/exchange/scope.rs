//! The exchange in scope on this thread, for whoever asks without an argument.

use std::cell::Cell;
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::facts::Facts;

thread_local! {
    // What is never dropped needs no destructor registered, so an access is a plain load. Nothing
    // leaks: whoever puts an exchange in scope takes it out again.
    static CURRENT: Cell<ManuallyDrop<Option<Arc<Facts>>>> =
        const { Cell::new(ManuallyDrop::new(None)) };
}

#[inline]
fn replace(facts: Option<Arc<Facts>>) -> Option<Arc<Facts>> {
    ManuallyDrop::into_inner(CURRENT.replace(ManuallyDrop::new(facts)))
}

/// Puts `facts` in scope until the guard is dropped, and moves it back then: no reference count
/// is touched.
#[inline]
pub(super) fn enter(slot: &mut Option<Arc<Facts>>) -> Entered<'_> {
    let outer = CURRENT.replace(ManuallyDrop::new(slot.take()));
    Entered { slot, outer }
}

pub(super) struct Entered<'a> {
    slot: &'a mut Option<Arc<Facts>>,
    outer: ManuallyDrop<Option<Arc<Facts>>>,
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        let outer = mem::replace(&mut self.outer, ManuallyDrop::new(None));
        *self.slot = ManuallyDrop::into_inner(CURRENT.replace(outer));
    }
}

/// The exchange in scope.
pub(super) fn current() -> Option<Arc<Facts>> {
    let facts = replace(None);
    replace(facts.clone());
    facts
}

/// Runs `with` on the exchange in scope without touching its reference count; inside `with`
/// nothing is in scope.
pub(super) fn with_current<R>(with: impl FnOnce(&Facts) -> R) -> Option<R> {
    let mut facts = replace(None);
    let restore = Restore(&mut facts);
    restore.0.as_deref().map(with)
}

struct Restore<'a>(&'a mut Option<Arc<Facts>>);

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        replace(self.0.take());
    }
}

/// Carries the exchange in scope into a future that outlives the handler's own polls.
pub trait InExchangeExt: Future + Sized {
    /// Polls this future in the scope of the exchange that is in scope now, and, with the feature
    /// `trace`, in the OpenTelemetry context that is current now: what it traces is a child of the
    /// span around the call.
    ///
    /// ```
    /// use tower_observability::exchange::{InExchangeExt, annotate};
    ///
    /// async fn handler() {
    ///     let send_mail = async {
    ///         let still_running = annotate("mail.sent", true); // false once the exchange ended
    ///         # let _ = still_running;
    ///     };
    ///     tokio::spawn(send_mail.in_exchange());
    /// }
    /// ```
    fn in_exchange(self) -> InExchange<Self> {
        InExchange { inner: Some(self), carried: Carried::now() }
    }
}

impl<F: Future> InExchangeExt for F {}

/// Carries the exchange in scope, and the trace with it, into work that runs elsewhere, such as on a
/// blocking thread; the counterpart of [`InExchangeExt`] for closures.
///
/// ```
/// use tower_observability::exchange::{annotate, in_exchange};
///
/// async fn handler() {
///     let query = || annotate("db.rows", 3);
///     # let _ = {
///     tokio::task::spawn_blocking(in_exchange(query)).await
///     # };
/// }
/// ```
pub fn in_exchange<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let mut carried = Carried::now();
    move || carried.within(work)
}

/// What belongs to an exchange and is current on its thread.
struct Carried {
    facts: Option<Arc<Facts>>,
    /// Of the span that is current inside of the exchange.
    #[cfg(feature = "trace")]
    context: opentelemetry::Context,
}

impl Carried {
    fn now() -> Self {
        Self {
            facts: current(),
            #[cfg(feature = "trace")]
            context: opentelemetry::Context::current(),
        }
    }

    fn within<R>(&mut self, work: impl FnOnce() -> R) -> R {
        #[cfg(feature = "trace")]
        let _current = {
            use opentelemetry::trace::TraceContextExt;
            self.context.has_active_span().then(|| self.context.clone().attach())
        };
        let _scope = self.facts.is_some().then(|| enter(&mut self.facts));
        work()
    }
}

pin_project! {
    /// A future polled, and dropped, in the scope of an exchange; made by
    /// [`in_exchange`](InExchangeExt::in_exchange).
    pub struct InExchange<F> {
        #[pin]
        inner: Option<F>,
        carried: Carried,
    }

    impl<F> PinnedDrop for InExchange<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.carried.within(|| this.inner.set(None));
        }
    }
}

impl<F: Future> Future for InExchange<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        this.carried.within(|| {
            let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
            let polled = inner.poll(cx);
            if polled.is_ready() {
                this.inner.set(None);
            }
            polled
        })
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use http::{Request, Response};
    use tower::{Layer, ServiceExt, service_fn};

    use super::*;
    use crate::classify::Side;
    use crate::exchange::annotate;
    use crate::testing::Recorder;

    #[tokio::test]
    async fn a_closure_carries_its_exchange_and_leaves_nothing_behind() {
        let recorder = Recorder::new();
        let service = recorder.layer(Side::Server).layer(service_fn(async |_: Request<()>| {
            let query = in_exchange(|| annotate("db.rows", 3));
            let thread = std::thread::spawn(|| (annotate("x", 1), query(), annotate("x", 1)));
            assert_eq!(thread.join().unwrap(), (false, true, false));
            Ok::<_, std::convert::Infallible>(Response::new(String::new()))
        }));
        service.oneshot(Request::new(())).await.unwrap();
        let attributes = recorder.only().attributes;
        assert_eq!(attributes.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["db.rows"]);
    }

    #[test]
    fn a_closure_without_an_exchange_just_runs() {
        assert!(!in_exchange(|| annotate("x", 1))());
    }
}

//! What it takes to observe exchanges, and how observers are fused.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::{request, response};

use super::end::End;
use super::facts::Facts;

/// One concern that wants to know of every exchange.
///
/// The callbacks of one exchange come in this order, and [`end`](Observer::end) comes exactly
/// once, whatever happens:
///
/// ```text
/// begin ─ request_body ─ scope(call) ─ scope(poll)* ─ response ─ scope(poll_frame)/data* ─ end
/// ```
///
/// [`Exchange`](Observer::Exchange) is what the observer keeps of one exchange between callbacks.
/// `()`, `Option<O>` and tuples of up to eight observers are observers: the first of a tuple is
/// the outermost. `begin` runs outer to inner, `response` and `end` inner to outer, and an inner
/// observer's callbacks run inside the outer ones' scopes. A callback that panics costs nobody
/// else a record.
pub trait Observer: Send + Sync + 'static {
    /// What is kept of an exchange from its beginning to its end.
    type Exchange: Send + Sync + 'static;

    /// Whether [`data`](Observer::data) is to be called.
    const WANTS_DATA: bool = false;

    /// A request has arrived. Headers changed here are what the inner service sees.
    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Self::Exchange;

    /// Runs `inner`: the inner call, every poll of its future and body, and their drops.
    /// Apart from what `inner` does, it must not panic.
    #[inline]
    fn scope<R>(&self, _exchange: &mut Self::Exchange, inner: impl FnOnce() -> R) -> R {
        inner()
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

    /// A piece of the response body passes by. A frame whose buffer is in several pieces comes as
    /// several; of more than 16, the rest is left out.
    #[inline]
    fn data(&self, _exchange: &mut Self::Exchange, _bytes: &[u8]) {}

    /// The exchange is over.
    fn end(&self, exchange: Self::Exchange, end: &End<'_>);

    /// The inner service was not ready and said so with an error; no exchange began.
    #[inline]
    fn refused(&self, _error: &(dyn Any + 'static)) {}
}

/// Runs a callback so that its panic stays its own, during an unwind too.
pub(crate) fn isolated<R>(callback: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(callback)) {
        Ok(value) => Some(value),
        Err(payload) => {
            discard(payload);
            None
        }
    }
}

/// Drops the payload of a panic, which may panic itself; what that throws is let go.
pub(super) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

/// Observes nothing.
impl Observer for () {
    type Exchange = ();

    #[inline]
    fn begin(&self, _head: &mut request::Parts, _facts: &Arc<Facts>) {}

    #[inline]
    fn end(&self, (): (), _end: &End<'_>) {}
}

/// A concern that is switched off when `None`.
impl<O: Observer> Observer for Option<O> {
    type Exchange = Option<O::Exchange>;

    const WANTS_DATA: bool = O::WANTS_DATA;

    #[inline]
    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Self::Exchange {
        self.as_ref().map(|observer| observer.begin(head, facts))
    }

    #[inline]
    fn scope<R>(&self, exchange: &mut Self::Exchange, inner: impl FnOnce() -> R) -> R {
        match (self, exchange) {
            (Some(observer), Some(exchange)) => observer.scope(exchange, inner),
            _ => inner(),
        }
    }

    #[inline]
    fn request_body<B: 'static>(&self, exchange: &mut Self::Exchange, body: B) -> B {
        match (self, exchange) {
            (Some(observer), Some(exchange)) => observer.request_body(exchange, body),
            _ => body,
        }
    }

    #[inline]
    fn response(
        &self,
        exchange: &mut Self::Exchange,
        head: &mut response::Parts,
        facts: &Arc<Facts>,
    ) {
        if let (Some(observer), Some(exchange)) = (self, exchange) {
            observer.response(exchange, head, facts);
        }
    }

    #[inline]
    fn data(&self, exchange: &mut Self::Exchange, bytes: &[u8]) {
        if let (Some(observer), Some(exchange)) = (self, exchange) {
            observer.data(exchange, bytes);
        }
    }

    #[inline]
    fn end(&self, exchange: Self::Exchange, end: &End<'_>) {
        if let (Some(observer), Some(exchange)) = (self, exchange) {
            observer.end(exchange, end);
        }
    }

    #[inline]
    fn refused(&self, error: &(dyn Any + 'static)) {
        if let Some(observer) = self {
            observer.refused(error);
        }
    }
}

/// Runs `inner` in the scope of an observer, unless its `begin` failed.
#[inline]
pub(super) fn within<O: Observer, R>(
    observer: &O,
    exchange: &mut Option<O::Exchange>,
    inner: impl FnOnce() -> R,
) -> R {
    match exchange {
        Some(exchange) => observer.scope(exchange, inner),
        None => inner(),
    }
}

/// What the type of an observer asks for.
const fn wants_data<O: Observer>(_: &O) -> bool {
    O::WANTS_DATA
}

/// `$body` in the scope of every observer named, the first outermost.
macro_rules! in_scopes {
    ($body:expr;) => { $body };
    ($body:expr; ($o:ident $x:ident) $($rest:tt)*) => {
        within($o, $x, || in_scopes!($body; $($rest)*))
    };
}

/// Begins outer to inner, each inside the scopes of those before it.
macro_rules! begin_inwards {
    ($head:ident, $facts:ident;) => { () };
    ($head:ident, $facts:ident; ($o:ident $x:ident) $($rest:tt)*) => {{
        *$x = isolated(|| $o.begin($head, $facts));
        within($o, $x, || begin_inwards!($head, $facts; $($rest)*));
    }};
}

/// Calls inner to outer, each inside the scopes of those outside it.
macro_rules! outwards {
    (|$one:ident, $state:ident| $call:block) => { () };
    (|$one:ident, $state:ident| $call:block ($o:ident $x:ident) $($rest:tt)*) => {{
        within($o, $x, || outwards!(|$one, $state| $call $($rest)*));
        let ($one, $state) = ($o, $x);
        $call
    }};
}

macro_rules! tuple_observer {
    ($(($O:ident $o:ident $x:ident))+) => {
        /// Fused: the first is the outermost.
        impl<$($O: Observer),+> Observer for ($($O,)+) {
            type Exchange = ($(Option<$O::Exchange>,)+);

            const WANTS_DATA: bool = $($O::WANTS_DATA)||+;

            #[inline]
            fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Self::Exchange {
                let ($($o,)+) = self;
                let mut exchange: Self::Exchange = Default::default();
                {
                    let ($($x,)+) = &mut exchange;
                    begin_inwards!(head, facts; $(($o $x))+);
                }
                exchange
            }

            #[inline]
            fn scope<R>(&self, exchange: &mut Self::Exchange, inner: impl FnOnce() -> R) -> R {
                let ($($o,)+) = self;
                let ($($x,)+) = exchange;
                in_scopes!(inner(); $(($o $x))+)
            }

            #[inline]
            fn request_body<Body: 'static>(
                &self,
                exchange: &mut Self::Exchange,
                body: Body,
            ) -> Body {
                let ($($o,)+) = self;
                let ($($x,)+) = exchange;
                $(let body = match $x {
                    Some($x) => $o.request_body($x, body),
                    None => body,
                };)+
                body
            }

            #[inline]
            fn response(
                &self,
                exchange: &mut Self::Exchange,
                head: &mut response::Parts,
                facts: &Arc<Facts>,
            ) {
                let ($($o,)+) = self;
                let ($($x,)+) = exchange;
                outwards!(|one, state| { if let Some(state) = state {
                    isolated(|| one.response(state, head, facts));
                } } $(($o $x))+);
            }

            #[inline]
            fn data(&self, exchange: &mut Self::Exchange, bytes: &[u8]) {
                let ($($o,)+) = self;
                let ($($x,)+) = exchange;
                outwards!(|one, state| { if wants_data(one) && let Some(state) = state {
                    isolated(|| one.data(state, bytes));
                } } $(($o $x))+);
            }

            #[inline]
            fn end(&self, mut exchange: Self::Exchange, end: &End<'_>) {
                let ($($o,)+) = self;
                let ($($x,)+) = &mut exchange;
                outwards!(|one, state| { if let Some(state) = state.take() {
                    isolated(|| one.end(state, end));
                } } $(($o $x))+);
            }

            #[inline]
            fn refused(&self, error: &(dyn Any + 'static)) {
                let ($($o,)+) = self;
                $(isolated(|| $o.refused(error));)+
            }
        }
    };
}

tuple_observer! { (A a xa) }
tuple_observer! { (A a xa) (B b xb) }
tuple_observer! { (A a xa) (B b xb) (C c xc) }
tuple_observer! { (A a xa) (B b xb) (C c xc) (D d xd) }
tuple_observer! { (A a xa) (B b xb) (C c xc) (D d xd) (E e xe) }
tuple_observer! { (A a xa) (B b xb) (C c xc) (D d xd) (E e xe) (F f xf) }
tuple_observer! { (A a xa) (B b xb) (C c xc) (D d xd) (E e xe) (F f xf) (G g xg) }
tuple_observer! { (A a xa) (B b xb) (C c xc) (D d xd) (E e xe) (F f xf) (G g xg) (H h xh) }

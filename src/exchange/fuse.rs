//! How observers are fused: `()`, `Option` and tuples of observers are observers.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, request, response};

use super::end::End;
use super::facts::Facts;
use super::observer::{Observer, isolated, within};
use super::wait::WaitEnd;

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
    const WANTS_TRAILERS: bool = O::WANTS_TRAILERS;
    const WANTS_WAIT: bool = O::WANTS_WAIT;

    #[inline]
    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Self::Exchange {
        self.as_ref().map(|observer| observer.begin(head, facts))
    }

    #[inline]
    fn is_idle(&self, exchange: &Self::Exchange) -> bool {
        match (self, exchange) {
            (Some(observer), Some(exchange)) => observer.is_idle(exchange),
            _ => true,
        }
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
    fn wants_data(&self, exchange: &Self::Exchange) -> bool {
        match (self, exchange) {
            (Some(observer), Some(exchange)) => observer.wants_data(exchange),
            _ => false,
        }
    }

    #[inline]
    fn data(&self, exchange: &mut Self::Exchange, bytes: &[u8]) {
        if let (Some(observer), Some(exchange)) = (self, exchange) {
            observer.data(exchange, bytes);
        }
    }

    #[inline]
    fn data_left_out(&self, exchange: &mut Self::Exchange) {
        if let (Some(observer), Some(exchange)) = (self, exchange) {
            observer.data_left_out(exchange);
        }
    }

    #[inline]
    fn trailers(&self, exchange: &mut Self::Exchange, trailers: &HeaderMap) {
        if let (Some(observer), Some(exchange)) = (self, exchange) {
            observer.trailers(exchange, trailers);
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

    #[inline]
    fn waited(&self, wait: Duration, end: WaitEnd) {
        if let Some(observer) = self {
            observer.waited(wait, end);
        }
    }
}

/// What the type of an observer asks for.
const fn wants_wait<O: Observer>(_: &O) -> bool {
    O::WANTS_WAIT
}

/// What the type of an observer asks for.
const fn wants_trailers<O: Observer>(_: &O) -> bool {
    O::WANTS_TRAILERS
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
        *$x = isolated(|| {
            let exchange = $o.begin($head, $facts);
            (!$o.is_idle(&exchange)).then_some(exchange)
        })
        .flatten();
        within($o, $x, || begin_inwards!($head, $facts; $($rest)*));
    }};
}

/// Wraps the request body outer to inner, each inside the scopes of those before it.
macro_rules! bodies_inwards {
    ($body:ident;) => { $body };
    ($body:ident; ($o:ident $x:ident) $($rest:tt)*) => {{
        let $body = match $x {
            Some($x) => $o.request_body($x, $body),
            None => $body,
        };
        within($o, $x, || bodies_inwards!($body; $($rest)*))
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
            const WANTS_TRAILERS: bool = $($O::WANTS_TRAILERS)||+;
            const WANTS_WAIT: bool = $($O::WANTS_WAIT)||+;

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
            fn is_idle(&self, exchange: &Self::Exchange) -> bool {
                let ($($x,)+) = exchange;
                true $(&& $x.is_none())+
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
                bodies_inwards!(body; $(($o $x))+)
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
            fn wants_data(&self, exchange: &Self::Exchange) -> bool {
                let ($($o,)+) = self;
                let ($($x,)+) = exchange;
                $($x.as_ref().is_some_and(|$x| $o.wants_data($x)))||+
            }

            #[inline]
            fn data(&self, exchange: &mut Self::Exchange, bytes: &[u8]) {
                let ($($o,)+) = self;
                let ($($x,)+) = exchange;
                outwards!(|one, state| { if let Some(state) = state && one.wants_data(state) {
                    isolated(|| one.data(state, bytes));
                } } $(($o $x))+);
            }

            #[inline]
            fn data_left_out(&self, exchange: &mut Self::Exchange) {
                let ($($o,)+) = self;
                let ($($x,)+) = exchange;
                outwards!(|one, state| { if let Some(state) = state && one.wants_data(state) {
                    isolated(|| one.data_left_out(state));
                } } $(($o $x))+);
            }

            #[inline]
            fn trailers(&self, exchange: &mut Self::Exchange, trailers: &HeaderMap) {
                let ($($o,)+) = self;
                let ($($x,)+) = exchange;
                outwards!(|one, state| {
                    if wants_trailers(one) && let Some(state) = state {
                        isolated(|| one.trailers(state, trailers));
                    }
                } $(($o $x))+);
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

            #[inline]
            fn waited(&self, wait: Duration, end: WaitEnd) {
                let ($($o,)+) = self;
                $(if wants_wait($o) {
                    isolated(|| $o.waited(wait, end));
                })+
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

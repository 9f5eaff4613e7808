//! How observers are fused: tuples of observers are observers.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, request, response};

use super::end::End;
use super::facts::Facts;
use super::observer::{Observer, isolated, within};
use super::wait::WaitEnd;

/// What the type of an observer asks for.
const fn wants_wait<O: Observer>(_: &O) -> bool {
    O::WANTS_WAIT
}

/// What the type of an observer asks for.
const fn wants_trailers<O: Observer>(_: &O) -> bool {
    O::WANTS_TRAILERS
}

/// What the type of an observer asks for.
const fn wants_handed<O: Observer>(_: &O) -> bool {
    O::WANTS_HANDED
}

/// What all of them keep: that of the first, and beside it that of the others, so that a closure that runs
/// inside of the first holds one reference to all of these.
macro_rules! kept {
    () => { () };
    ($O:ident $($rest:ident)*) => { (Option<$O::Exchange>, kept!($($rest)*)) };
}

/// `$body` in the scope of every observer named, the first outermost.
macro_rules! in_scopes {
    ($body:expr, $all:ident, $kept:ident;) => { $body };
    ($body:expr, $all:ident, $kept:ident; $one:tt $($rest:tt)*) => {{
        let (state, others) = $kept;
        within(&$all.$one, state, || {
            let _others = others;
            in_scopes!($body, $all, _others; $($rest)*)
        })
    }};
}

/// Begins outer to inner, each inside the scopes of those before it.
macro_rules! begin_inwards {
    ($head:ident, $facts:ident, $all:ident, $kept:ident;) => {};
    ($head:ident, $facts:ident, $all:ident, $kept:ident; $one:tt $($rest:tt)*) => {{
        let (state, others) = $kept;
        *state = isolated(|| {
            let exchange = $all.$one.begin($head, $facts);
            (!$all.$one.is_idle(&exchange)).then_some(exchange)
        })
        .flatten();
        within(&$all.$one, state, || {
            let _others = others;
            begin_inwards!($head, $facts, $all, _others; $($rest)*);
        });
    }};
}

/// Wraps the request body outer to inner, each inside the scopes of those before it.
macro_rules! bodies_inwards {
    ($body:ident, $all:ident, $kept:ident;) => { $body };
    ($body:ident, $all:ident, $kept:ident; $one:tt $($rest:tt)*) => {{
        let (state, others) = $kept;
        let $body = match state {
            Some(state) if $all.$one.wants_request_body(state) => {
                $all.$one.request_body(state, $body)
            }
            _ => $body,
        };
        within(&$all.$one, state, || {
            let _others = others;
            bodies_inwards!($body, $all, _others; $($rest)*)
        })
    }};
}

/// Runs `$inner` in the scope of every observer, then calls inner to outer, each inside the scopes of
/// those outside it.
macro_rules! outwards {
    ($inner:expr, |$one:ident, $state:ident| $call:block, $all:ident, $kept:ident;) => { $inner };
    (
        $inner:expr, |$one:ident, $state:ident| $call:block, $all:ident, $kept:ident;
        $at:tt $($rest:tt)*
    ) => {{
        let ($state, others) = $kept;
        within(&$all.$at, $state, || {
            let _others = others;
            outwards!($inner, |$one, $state| $call, $all, _others; $($rest)*);
        });
        let $one = &$all.$at;
        $call
    }};
}

/// Whether any that has a state fulfils `$is`.
macro_rules! any {
    (|$one:ident, $state:ident| $is:expr, $all:ident, $kept:expr;) => { false };
    (|$one:ident, $state:ident| $is:expr, $all:ident, $kept:expr; $at:tt $($rest:tt)*) => {
        matches!((&$all.$at, &$kept.0), ($one, Some($state)) if $is)
            || any!(|$one, $state| $is, $all, $kept.1; $($rest)*)
    };
}

/// Calls inner to outer, in no scope, each that has a state.
macro_rules! every {
    (|$one:ident, $state:ident| $call:block, $all:ident, $kept:ident;) => {};
    (|$one:ident, $state:ident| $call:block, $all:ident, $kept:ident; $at:tt $($rest:tt)*) => {{
        let (state, _others) = $kept;
        every!(|$one, $state| $call, $all, _others; $($rest)*);
        if let ($one, Some($state)) = (&$all.$at, state) $call
    }};
}

macro_rules! tuple_observer {
    ($($O:ident $at:tt)+) => {
        /// Fused: the first is the outermost.
        impl<$($O: Observer),+> Observer for ($($O,)+) {
            // in one place of its own, as it is handed on with each future and body
            type Exchange = Box<kept!($($O)+)>;

            const WANTS_DATA: bool = $($O::WANTS_DATA)||+;
            const WANTS_HANDED: bool = $($O::WANTS_HANDED)||+;
            const WANTS_TRAILERS: bool = $($O::WANTS_TRAILERS)||+;
            const WANTS_WAIT: bool = $($O::WANTS_WAIT)||+;
            const WANTS_SCOPE: bool = $($O::WANTS_SCOPE)||+;
            const WANTS_REQUEST_BODY: bool = $($O::WANTS_REQUEST_BODY)||+;

            #[inline]
            fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Self::Exchange {
                let mut exchange = Self::Exchange::default();
                {
                    let kept = &mut *exchange;
                    begin_inwards!(head, facts, self, kept; $($at)+);
                }
                exchange
            }

            #[inline]
            fn is_idle(&self, exchange: &Self::Exchange) -> bool {
                !any!(|_one, _state| true, self, exchange; $($at)+)
            }

            #[inline]
            fn scope<R>(&self, exchange: &mut Self::Exchange, inner: impl FnOnce() -> R) -> R {
                let kept = &mut **exchange;
                in_scopes!(inner(), self, kept; $($at)+)
            }

            #[inline]
            fn wants_request_body(&self, exchange: &Self::Exchange) -> bool {
                any!(|one, state| one.wants_request_body(state), self, exchange; $($at)+)
            }

            #[inline]
            fn request_body<Body: 'static>(
                &self,
                exchange: &mut Self::Exchange,
                body: Body,
            ) -> Body {
                let kept = &mut **exchange;
                bodies_inwards!(body, self, kept; $($at)+)
            }

            #[inline]
            fn response(
                &self,
                exchange: &mut Self::Exchange,
                head: &mut response::Parts,
                facts: &Arc<Facts>,
            ) {
                let kept = &mut **exchange;
                outwards!((), |one, state| { if let Some(state) = state {
                    isolated(|| one.response(state, head, facts));
                } }, self, kept; $($at)+);
            }

            #[inline]
            fn scope_to_response(
                &self,
                exchange: &mut Self::Exchange,
                head: &mut Option<response::Parts>,
                facts: &Arc<Facts>,
                inner: impl FnOnce(&mut Option<response::Parts>),
            ) {
                let kept = &mut **exchange;
                outwards!(inner(head), |one, state| {
                    if let (Some(state), Some(head)) = (state, head.as_mut()) {
                        isolated(|| one.response(state, head, facts));
                    }
                }, self, kept; $($at)+);
            }

            #[inline]
            fn wants_data(&self, exchange: &Self::Exchange) -> bool {
                any!(|one, state| one.wants_data(state), self, exchange; $($at)+)
            }

            #[inline]
            fn data(&self, exchange: &mut Self::Exchange, bytes: &[u8]) {
                let kept = &mut **exchange;
                outwards!((), |one, state| { if let Some(state) = state && one.wants_data(state) {
                    isolated(|| one.data(state, bytes));
                } }, self, kept; $($at)+);
            }

            #[inline]
            fn data_left_out(&self, exchange: &mut Self::Exchange) {
                let kept = &mut **exchange;
                outwards!((), |one, state| { if let Some(state) = state && one.wants_data(state) {
                    isolated(|| one.data_left_out(state));
                } }, self, kept; $($at)+);
            }

            #[inline]
            fn handed(&self, exchange: &mut Self::Exchange, total: u64) {
                let kept = &mut **exchange;
                every!(|one, state| { if wants_handed(one) {
                    isolated(|| one.handed(state, total));
                } }, self, kept; $($at)+);
            }

            #[inline]
            fn trailers(&self, exchange: &mut Self::Exchange, trailers: &HeaderMap) {
                let kept = &mut **exchange;
                outwards!((), |one, state| {
                    if wants_trailers(one) && let Some(state) = state {
                        isolated(|| one.trailers(state, trailers));
                    }
                }, self, kept; $($at)+);
            }

            #[inline]
            fn end(&self, mut exchange: Self::Exchange, end: &End<'_>) {
                let kept = &mut *exchange;
                outwards!((), |one, state| { if let Some(state) = state.take() {
                    isolated(|| one.end(state, end));
                } }, self, kept; $($at)+);
            }

            #[inline]
            fn refused(&self, error: &(dyn Any + 'static)) {
                $(isolated(|| self.$at.refused(error));)+
            }

            #[inline]
            fn waited(&self, wait: Duration, end: WaitEnd) {
                $(if wants_wait(&self.$at) {
                    isolated(|| self.$at.waited(wait, end));
                })+
            }
        }
    };
}

tuple_observer! { A 0 }
tuple_observer! { A 0 B 1 }
tuple_observer! { A 0 B 1 C 2 }
tuple_observer! { A 0 B 1 C 2 D 3 }
tuple_observer! { A 0 B 1 C 2 D 3 E 4 }
tuple_observer! { A 0 B 1 C 2 D 3 E 4 F 5 }
tuple_observer! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 }
tuple_observer! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 }

//! What is switched off: `()` and `Option` of observers are observers.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, request, response};

use super::end::End;
use super::facts::Facts;
use super::observer::Observer;
use super::wait::WaitEnd;

/// Observes nothing.
impl Observer for () {
    type Exchange = ();
    const WANTS_SCOPE: bool = false;
    const WANTS_REQUEST_BODY: bool = false;

    #[inline]
    fn begin(&self, _head: &mut request::Parts, _facts: &Arc<Facts>) {}

    #[inline]
    fn end(&self, (): (), _end: &End<'_>) {}
}

/// A concern that is switched off when `None`.
impl<O: Observer> Observer for Option<O> {
    type Exchange = Option<O::Exchange>;

    const WANTS_DATA: bool = O::WANTS_DATA;
    const WANTS_HANDED: bool = O::WANTS_HANDED;
    const WANTS_TRAILERS: bool = O::WANTS_TRAILERS;
    const WANTS_WAIT: bool = O::WANTS_WAIT;
    const WANTS_SCOPE: bool = O::WANTS_SCOPE;
    const WANTS_REQUEST_BODY: bool = O::WANTS_REQUEST_BODY;

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
    fn wants_request_body(&self, exchange: &Self::Exchange) -> bool {
        match (self, exchange) {
            (Some(observer), Some(exchange)) => observer.wants_request_body(exchange),
            _ => false,
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
    fn scope_to_response(
        &self,
        exchange: &mut Self::Exchange,
        head: &mut Option<response::Parts>,
        facts: &Arc<Facts>,
        inner: impl FnOnce(&mut Option<response::Parts>),
    ) {
        match (self, exchange) {
            (Some(observer), Some(exchange)) => {
                observer.scope_to_response(exchange, head, facts, inner);
            }
            _ => inner(head),
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
    fn handed(&self, exchange: &mut Self::Exchange, total: u64) {
        if let (Some(observer), Some(exchange)) = (self, exchange) {
            observer.handed(exchange, total);
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

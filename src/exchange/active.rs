//! An exchange under way at one wrapper: who is told what, when.

use std::any::Any;
use std::io::IoSlice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, request, response};
use http_body::{Body, Frame};

use super::end::{Last, Seen, SeenResponse, Shape};
use super::facts::Facts;
use super::layer::Core;
use super::link;
use super::observer::{Observer, isolated, within};
use super::scope;
use crate::classify::Protocol;
use crate::grpc;

/// The payload of a panic on its way through.
pub(super) type Panic = Box<dyn Any + Send>;

pub(super) struct Active<O: Observer> {
    core: Arc<Core<O>>,
    /// `None` when the observer's `begin` panicked, or it is idle.
    observing: Option<O::Exchange>,
    facts: Arc<Facts>,
    /// The same, moved into the thread's scope while a part of the exchange runs.
    scope: Option<Arc<Facts>>,
    starter: bool,
    seen: Seen,
}

impl<O: Observer> Active<O> {
    pub(super) fn begin(core: &Arc<Core<O>>, head: &mut request::Parts) -> Self {
        let joined = link::join(head, core.side);
        let starter = joined.is_none();
        let facts = joined.unwrap_or_else(|| Facts::start(head, core.side, &core.options));
        facts.find_route(&core.options.routes, head);
        // after the route, as looking among no extensions costs nothing
        if starter {
            link::travel(head, &facts);
        }
        let seen = Seen {
            version: head.version,
            request_bytes: content_length(&head.headers),
            response: None,
            handed: 0,
            trailers: None,
        };
        let mut scope = Some(Arc::clone(&facts));
        let observing = {
            let _scope = scope::enter(&mut scope);
            isolated(|| {
                let exchange = core.observer.begin(head, &facts);
                (!core.observer.is_idle(&exchange)).then_some(exchange)
            })
            .flatten()
        };
        Self { core: Arc::clone(core), observing, facts, scope, starter, seen }
    }

    // large results are left in a place of the caller's: handed back through a `catch_unwind` and the
    // scopes, each of them would copy it

    /// Lets the observer wrap the request body and calls the inner service with it. A panic of
    /// either takes the request along, so that it is caught to be told and resumed.
    #[inline]
    pub(super) fn call<B: 'static>(&mut self, body: B, inner: impl FnOnce(B)) -> Result<(), Panic> {
        let Self { core, observing, facts, scope, .. } = self;
        catch_unwind(AssertUnwindSafe(|| {
            let _scope = scope::enter(scope);
            let body = match observing {
                Some(exchange) if core.observer.wants_request_body(exchange) => {
                    core.observer.request_body(exchange, body)
                }
                _ => body,
            };
            facts.forget_reading();
            within(&*core.observer, observing, || inner(body));
        }))
    }

    /// Runs a piece of the inner service in scope; a panic of it is caught to be told and resumed.
    #[inline]
    pub(super) fn run<R>(&mut self, inner: impl FnOnce() -> R) -> Result<R, Panic> {
        self.facts.forget_reading();
        self.run_on(inner)
    }

    /// As [`run`](Self::run), of what belongs to the moment at which the last piece ran.
    #[inline]
    pub(super) fn run_on<R>(&mut self, inner: impl FnOnce() -> R) -> Result<R, Panic> {
        let Self { core, observing, scope, .. } = self;
        catch_unwind(AssertUnwindSafe(|| {
            let _scope = scope::enter(scope);
            within(&*core.observer, observing, inner)
        }))
    }

    /// As [`run`](Self::run), of a piece that may leave response headers in `head`, of which the observer
    /// is told.
    #[inline]
    pub(super) fn run_to_response(
        &mut self,
        head: &mut Option<response::Parts>,
        inner: impl FnOnce(&mut Option<response::Parts>),
    ) -> Result<(), Panic> {
        let Self { core, observing, facts, scope, .. } = self;
        facts.forget_reading();
        catch_unwind(AssertUnwindSafe(|| {
            let _scope = scope::enter(scope);
            let inner = |head: &mut Option<_>| {
                inner(head);
                if head.is_some() {
                    // what they are timed by, whatever the observers take
                    facts.reading();
                }
            };
            match observing {
                Some(exchange) => core.observer.scope_to_response(exchange, head, facts, inner),
                None => inner(head),
            }
        }))
    }

    /// Takes the response headers, as the observer left them; `true` when the exchange ended with them.
    pub(super) fn respond(&mut self, head: &response::Parts, ahead: Ahead) -> bool {
        let facts = &self.facts;
        let after = facts.reading_at_end();
        // read after the observers, who may have changed it: what is sent is what is told
        let (claims_grpc, grpc_status) = match facts.protocol() {
            Protocol::Grpc => (grpc::is_grpc(&head.headers), grpc::status(&head.headers)),
            _ => (false, None),
        };
        let shape = Shape::of(head.status, facts.method());
        let ended = shape != Shape::Full || ahead.is_over;
        self.seen.response = Some(SeenResponse {
            status: head.status,
            version: head.version,
            after,
            is_grpc: claims_grpc || grpc_status.is_some(),
            grpc_status,
            expected: ahead.expected,
            shape,
        });
        if ended {
            self.end_at(Last::BodyEnded, after);
        }
        ended
    }

    /// Notes a frame of the body, of which `length` bytes are data.
    pub(super) fn frame<D: Buf>(&mut self, frame: &Frame<D>, length: u64) {
        self.seen.handed = self.seen.handed.saturating_add(length);
        if O::WANTS_DATA
            && let Some(data) = frame.data_ref()
            && let Some(exchange) = &self.observing
            && self.core.observer.wants_data(exchange)
        {
            self.data(data);
        }
        if O::WANTS_HANDED
            && length > 0
            && let Some(exchange) = &mut self.observing
        {
            let _scope = scope::enter(&mut self.scope);
            isolated(|| self.core.observer.handed(exchange, self.seen.handed));
        }
        if let Some(trailers) = frame.trailers_ref() {
            if self.facts.protocol() == Protocol::Grpc {
                self.seen.trailers = grpc::status(trailers);
            }
            if O::WANTS_TRAILERS
                && let Some(exchange) = &mut self.observing
            {
                let _scope = scope::enter(&mut self.scope);
                isolated(|| self.core.observer.trailers(exchange, trailers));
            }
        }
    }

    /// Shows the observer the bytes, piece by piece where the buffer has several.
    fn data(&mut self, data: &impl Buf) {
        let Some(exchange) = &mut self.observing else { return };
        let _scope = scope::enter(&mut self.scope);
        isolated(|| {
            // mostly it is in one piece
            let whole = data.chunk();
            if !whole.is_empty() && whole.len() == data.remaining() {
                self.core.observer.data(exchange, whole);
                return;
            }
            let mut pieces = [IoSlice::new(&[]); 16];
            let filled = data.chunks_vectored(&mut pieces);
            let mut left = data.remaining();
            for piece in pieces.iter().take(filled) {
                isolated(|| self.core.observer.data(exchange, piece));
                left = left.saturating_sub(piece.len());
            }
            if left > 0 {
                isolated(|| self.core.observer.data_left_out(exchange));
            }
        });
    }

    /// Ends the exchange where it lies: a move would copy all that the observers keep of it.
    pub(super) fn end_in(slot: &mut Option<Self>, last: Last<'_>) {
        if let Some(active) = slot {
            active.end(last);
        }
        *slot = None;
    }

    /// Judges the exchange and tells the observer.
    pub(super) fn end(&mut self, last: Last<'_>) {
        let duration = self.facts.reading_at_end();
        self.end_at(last, duration);
    }

    fn end_at(&mut self, last: Last<'_>, duration: Duration) {
        if matches!(last, Last::Panic(_)) {
            self.facts.note_panic();
        }
        if self.starter {
            self.facts.end(duration);
        }
        let _scope = scope::enter(&mut self.scope);
        isolated(|| {
            let Some(exchange) = self.observing.take() else { return };
            let end = self.seen.judge(&self.facts, last, duration);
            self.core.observer.end(exchange, &end);
        });
    }
}

/// What a response says of its body before that is polled, and before an observer changes what it says.
#[derive(Default)]
pub(super) struct Ahead {
    /// How many bytes it must have.
    expected: Option<u64>,
    is_over: bool,
}

impl Ahead {
    #[inline]
    pub(super) fn of<B: Body>(head: &response::Parts, body: &B) -> Self {
        let expected = content_length(&head.headers).or_else(|| body.size_hint().exact());
        Self { expected, is_over: body.is_end_stream() }
    }
}

/// The Content-Length, if it is one number, however often it is said.
#[inline]
fn content_length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(CONTENT_LENGTH) { stated_length(headers) } else { None }
}

fn stated_length(headers: &HeaderMap) -> Option<u64> {
    let mut values = headers.get_all(CONTENT_LENGTH).iter().map(HeaderValue::as_bytes);
    let value = values.next()?;
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if values.any(|other| other != value) {
        return None;
    }
    Some(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

//! A request ID for every exchange: taken over or made, the same for everybody inside, echoed to
//! the client and sent on by outgoing calls.
//!
//! # Which ID
//!
//! A server takes over the ID of the request if there is one, it is valid and
//! [`Incoming`] trusts it; otherwise it makes one with its [`Generator`]. The ID is looked for in
//! the layer's own header (`x-request-id`), then in each [`Source`] in order, and the first header
//! that is there decides: what is invalid in it is replaced, and no later one is asked.
//!
//! - Valid is what [`RequestId`] allows, in exactly one value of the header.
//! - **By default every valid ID is taken over**, so that the services of a system share an ID with
//!   nothing configured. Validation makes it harmless to logs, headers and terminals, but a
//!   stranger can choose it, and so repeat somebody else's: where requests come straight from
//!   strangers and IDs must be unique, use [`Incoming::never`] or [`Incoming::peers`].
//! - An ID that is not taken over, as it is invalid or not trusted, is kept as the attribute
//!   `client_request_id`, escaped and at most 128 characters long; several values are joined by
//!   `", "`.
//!
//! A client sends, in this order: the ID that the caller has put into the header, that of the
//! exchange in whose scope the call is made, and else a new one. A header set by the caller is
//! never changed. If it holds no valid ID, the exchange has none, rather than one that differs from
//! what was sent, and the attribute `client_request_id` tells what was sent.
//!
//! An exchange that has an ID already, from a layer further out, keeps it. The attempts of a retry
//! outside the layer are exchanges of their own: they share an ID when they are made in another
//! exchange's scope or when the header is set before the retry.
//!
//! # Where it is found
//!
//! - [`Facts::request_id`], for the handler and everything polled in the exchange's scope;
//!   [`in_exchange`](crate::exchange::InExchangeExt::in_exchange) takes it into a spawned task.
//! - With the feature `axum`, [`RequestId`] is an extractor.
//! - The request's own header, for code inside that reads it. No other header is changed.
//! - The response's header, whatever its status, gRPC included; a value that the handler set is
//!   overwritten, since it would be another exchange's.
//! - With the feature `tower-http`, `RequestIdLayer::tower_http_extension`.
//!
//! # What it cannot do
//!
//! Echo where there is no response: an `Err` of the inner service that something further out turns
//! into one. Put the layer outside of that. A generator that panics leaves the exchange without an
//! ID.
//!
//! See the exchange around a call from another task. A tower `Buffer` outside of a client's layer
//! runs it on the buffer's worker, where no exchange is in scope: the parent and its ID are lost.
//! Put the layers outside of the buffer.
//!
//! Know that two calls are attempts of one. Where no exchange is in scope, put one client's layer
//! outside of the retry, which sets the header, and one inside of it with the other layers, which
//! takes it over: the attempts share one ID. With the outer one alone they send it, but the
//! exchanges after the first do not know it.

#[cfg(feature = "axum")]
mod extract;
mod generator;
mod incoming;
mod layer;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::header::GetAll;
use http::{HeaderMap, HeaderName, HeaderValue, request, response};

use crate::classify::Side;
use crate::escape;
use crate::exchange::{End, Facts, Observer};
use crate::id::RequestId;

#[cfg(feature = "axum")]
pub use extract::NoRequestId;
pub use generator::Generator;
pub use incoming::Incoming;
pub use layer::RequestIdLayer;
pub use source::Source;

/// The attribute that keeps an ID which was not taken over.
const CLIENT_REQUEST_ID: &str = "client_request_id";
/// The most characters that are kept of it.
const KEPT: usize = 128;

static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The observer behind [`RequestIdLayer`].
#[derive(Clone, Debug)]
pub struct RequestIds {
    header: HeaderName,
    sources: Arc<[Source]>,
    incoming: Incoming,
    generator: Generator,
    #[cfg(feature = "tower-http")]
    tower_http_extension: bool,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self {
            header: X_REQUEST_ID.clone(),
            sources: Arc::new(Source::ALL),
            incoming: Incoming::default(),
            generator: Generator::default(),
            #[cfg(feature = "tower-http")]
            tower_http_extension: false,
        }
    }
}

/// The header that decides on a server's ID.
struct Deciding<'a> {
    /// `None`: it is the layer's own.
    source: Option<Source>,
    /// Its value, where there is just one.
    only: Option<&'a HeaderValue>,
}

impl RequestIds {
    /// The exchange's ID on a server, and in the header of its request.
    fn receive(&self, head: &mut request::Parts, facts: &Facts) -> Option<HeaderValue> {
        let deciding = self.deciding(&head.headers);
        if facts.request_id().is_none() {
            // what was sent and is not taken over is kept as an attribute
            match deciding.as_ref().and_then(|header| self.judge(head, header, facts)) {
                Some(id) => facts.set_request_id(id),
                None => facts.set_request_id(self.generator.generate(facts)),
            };
        }
        let id = facts.request_id()?;
        if let Some(Deciding { source: None, only: Some(own) }) = deciding
            && own.as_bytes() == id.as_bytes()
        {
            return Some(own.clone());
        }
        let value = header_value(id)?;
        set(&mut head.headers, &self.header, value.clone());
        Some(value)
    }

    /// The header that decides, if there is one: one walk over the few names there are costs less
    /// than a look-up of each.
    fn deciding<'a>(&self, headers: &'a HeaderMap) -> Option<Deciding<'a>> {
        let rank = |source| self.sources.iter().position(|known| *known == source);
        let mut first: Option<(usize, &HeaderName, &HeaderValue)> = None;
        for (name, value) in headers {
            if *name == self.header {
                return Some(Deciding { source: None, only: only_of(headers, name, value) });
            }
            if let Some(rank) = Source::of(name).and_then(rank)
                && first.is_none_or(|(known, ..)| rank < known)
            {
                first = Some((rank, name, value));
            }
        }
        let (rank, name, value) = first?;
        let source = Some(*self.sources.get(rank)?);
        Some(Deciding { source, only: only_of(headers, name, value) })
    }

    /// The ID in a header's one value, or in the part of it that a source names, if it is taken
    /// over.
    fn judge(
        &self,
        head: &request::Parts,
        deciding: &Deciding<'_>,
        facts: &Facts,
    ) -> Option<RequestId> {
        let text = deciding.only.map(HeaderValue::as_bytes);
        let text = match deciding.source {
            Some(source) => text.and_then(|text| source.read(text)),
            None => text,
        };
        match text.and_then(|text| RequestId::from_bytes(text).ok()) {
            Some(id) if self.incoming.trusts(head) => return Some(id),
            Some(id) => keep(facts, id.as_bytes()),
            None => {
                let name = deciding.source.map_or(&self.header, |source| source.header());
                keep_all(facts, &head.headers.get_all(name));
            }
        }
        None
    }

    /// The exchange's ID on a client, and in the header of its request unless the caller set it.
    fn send(&self, head: &mut request::Parts, facts: &Facts) -> Option<HeaderValue> {
        let values = head.headers.get_all(&self.header);
        if values.iter().next().is_some() {
            let sent = only(&values);
            let id = sent.and_then(|sent| RequestId::from_bytes(sent.as_bytes()).ok());
            let Some(id) = id else {
                keep_all(facts, &values);
                return None;
            };
            facts.set_request_id(id);
            return sent.cloned();
        }
        if facts.request_id().is_none() {
            let mut around = std::iter::successors(facts.parent(), |outer| outer.parent());
            let inherited = around.find_map(|outer| outer.request_id()).copied();
            facts.set_request_id(inherited.unwrap_or_else(|| self.generator.generate(facts)));
        }
        let value = header_value(facts.request_id()?)?;
        set(&mut head.headers, &self.header, value.clone());
        Some(value)
    }
}

impl Observer for RequestIds {
    /// What is echoed.
    type Exchange = Option<HeaderValue>;
    const WANTS_SCOPE: bool = false;
    const WANTS_REQUEST_BODY: bool = false;

    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Self::Exchange {
        let value = match facts.side() {
            Side::Server => self.receive(head, facts),
            Side::Client => self.send(head, facts),
        };
        #[cfg(feature = "tower-http")]
        if self.tower_http_extension
            && let Some(value) = &value
        {
            head.extensions.insert(tower_http::request_id::RequestId::new(value.clone()));
        }
        value.filter(|_| facts.side() == Side::Server)
    }

    fn response(&self, echo: &mut Self::Exchange, head: &mut response::Parts, _facts: &Arc<Facts>) {
        if let Some(value) = echo.take() {
            set(&mut head.headers, &self.header, value);
        }
    }

    fn end(&self, _echo: Self::Exchange, _end: &End<'_>) {}
}

/// The value of a header that has exactly one.
fn only<'a>(values: &GetAll<'a, HeaderValue>) -> Option<&'a HeaderValue> {
    let mut values = values.iter();
    values.next().filter(|_| values.next().is_none())
}

/// The same of a header, given its first value.
#[inline]
fn only_of<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    first: &'a HeaderValue,
) -> Option<&'a HeaderValue> {
    // mostly no header has several values, which is told without a look-up
    match headers.len() == headers.keys_len() {
        true => Some(first),
        false => only(&headers.get_all(name)),
    }
}

/// The ID as a header's value, which its clones share: one allocation.
fn header_value(id: &RequestId) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from_owner(*id)).ok()
}

/// Sets a header, unless the map is full (32,768 headers).
fn set(headers: &mut HeaderMap, name: &HeaderName, value: HeaderValue) {
    let _ = headers.try_insert(name, value);
}

fn keep(facts: &Facts, text: &[u8]) {
    facts.annotate(CLIENT_REQUEST_ID, escape::bounded(text, KEPT));
}

fn keep_all(facts: &Facts, values: &GetAll<'_, HeaderValue>) {
    if let Some(value) = only(values) {
        return keep(facts, value.as_bytes());
    }
    // no character is longer than 4 bytes, and one beyond the last shows that it was cut
    let room = 4 * (KEPT + 1);
    let mut joined = Vec::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            joined.extend_from_slice(b", ");
        }
        joined.extend_from_slice(value.as_bytes());
        if joined.len() >= room {
            break;
        }
    }
    keep(facts, &joined);
}

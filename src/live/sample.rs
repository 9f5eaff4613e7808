//! What is kept of one exchange that ended.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use super::histogram::bucket;
use crate::attribute::{Attributes, Value};
use crate::classify::{Blame, ErrorType, Outcome};
use crate::exchange::End;
use crate::grpc::Code;
use crate::id::{RequestId, TraceIdentity};
use crate::message::error_text;
use crate::redact::{REDACTED, Redaction};

/// The most bytes that are kept of a text in a sample.
const MAX_TEXT: usize = 256;

/// What is kept of one exchange, without the secrets that the redaction policy finds in it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// When it began.
    pub started_at: SystemTime,
    /// From its beginning to its end.
    pub duration: Duration,
    /// The method, as sent, but for what is beyond 32 bytes.
    pub method: String,
    /// The path; `None` where the exchange had no place among the active ones.
    pub path: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whose doing that was.
    pub blame: Blame,
    /// The status, if there were response headers.
    pub status: Option<StatusCode>,
    /// The gRPC status; `None` for plain HTTP.
    pub grpc_status: Option<Code>,
    /// What went wrong.
    pub error_type: Option<ErrorType>,
    /// The text of the error, or the message of the panic: at most 512 characters, as in access logs.
    pub error: Option<String>,
    /// Where it panicked, if it did and that is known: `catch_panic` tells it.
    pub panic: Option<PanicPlace>,
    /// The bytes of the response body.
    pub response_bytes: u64,
    /// The request ID.
    pub request_id: Option<RequestId>,
    /// The trace and span.
    pub trace: Option<TraceIdentity>,
    /// What the handler added, at most 32 of them, with texts of at most 256 bytes.
    pub attributes: Vec<(String, Value)>,
    /// How many attributes more there were.
    pub attributes_left_out: usize,
}

/// Where something panicked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PanicPlace {
    /// `file:line:column`.
    pub location: String,
}

impl Sample {
    /// The most attributes that are kept of an exchange.
    pub const MAX_ATTRIBUTES: usize = 32;

    pub(super) fn of(end: &End<'_>, path: Option<String>, redaction: &Redaction) -> Self {
        let facts = end.facts;
        let location = facts.caught_panic().and_then(|panic| panic.location.as_deref());
        // one that is being read by this very thread has no attributes to tell
        let (attributes, attributes_left_out) =
            facts.try_with_attributes(|all| kept_of(all, redaction)).unwrap_or_default();
        Self {
            started_at: facts.started_at(),
            duration: end.duration,
            method: cut(facts.method().as_str(), 32).to_owned(),
            path,
            outcome: end.outcome,
            blame: end.blame,
            status: end.status,
            grpc_status: end.grpc_status,
            error_type: end.error_type,
            error: error_text::of_end(end, redaction),
            panic: location
                .filter(|_| end.outcome == Outcome::Panicked)
                .map(|location| PanicPlace { location: cut(location, MAX_TEXT).to_owned() }),
            response_bytes: end.response_bytes,
            request_id: facts.request_id().copied(),
            trace: facts.trace().copied(),
            attributes,
            attributes_left_out,
        }
    }

    /// Which bucket it is in.
    pub fn bucket(&self) -> usize {
        bucket(u64::try_from(self.duration.as_nanos()).unwrap_or(u64::MAX))
    }

    /// What it takes of memory.
    pub(super) fn bytes(&self) -> usize {
        let of = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        let values = self.attributes.iter().map(|(key, value)| {
            let text = if let Value::Text(text) = value { text.len() } else { 0 };
            key.capacity() + text
        });
        let place = self.panic.as_ref().map_or(0, |place| place.location.capacity());
        // what an allocator adds to each piece is taken for 16 bytes
        let pieces = 16 * (6 + 2 * self.attributes.len());
        size_of::<Self>()
            + self.method.capacity()
            + of(&self.path)
            + of(&self.error)
            + place
            + self.attributes.capacity() * size_of::<(String, Value)>()
            + values.sum::<usize>()
            + pieces
    }
}

fn kept_of(all: &Attributes, redaction: &Redaction) -> (Vec<(String, Value)>, usize) {
    let count = all.iter().len();
    let mut kept = Vec::with_capacity(count.min(Sample::MAX_ATTRIBUTES));
    for (key, value) in all.iter().take(Sample::MAX_ATTRIBUTES) {
        let value = match value {
            _ if redaction.hides_key(key) => Value::from(REDACTED),
            Value::Text(text) => {
                let shown = redaction.text(text);
                Value::from(cut(&shown, MAX_TEXT).to_owned())
            }
            other => other.clone(),
        };
        kept.push((key.to_owned(), value));
    }
    (kept, count.saturating_sub(Sample::MAX_ATTRIBUTES))
}

/// At most so many bytes of a text.
pub(super) fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

//! One line per exchange, written at its end.
//!
//! ```
//! use tower_observability::access_log::{AccessLogLayer, JsonLines, Schema};
//! use std::time::Duration;
//!
//! // events of the `tracing` crate, for whichever subscriber is installed
//! let layer = AccessLogLayer::server();
//!
//! // lines of JSON, written without a subscriber
//! let layer = AccessLogLayer::server()
//!     .json_lines(JsonLines::stdout().schema(Schema::Ecs))
//!     .slow(Duration::from_secs(2))?
//!     .skip_path("/livez")?
//!     .request_header("accept-language")?;
//! # Ok::<(), tower_observability::config::ConfigError>(())
//! ```
//!
//! # What a line says
//!
//! | outcome | status | level |
//! |---|---|---|
//! | completed, 1xx to 4xx | as sent | INFO |
//! | completed, 5xx or a gRPC server error | as sent | ERROR |
//! | aborted | as sent | INFO |
//! | cancelled | 499 on a server, none on a client | INFO |
//! | deadline_exceeded | as sent; else 499 on a server, none on a client | ERROR |
//! | failed, panicked | as sent, or none | ERROR |
//!
//! On a client everything but success is an error, except the caller's own cancel; see
//! [`Classify`](crate::classify::Classify). 499 is the code that nginx gave to a client that closed
//! its request; nothing was sent. A slow exchange is at least a WARN.
//!
//! Events have the target [`TARGET`], the message [`ENDED`] and OpenTelemetry's names; so have
//! lines of [`Schema::OpenTelemetry`]. Beside the semantic conventions there are `side`,
//! `outcome`, `request_id`, `duration` (seconds, to the end of the body), `time_to_headers`
//! (seconds), the flags `slow`, `upgraded` and `unread`, `sampling.rate` and `sampling.dropped`.
//! In events, times below 100 µs are rounded to 0 or 0.0001, so that text has no `9.9e-5`; lines
//! of JSON are exact. A client's response that was left unread has no body size.
//! The constant [fields](AccessLogLayer::field) with what a handler
//! [annotated](crate::exchange::annotate), and the captured headers, stand in the events' fields
//! `attributes` and `headers` as JSON. What is not known is left out.
//!
//! # Safe by default
//!
//! The message never changes. Query, path, user agent and headers pass
//! [`Redaction`]; userinfo is never read. Every character that could end
//! a line or drive a terminal is escaped before a subscriber sees it. What a caller sends is cut to
//! [`MAX_VALUE`] bytes. Headers are logged by
//! allow-list only. The text of an error is logged only where
//! [`error_text`](AccessLogLayer::error_text) asks for it: it may hold anything.
//!
//! The client's address is known where the server tells it: an axum `Router` is to be served with
//! `into_make_service_with_connect_info::<SocketAddr>()`.
//!
//! The request ID and the trace of a client's line are those of the exchange it was sent from,
//! where it has none of its own. A `TraceLayer` fills the trace, or a program that
//! knows it, with [`Facts::set_trace`].
//!
//! What panics costs nobody else: each sink stands by itself, and a rule of the user's that panics
//! is as if there were none.
//!
//! # What it cannot do
//!
//! - Skip rules look at the request alone: an error on a skipped path is not logged either.
//! - A client around a tonic `Channel` does not see where its requests go, as the channel adds that
//!   later: tell it with [`server_address`](AccessLogLayer::server_address).
//! - The size of a request is its Content-Length.
//! - Around a whole axum `Router` the route is known only where an inner wrapper tells it; see
//!   [`Routes`](crate::route::Routes).
//! - A secret in a path such as `/reset/8f3a` is logged; skip it, or give it a query.

mod begun;
mod control;
mod event;
mod hex;
mod json;
mod line;
mod lines;
mod parked;
mod sampling;
mod schema;
mod settings;
mod skip;
pub mod stamp;
mod value;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{request, response};
use tracing::Level;

use self::begun::Begun;
use self::line::{Ended, Line};
use self::parked::Parked;
use self::sampling::Sampler;
use self::skip::Skips;
use crate::attribute::Attributes;
use crate::caller::TrustedProxies;
use crate::exchange::{End, Facts, ObserveLayer, Observer, isolated};
use crate::message::error_text;
use crate::message::headers::HeaderNames;
use crate::message::shown::Shown;
use crate::redact::Redaction;

pub use lines::JsonLines;
pub use sampling::Sampling;
pub use schema::Schema;

/// The target of the access log's events.
pub const TARGET: &str = "tower_observability::access_log";
/// The message of the line that tells how an exchange ended.
pub const ENDED: &str = "exchange ended";
/// The message of the line that tells that an exchange started; see
/// [`log_start`](AccessLogLayer::log_start).
pub const STARTED: &str = "exchange started";
/// The most bytes of each text that a caller sends: path, query, method, host, user agent, each
/// value of a header. A longer one is cut, after redaction, and ends in `…`.
pub const MAX_VALUE: usize = crate::message::bound::MAX_VALUE;

/// The layer that writes an access log.
pub type AccessLogLayer = ObserveLayer<AccessLog>;

/// The observer that writes an access log; configured as an [`AccessLogLayer`].
#[derive(Clone)]
pub struct AccessLog {
    /// `None`: unless there are JSON lines.
    events: Option<bool>,
    lines: Vec<JsonLines>,
    level: Option<Arc<ChooseLevel>>,
    slow: Option<Duration>,
    slow_level: Level,
    skips: Skips,
    sampler: Option<Arc<Sampler>>,
    request_headers: HeaderNames,
    response_headers: HeaderNames,
    proxies: TrustedProxies,
    server: Option<(Box<str>, u16)>,
    fields: Attributes,
    error_text: bool,
    shown: Shown,
    log_start: bool,
}

type ChooseLevel = dyn Fn(&End<'_>, Level) -> Level + Send + Sync;

impl Default for AccessLog {
    fn default() -> Self {
        Self {
            events: None,
            lines: Vec::new(),
            level: None,
            slow: None,
            slow_level: Level::WARN,
            skips: Skips::default(),
            sampler: None,
            request_headers: HeaderNames::default(),
            response_headers: HeaderNames::default(),
            proxies: TrustedProxies::none(),
            server: None,
            fields: Attributes::default(),
            error_text: false,
            shown: Shown::new(Redaction::default()),
            log_start: false,
        }
    }
}

impl AccessLog {
    #[inline]
    fn makes_events(&self) -> bool {
        self.events.unwrap_or(self.lines.is_empty())
    }

    fn level_of(&self, end: &End<'_>, slow: bool) -> Level {
        let judged = if end.is_error { Level::ERROR } else { Level::INFO };
        // the lesser level is the graver one
        let ruled = if slow { judged.min(self.slow_level) } else { judged };
        match &self.level {
            Some(choose) => isolated(|| choose(end, ruled)).unwrap_or(ruled),
            None => ruled,
        }
    }

    #[inline]
    fn is_heard(&self) -> bool {
        !self.lines.is_empty() || (self.makes_events() && event::anybody_listens())
    }

    /// `None` when the request is skipped.
    fn begun(&self, head: &request::Parts, facts: &Facts) -> Option<Parked> {
        if self.skips.pick(head, facts.side()) {
            return None;
        }
        let parked = Parked::new(Begun::of(self, head, facts.side()));
        if self.log_start
            && let Some(begun) = parked.get()
        {
            self.write(&Line {
                facts,
                begun,
                log: self,
                at: facts.started_at(),
                level: Level::INFO,
                ended: None,
            });
        }
        Some(parked)
    }

    fn ended(&self, begun: &Begun, end: &End<'_>) {
        let slow = self.slow.is_some_and(|threshold| end.duration >= threshold);
        let status = line::status(end);
        let kept = match &self.sampler {
            Some(sampler) => sampler.judge(end, status, end.is_error || slow),
            None => Some(sampling::Kept::default()),
        };
        let Some(kept) = kept else { return };
        let error_text = self.error_text.then(|| error_text::of_end(end, self.shown.redaction()));
        self.write(&Line {
            facts: end.facts,
            begun,
            log: self,
            at: end.facts.started_at() + end.duration,
            level: self.level_of(end, slow),
            ended: Some(Ended { end, status, slow, kept, error_text: error_text.flatten() }),
        });
    }

    #[inline]
    fn write(&self, line: &Line<'_>) {
        let now = || {
            let so_far = line.ended.as_ref().map(Ended::duration).unwrap_or_default();
            line.facts.started() + so_far
        };
        for sink in &self.lines {
            sink.write(line, &now);
        }
        if self.makes_events() {
            // so that a start which cannot be told does not cost the end
            isolated(|| event::emit(line));
        }
    }
}

impl Observer for AccessLog {
    /// `None` when nobody listens, or the request is skipped.
    type Exchange = Option<Parked>;
    const WANTS_SCOPE: bool = false;
    const WANTS_REQUEST_BODY: bool = false;

    #[inline]
    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Option<Parked> {
        if self.is_heard() { self.begun(head, facts) } else { None }
    }

    #[inline]
    fn response(
        &self,
        parked: &mut Option<Parked>,
        head: &mut response::Parts,
        _facts: &Arc<Facts>,
    ) {
        if let Some(parked) = parked
            && !self.response_headers.is_empty()
            && let Some(begun) = parked.get_mut()
        {
            begun.response_headers = self.response_headers.capture(&head.headers);
        }
    }

    #[inline]
    fn end(&self, parked: Option<Parked>, end: &End<'_>) {
        let Some(parked) = parked else { return };
        if let Some(begun) = parked.get() {
            self.ended(begun, end);
        }
        parked.free();
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog")
            .field("events", &self.makes_events())
            .field("lines", &self.lines)
            .field("slow", &self.slow)
            .field("sampler", &self.sampler)
            .finish_non_exhaustive()
    }
}

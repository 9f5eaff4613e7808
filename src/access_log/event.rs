//! The line as an event of the `tracing` crate.

use std::borrow::Cow;
use std::time::Duration;

use tracing::callsite::{DefaultCallsite, Identifier};
use tracing::field::FieldSet;
use tracing::level_filters::LevelFilter;
use tracing::metadata::Kind;
use tracing::{Level, Metadata};

use super::control::visible;
use super::hex::Hex;
use super::json::Object;
use super::line::{Ended, Line};
use super::{ENDED, STARTED, TARGET};
use crate::attribute::Attributes;
use crate::message::bound::bounded;
use crate::message::method::{OTHER, known_method};

/// Whether any subscriber may want an event of the gravest level, and so of any.
///
/// `tracing::enabled!` would answer more exactly, but asking it leaves a mark in the per-layer
/// filters of tracing-subscriber that can cost a layer its next event.
#[inline]
pub(super) fn anybody_listens() -> bool {
    static METADATA: Metadata<'static> = Metadata::new(
        "access log",
        TARGET,
        Level::ERROR,
        None,
        None,
        Some(module_path!()),
        FieldSet::new(&[], Identifier(&CALLSITE)),
        Kind::EVENT,
    );
    static CALLSITE: DefaultCallsite = DefaultCallsite::new(&METADATA);
    LevelFilter::current() >= Level::ERROR && !CALLSITE.interest().is_never()
}

/// Makes the event. Nothing is formatted for a level that is switched off.
pub(super) fn emit(line: &Line<'_>) {
    macro_rules! started {
        ($level:ident) => {
            tracing::event!(name: STARTED, target: TARGET, Level::$level, {
                "message" = STARTED,
                "side" = line.side(),
                "request_id" = line.request_id().map(|id| id.as_str()),
                "trace_id" = line.trace_id().as_ref().map(Hex::as_str),
                "span_id" = line.span_id().as_ref().map(Hex::as_str),
                "http.request.method" = line.known_method().unwrap_or(OTHER),
                "http.request.method_original" = line.method_original().as_deref(),
                "url.scheme" = line.scheme(),
                "url.path" = line.visible_path().as_deref(),
                "url.query" = line.visible_query().as_deref(),
                "http.route" = line.route().map(|route| visible(route.as_str().into())).as_deref(),
                "rpc.method" =
                    line.rpc_method().map(visible).as_deref(),
                "client.address" = line.client_address().map(|a| a.to_string()).as_deref(),
                "server.address" = line.server_address().map(visible).as_deref(),
                "server.port" = line.server_port(),
                "user_agent.original" = line.visible_agent().as_deref(),
                "network.protocol.version" = line.version(),
                "attributes" = line.attributes_json().as_deref(),
                "headers" = line.headers_json().as_deref()
            })
        };
    }
    macro_rules! ended {
        ($level:ident, $ended:ident) => {
            tracing::event!(name: ENDED, target: TARGET, Level::$level, {
                "message" = ENDED,
                "side" = line.side(),
                "outcome" = $ended.end.outcome.as_str(),
                "request_id" = line.request_id().map(|id| id.as_str()),
                "trace_id" = line.trace_id().as_ref().map(Hex::as_str),
                "span_id" = line.span_id().as_ref().map(Hex::as_str),
                "http.request.method" = line.known_method().unwrap_or(OTHER),
                "http.request.method_original" = line.method_original().as_deref(),
                "url.scheme" = line.scheme(),
                "url.path" = line.visible_path().as_deref(),
                "url.query" = line.visible_query().as_deref(),
                "http.route" = line.route().map(|route| visible(route.as_str().into())).as_deref(),
                "http.response.status_code" = $ended.status,
                "rpc.method" =
                    line.rpc_method().map(visible).as_deref(),
                "rpc.response.status_code" = $ended.rpc_status(),
                "error.type" = $ended.error_type(),
                "error.message" =
                    $ended.error_text.as_deref().map(|text| visible(text.into())).as_deref(),
                "code.file.path" =
                    $ended.place().map(|place| visible(place.file.into())).as_deref(),
                "code.line.number" = $ended.place().and_then(|place| place.line),
                "client.address" = line.client_address().map(|a| a.to_string()).as_deref(),
                "server.address" = line.server_address().map(visible).as_deref(),
                "server.port" = line.server_port(),
                "user_agent.original" = line.visible_agent().as_deref(),
                "network.protocol.version" = line.version(),
                "http.request.body.size" = $ended.end.request_bytes,
                "http.response.body.size" = $ended.response_bytes(),
                "duration" = seconds($ended.end.duration),
                "time_to_headers" = $ended.end.time_to_headers.map(seconds),
                "slow" = flag($ended.slow),
                "upgraded" = flag($ended.end.upgraded),
                "unread" = flag($ended.end.unread),
                "sampling.rate" = $ended.kept.rate,
                "sampling.dropped" = $ended.dropped(),
                "attributes" = line.attributes_json().as_deref(),
                "headers" = line.headers_json().as_deref()
            })
        };
    }
    match (&line.ended, line.level) {
        (Some(line_end), Level::ERROR) => ended!(ERROR, line_end),
        (Some(line_end), Level::WARN) => ended!(WARN, line_end),
        (Some(line_end), Level::INFO) => ended!(INFO, line_end),
        (Some(line_end), Level::DEBUG) => ended!(DEBUG, line_end),
        (Some(line_end), Level::TRACE) => ended!(TRACE, line_end),
        // an exchange starts at one level only
        (None, _) => started!(INFO),
    }
}

/// A time below 100 µs is rounded to 0 or to 100 µs: a formatter of text would write it as `9.9e-5`,
/// and JSON would have anything but a number as text.
fn seconds(time: Duration) -> f64 {
    const LEAST: f64 = 1e-4;
    let seconds = time.as_secs_f64();
    if seconds < LEAST { (seconds / LEAST).round() * LEAST } else { seconds }
}

/// A flag that is not set is left out.
fn flag(set: bool) -> Option<bool> {
    set.then_some(true)
}

impl Line<'_> {
    fn trace_id(&self) -> Option<Hex<16>> {
        self.trace().map(|trace| Hex::trace_id(trace.trace_id()))
    }

    fn span_id(&self) -> Option<Hex<8>> {
        self.trace().map(|trace| Hex::span_id(trace.span_id()))
    }

    fn visible_path(&self) -> Option<Cow<'_, str>> {
        self.path().map(|path| {
            let mut shown = String::with_capacity(path.len());
            self.log.shown.write_path(path, &mut |piece| shown.push_str(piece));
            visible(shown.into())
        })
    }

    fn visible_query(&self) -> Option<Cow<'_, str>> {
        self.query().map(|query| visible(bounded(self.log.shown.redaction().query(query))))
    }

    fn visible_agent(&self) -> Option<Cow<'_, str>> {
        self.user_agent().map(|agent| visible(self.log.shown.agent(agent)))
    }

    fn attributes_json(&self) -> Option<String> {
        let fields = &self.log.fields;
        let write = |all: &Attributes| {
            let mut json = Vec::new();
            Object::write(&mut json, |object| {
                object.attributes(fields, |_| true);
                object.attributes(all, |key| fields.get(key).is_none());
            });
            String::from_utf8(json).ok()
        };
        let mut json = None;
        self.with_attributes(|all| json = write(all));
        json.or_else(|| if fields.is_empty() { None } else { write(&Attributes::default()) })
    }

    fn headers_json(&self) -> Option<String> {
        if self.begun.request_headers.is_empty() && self.begun.response_headers.is_empty() {
            return None;
        }
        let mut json = Vec::new();
        Object::write(&mut json, |object| self.write_headers(object));
        String::from_utf8(json).ok()
    }

    /// The method, where it is registered.
    pub(super) fn known_method(&self) -> Option<&'static str> {
        known_method(self.facts.method())
    }

    /// The method as sent, where it is not registered.
    fn method_original(&self) -> Option<Cow<'_, str>> {
        self.known_method().is_none().then(|| self.method())
    }
}

impl Ended<'_> {
    /// Known once there were headers, and the caller did not leave the body unread.
    pub(super) fn response_bytes(&self) -> Option<u64> {
        self.end.status.filter(|_| !self.end.unread).map(|_| self.end.response_bytes)
    }

    pub(super) fn dropped(&self) -> Option<u64> {
        Some(self.kept.dropped).filter(|dropped| *dropped > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_shown_with_an_exponent() {
        for (nanos, expected) in [
            (0, "0.0"),
            (49_999, "0.0"),
            (50_000, "0.0001"),
            (99_000, "0.0001"),
            (100_000, "0.0001"),
            (123_456, "0.000123456"),
            (1_000_000_001, "1.000000001"),
        ] {
            assert_eq!(format!("{:?}", seconds(Duration::from_nanos(nanos))), expected);
        }
        assert_eq!(format!("{:?}", seconds(Duration::from_secs(1 << 40))), "1099511627776.0");
    }
}

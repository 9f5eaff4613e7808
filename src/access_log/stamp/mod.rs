//! The IDs of the exchange on every line that is logged while it runs.
//!
//! A line of the access log carries its IDs anyway. A [`Stamp`] puts them on all other lines, too:
//! whatever the handler, a client call or a body logs, and everything in a task that was spawned
//! [`in_exchange`](crate::exchange::InExchangeExt::in_exchange). No span is needed for it.
//!
//! ```
//! use tower_observability::access_log::stamp;
//! use tracing_subscriber::layer::SubscriberExt;
//!
//! let subscriber = tracing_subscriber::registry().with(
//!     stamp::json() // or `stamp::text()`
//!         .with_writer(std::io::stderr)
//!         .map_event_format(|stamp| stamp.attribute("user.id")),
//! );
//! ```
//!
//! Lines of JSON start with `"request_id"`, `"trace_id"`, `"span_id"` and the chosen attributes;
//! lines of text end in them. What is not known is left out, and what stands at the top of the
//! object already is not repeated. The innermost exchange that knows an ID or an attribute gives
//! it: a client call without a request ID has that of the request it serves.
//!
//! Whatever is logged, it stays on its line: control characters, line separators and bidirectional
//! controls come out escaped. So colours are off, and `Pretty` text becomes one long line.
//!
//! The formatter inside is changed by giving another one: its timer, or whether the fields of an
//! event stand at the top of the object.
//!
//! ```
//! use tower_observability::access_log::stamp::{self, Stamp};
//! use tracing_subscriber::fmt::{format, time};
//! # use tracing_subscriber::layer::SubscriberExt;
//!
//! # let subscriber = tracing_subscriber::registry().with(
//! stamp::json().map_event_format(|_| {
//!     let json = format().json().flatten_event(true).with_timer(time::uptime());
//!     Stamp::json(json).attribute("user.id")
//! })
//! # );
//! ```
//!
//! The trace and span IDs are those of the span that is current in OpenTelemetry's context (with the
//! feature `trace`), inside of an exchange or not; where there is none, those of the exchange, which
//! a `TraceLayer` fills, or a program that knows them, with [`Facts::set_trace`].

mod keys;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Write;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{DefaultFields, Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{self, FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::control::{push_json, push_text};
use super::hex::Hex;
use super::value::push_value;
use super::{TARGET, line};
use crate::attribute::Value;
use crate::escape;
use crate::exchange::Facts;
#[cfg(feature = "trace")]
use crate::exchange::isolated;
use crate::id::TraceIdentity;

/// A layer that writes stamped lines of JSON, to be configured further.
pub fn json<S>() -> fmt::Layer<S, JsonFields, Stamp<Format<Json>>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let format = Stamp::json(fmt::format().json());
    fmt::layer().fmt_fields(JsonFields::new()).with_ansi(false).event_format(format)
}

/// A layer that writes stamped lines of text, to be configured further.
pub fn text<S>() -> fmt::Layer<S, DefaultFields, Stamp<Format>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fmt::layer().with_ansi(false).event_format(Stamp::text(fmt::format()))
}

/// A formatter of events that adds the IDs of the exchange in scope to what another one writes.
#[derive(Clone, Debug)]
pub struct Stamp<F> {
    format: F,
    json: bool,
    attributes: Vec<Cow<'static, str>>,
}

thread_local! {
    /// The inner formatter's output and ours; taken while in use, since a value may log as it is
    /// formatted.
    static BUFFERS: Cell<(String, String)> = const { Cell::new((String::new(), String::new())) };
}

/// The most bytes that a thread's buffer keeps from one line to the next.
const KEPT: usize = 64 * 1024;

impl<F> Stamp<F> {
    /// Stamps the output of a formatter that writes one JSON object per event.
    pub fn json(format: F) -> Self {
        Self { format, json: true, attributes: Vec::new() }
    }

    /// Stamps the output of a formatter that writes text.
    pub fn text(format: F) -> Self {
        Self { format, json: false, attributes: Vec::new() }
    }

    /// Stamps this attribute, too, where a handler [annotated](crate::exchange::annotate) it.
    /// The names of the IDs are taken. A line that is logged while the exchange's attributes are
    /// being read or changed, here or on another thread, goes without.
    pub fn attribute(mut self, key: impl Into<Cow<'static, str>>) -> Self {
        let key = key.into();
        if !ID_KEYS.contains(&&*key) && !self.attributes.contains(&key) {
            self.attributes.push(key);
        }
        self
    }

    /// Writes `line`, which the inner formatter wrote, stamped to `out`.
    fn stamp(&self, line: &str, has_ids: bool, facts: Option<&Facts>, out: &mut String) {
        match line.strip_prefix('{').filter(|_| self.json) {
            Some(members) => {
                out.push('{');
                self.each(facts, |key, value| json_member(out, line, key, value));
                if members.trim_start().starts_with('}') && out.ends_with(',') {
                    out.pop();
                }
                push_json(out, members);
            }
            None => {
                push_text(out, line);
                self.each(facts, |key, value| match value {
                    Stamped::Id(_) if has_ids => {}
                    _ => text_member(out, key, value),
                });
            }
        }
    }

    fn each(&self, facts: Option<&Facts>, mut tell: impl FnMut(&str, Stamped<'_>)) {
        if let Some(id) = facts.and_then(line::request_id) {
            tell(REQUEST_ID, Stamped::Id(id.as_str()));
        }
        if let Some(trace) = current_trace().or_else(|| facts.and_then(line::trace).copied()) {
            tell(TRACE_ID, Stamped::Id(Hex::trace_id(trace.trace_id()).as_str()));
            tell(SPAN_ID, Stamped::Id(Hex::span_id(trace.span_id()).as_str()));
        }
        let Some(facts) = facts else { return };
        for key in &self.attributes {
            line::lineage(facts).find(|facts| {
                // an event may be logged by whoever reads the attributes
                let told = facts.try_with_attributes(|all| {
                    all.get(key).map(|value| tell(key, Stamped::Attribute(value))).is_some()
                });
                told.unwrap_or(false)
            });
        }
    }
}

/// Of the span that is current, which may be one inside of the exchange's own.
#[cfg(feature = "trace")]
fn current_trace() -> Option<TraceIdentity> {
    use opentelemetry::Context;
    use opentelemetry::trace::TraceContextExt;

    // the API may log while it changes what is current
    isolated(|| Context::map_current(|now| TraceIdentity::of(now.span().span_context())))?
}

/// Only OpenTelemetry tells which span is current.
#[cfg(not(feature = "trace"))]
fn current_trace() -> Option<TraceIdentity> {
    None
}

const REQUEST_ID: &str = "request_id";
const TRACE_ID: &str = "trace_id";
const SPAN_ID: &str = "span_id";
const ID_KEYS: [&str; 3] = [REQUEST_ID, TRACE_ID, SPAN_ID];

/// What is stamped: an ID, which needs no escape, or what a handler said.
enum Stamped<'a> {
    Id(&'a str),
    Attribute(&'a Value),
}

/// Appends `"key":value,` unless `object` has the key.
fn json_member(out: &mut String, object: &str, key: &str, value: Stamped<'_>) {
    let mut member = Vec::with_capacity(64);
    escape::json_string(&mut member, key);
    if keys::has(object, &member) {
        return;
    }
    member.push(b':');
    match value {
        Stamped::Id(id) => escape::json_string(&mut member, id),
        Stamped::Attribute(value) => push_value(&mut member, value),
    }
    // whatever was written is UTF-8
    out.push_str(std::str::from_utf8(&member).unwrap_or_default());
    out.push(',');
}

/// Appends ` key=value`.
fn text_member(out: &mut String, key: &str, value: Stamped<'_>) {
    out.push(' ');
    escape::text(out, key);
    out.push('=');
    // writing into a String cannot fail
    let _ = match value {
        Stamped::Id(id) => out.write_str(id),
        Stamped::Attribute(Value::Text(text)) => {
            out.push('"');
            escape::text(out, text);
            out.write_char('"')
        }
        Stamped::Attribute(Value::Int(number)) => write!(out, "{number}"),
        Stamped::Attribute(Value::Float(number)) => write!(out, "{number:?}"),
        Stamped::Attribute(Value::Bool(value)) => write!(out, "{value}"),
    };
}

impl<S, N, F> FormatEvent<S, N> for Stamp<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        // a thread that is being torn down has no buffers to reuse
        let (mut inner, mut out) = BUFFERS.try_with(Cell::take).unwrap_or_default();
        inner.clear();
        out.clear();
        let formatted = self.format.format_event(context, Writer::new(&mut inner), event);
        let written = formatted.and_then(|()| {
            if inner.is_empty() {
                return Ok(()); // the formatter left this event out
            }
            let line = inner.strip_suffix('\n').unwrap_or(&inner);
            let has_ids = event.metadata().target() == TARGET;
            self.stamp(line, has_ids, Facts::current().as_deref(), &mut out);
            out.push('\n');
            writer.write_str(&out)
        });
        if inner.capacity().max(out.capacity()) <= KEPT {
            let _ = BUFFERS.try_with(|kept| kept.set((inner, out)));
        }
        written
    }
}

//! What one signal tells of one exchange, in words that can be compared.

use std::borrow::Cow;
use std::fmt;

use opentelemetry::Value as Attribute;
use opentelemetry::trace::{SpanId as Span, SpanKind};
use opentelemetry_sdk::trace::SpanData;
use serde_json::Value as Json;
use tower_observability::attribute::{Attributes, Value};
use tower_observability::classify::Side;
use tower_observability::debug_dump::Capture;
use tower_observability::exchange::{End, Facts};
use tower_observability::testing::Record;

use crate::readings::MARK;
use crate::script::{INTENT, SIDES};

/// One thing that signals tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Outcome,
    Status,
    Grpc,
    Route,
    Bytes,
    Nanos,
    NanosToHeaders,
    Error,
    RequestId,
    TraceId,
    SpanId,
}
use Field::*;

pub(crate) const FIELDS: [Field; 11] =
    [Outcome, Status, Grpc, Route, Bytes, Nanos, NanosToHeaders, Error, RequestId, TraceId, SpanId];

/// What is told of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Word {
    /// It is not of what this signal tells.
    #[default]
    Silent,
    /// That there is none.
    None,
    Number(u128),
    Text(Cow<'static, str>),
}

impl Word {
    pub(crate) fn number(number: Option<impl Into<u128>>) -> Self {
        number.map_or(Self::None, |number| Self::Number(number.into()))
    }

    pub(crate) fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::None, |text| Self::Text(Cow::Owned(text.into())))
    }

    fn fixed(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent | Self::None => f.write_str("none"),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

fn intent(attributes: &Attributes) -> Option<usize> {
    match attributes.get(MARK) {
        Some(Value::Int(number)) => usize::try_from(*number).ok(),
        _ => None,
    }
}

/// What one signal tells of one exchange.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// `None` of one that nobody intended.
    pub(crate) intent: Option<usize>,
    pub(crate) side: Side,
    words: [Word; FIELDS.len()],
    /// The span in which it began, as a span tells it.
    pub(crate) parent: Option<u64>,
}

impl Told {
    pub(crate) fn new(intent: Option<usize>, side: Side) -> Self {
        Self { intent, side, words: Default::default(), parent: None }
    }

    pub(crate) fn word(&self, field: Field) -> &Word {
        &self.words[field as usize]
    }

    pub(crate) fn set(&mut self, field: Field, word: Word) {
        self.words[field as usize] = word;
    }

    fn with(mut self, field: Field, word: Word) -> Self {
        self.set(field, word);
        self
    }

    pub(crate) fn record(record: &Record) -> Self {
        let intent = intent(&record.attributes);
        let trace = record.trace.as_ref();
        let error = record.error_type.as_ref().map(|error| error.as_str().to_owned());
        Self::new(intent, record.side)
            .with(Outcome, Word::fixed(record.outcome.as_str()))
            .with(Status, Word::number(record.status.map(|status| status.as_u16())))
            .with(Grpc, Word::text(record.grpc_status.map(|code| code.as_str())))
            .with(Route, Word::text(record.route.as_ref().map(|route| route.as_str())))
            .with(Bytes, Word::number(Some(record.response_bytes)))
            .with(Nanos, Word::Number(record.duration.as_nanos()))
            .with(NanosToHeaders, Word::number(record.time_to_headers.map(|time| time.as_nanos())))
            .with(Error, Word::text(error))
            .with(RequestId, Word::text(record.request_id.map(|id| id.to_string())))
            .with(TraceId, Word::number(trace.map(|trace| trace.trace_id())))
            .with(SpanId, Word::number(trace.map(|trace| trace.span_id())))
    }

    /// A line is exact, so that its seconds tell the nanoseconds.
    pub(crate) fn line(line: &Json) -> Self {
        let of = &line["attributes"];
        let text = |key: &str| Word::text(of[key].as_str());
        let nanos = |key: &str| {
            let seconds = of[key].as_f64();
            Word::number(seconds.map(|seconds| (seconds * 1e9).round() as u64))
        };
        let hex = |key: &str| {
            let text = line[key].as_str();
            Word::number(text.map(|text| u128::from_str_radix(text, 16).unwrap()))
        };
        let side = SIDES.into_iter().find(|side| of["side"] == side.as_str()).unwrap();
        let intent = of[MARK].as_u64().and_then(|number| usize::try_from(number).ok());
        let route = match text("rpc.method") {
            Word::None => text("http.route"),
            method => method,
        };
        Self::new(intent, side)
            .with(Outcome, text("outcome"))
            .with(Status, Word::number(of["http.response.status_code"].as_u64()))
            .with(Grpc, text("rpc.response.status_code"))
            .with(Route, route)
            .with(Bytes, Word::number(of["http.response.body.size"].as_u64()))
            .with(Nanos, nanos("duration"))
            .with(NanosToHeaders, nanos("time_to_headers"))
            .with(Error, text("error.type"))
            .with(RequestId, text("request_id"))
            .with(TraceId, hex("trace_id"))
            .with(SpanId, hex("span_id"))
    }

    pub(crate) fn span(span: &SpanData) -> Self {
        let attribute = |key: &str| {
            let mut told = span.attributes.iter().filter(|one| one.key.as_str() == key);
            let value = told.next().map(|one| &one.value);
            assert!(told.next().is_none(), "{key} is told twice: {span:?}");
            value
        };
        let text = |key: &str| match attribute(key) {
            None => Word::None,
            Some(Attribute::String(text)) => Word::text(Some(text.as_str())),
            Some(other) => panic!("{key} is {other}"),
        };
        let number = |key: &str| match attribute(key) {
            Some(Attribute::I64(number)) => u64::try_from(*number).ok(),
            _ => None,
        };
        let routes = ["rpc.method", "http.route", "url.template"].map(text);
        let route = routes.into_iter().find(|route| *route != Word::None).unwrap_or(Word::None);
        let code = text("rpc.response.status_code");
        let status = match code {
            // a call tells its code alone
            Word::Text(_) => Word::Silent,
            _ => Word::number(number("http.response.status_code")),
        };
        let side = if span.span_kind == SpanKind::Server { Side::Server } else { Side::Client };
        let duration = span.end_time.duration_since(span.start_time).unwrap();
        let context = &span.span_context;
        let trace_id = u128::from_be_bytes(context.trace_id().to_bytes());
        let span_id = u64::from_be_bytes(context.span_id().to_bytes());
        let intent = number(MARK).and_then(|number| usize::try_from(number).ok());
        let mut told = Self::new(intent, side)
            .with(Status, status)
            .with(Grpc, code)
            .with(Route, route)
            .with(Nanos, Word::Number(duration.as_nanos()))
            .with(Error, text("error.type"))
            .with(RequestId, text("request_id"))
            .with(TraceId, Word::Number(trace_id))
            .with(SpanId, Word::Number(span_id.into()));
        let parent = Some(span.parent_span_id).filter(|parent| *parent != Span::INVALID);
        told.parent = parent.map(|parent| u64::from_be_bytes(parent.to_bytes()));
        told
    }

    pub(crate) fn dump(capture: &Capture) -> Self {
        let header = capture.request.headers.get(INTENT);
        let intent = header.and_then(|value| value.to_str().ok()?.parse().ok());
        let response = capture.response.as_ref();
        let trace = capture.trace_id.as_deref();
        let trace = trace.map(|trace| u128::from_str_radix(trace, 16).unwrap());
        Self::new(intent, capture.side)
            .with(Outcome, Word::fixed(capture.outcome.as_str()))
            .with(Status, Word::number(response.map(|response| response.status.as_u16())))
            .with(Grpc, Word::text(capture.grpc_status.map(|code| code.as_str())))
            .with(Route, Word::text(capture.route.as_deref()))
            .with(Bytes, Word::number(response.map(|response| response.body.total)))
            .with(Nanos, Word::Number(capture.duration.as_nanos()))
            .with(NanosToHeaders, Word::number(capture.time_to_headers.map(|time| time.as_nanos())))
            .with(Error, Word::text(capture.error_type.as_deref()))
            .with(RequestId, Word::text(capture.request_id.as_deref()))
            .with(TraceId, Word::number(trace))
    }

    /// What an objective was asked to judge.
    pub(crate) fn verdict(end: &End<'_>) -> Self {
        let facts: &Facts = end.facts;
        let trace = facts.trace();
        Self::new(facts.with_attributes(intent), facts.side())
            .with(Outcome, Word::fixed(end.outcome.as_str()))
            .with(Status, Word::number(end.status.map(|status| status.as_u16())))
            .with(Grpc, Word::text(end.grpc_status.map(|code| code.as_str())))
            .with(Route, Word::text(end.route.map(|route| route.as_str())))
            .with(Bytes, Word::number(Some(end.response_bytes)))
            .with(Nanos, Word::Number(end.duration.as_nanos()))
            .with(NanosToHeaders, Word::number(end.time_to_headers.map(|time| time.as_nanos())))
            .with(Error, Word::text(end.error_type.map(|error| error.as_str().to_owned())))
            .with(TraceId, Word::number(trace.map(|trace| trace.trace_id())))
            .with(SpanId, Word::number(trace.map(|trace| trace.span_id())))
    }
}

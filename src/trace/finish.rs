//! What a span says of how its exchange ended.

use opentelemetry::trace::{SpanRef, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, StringValue, Value};

use super::describe;
use super::name::Name;
use super::semconv::{self, key};
use super::start::tells_method_first;
use super::{Live, Trace, intern};
use crate::classify::{ErrorType, Outcome, Protocol, Side};
use crate::exchange::{End, isolated};
use crate::message::error_text;
use crate::message::place::Place;
use crate::message::version::version;

impl Trace {
    /// Tells the span how it ended, and ends it.
    pub(super) fn finish(&self, context: &Context, live: &Live, end: &End<'_>) {
        let span = context.span();
        let at = end.facts.started_at() + end.duration;
        self.tell_ends(&span, live, end);
        tell_flags(&span, end);
        if end.is_error {
            let text = self.error_text_of(end);
            if matches!(end.outcome, Outcome::Failed | Outcome::Panicked) {
                span.add_event_with_timestamp(semconv::EXCEPTION, at, exception(end, text.clone()));
            }
            // where a code explains itself, nothing is to be said beside it
            span.set_status(Status::error(text.unwrap_or_default()));
        }
        span.end_with_timestamp(at);
    }

    fn tell_ends(&self, span: &SpanRef<'_>, live: &Live, end: &End<'_>) {
        // mostly the name that the span was started with
        let other;
        let name = if live.name.is_of(end) {
            &live.name
        } else {
            other = Name::of(end.facts, end.protocol, end.route);
            if !live.is_chosen && live.name.text != other.text {
                span.update_name(other.text.clone());
            }
            &other
        };
        // one by one, as there are mostly two or three
        let tell = |key, value: Value| span.set_attribute(KeyValue::new(key, value));
        let key = route_key(end.facts.side(), end.protocol);
        if let Some(route) = &name.route
            && !(tells_method_first(end.facts) && key == key::RPC_METHOD)
        {
            tell(key, route.clone().into());
        }
        if end.protocol == Protocol::Grpc {
            if let Some(code) = end.grpc_status {
                tell(key::RPC_RESPONSE_STATUS_CODE, code.as_str().into());
            }
        } else {
            if end.facts.protocol() == Protocol::Grpc {
                // it was called as gRPC, and answered otherwise
                span.set_attributes(describe::method_attributes(end.facts));
                tell(key::URL_SCHEME, live.scheme().into());
            }
            if let Some(status) = end.status {
                tell(key::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16()).into());
            }
        }
        if end.facts.side() == Side::Client
            && let Some(version) = end.version.and_then(version)
        {
            tell(key::NETWORK_PROTOCOL_VERSION, version.into());
        }
        if let Some(error) = &end.error_type {
            tell(key::ERROR_TYPE, error_type(error).into());
        }
        if let Some(id) = end.facts.request_id() {
            tell(key::REQUEST_ID, id.as_str().to_owned().into());
        }
        let own = self.on_end.as_ref().and_then(|also| isolated(|| also(end)));
        end.facts.with_attributes(|annotated| {
            if annotated.is_empty() && own.is_none() {
                return;
            }
            // what was told first stands: the SDK would keep both of two values
            let is_free = |key: &str| {
                !semconv::is_own(key) && live.told().iter().all(|told| told.as_str() != key)
            };
            for (key, value) in annotated.entries().filter(|(key, _)| is_free(key)) {
                span.set_attribute(KeyValue::new(key.clone(), value.clone()));
            }
            let mut own = own.unwrap_or_default();
            while let Some(one) = own.pop() {
                let is_last = own.iter().all(|other| other.key != one.key);
                if is_last && is_free(one.key.as_str()) && annotated.get(one.key.as_str()).is_none()
                {
                    span.set_attribute(one);
                }
            }
        });
    }

    /// What the error says of itself, where that is asked for.
    fn error_text_of(&self, end: &End<'_>) -> Option<String> {
        if self.error_text { error_text::of_end(end, self.shown.redaction()) } else { None }
    }
}

/// Tells when the exchange's feature flags were evaluated first, with each of their variants: one
/// that is evaluated in a loop leaves room for other events.
fn tell_flags(span: &SpanRef<'_>, end: &End<'_>) {
    end.facts.with_flags(|flags| {
        for flag in flags {
            let at = end.facts.started_at() + flag.after;
            let attributes = vec![
                KeyValue::new(key::FEATURE_FLAG_KEY, flag.key.clone()),
                KeyValue::new(key::FEATURE_FLAG_VARIANT, flag.variant.clone()),
            ];
            span.add_event_with_timestamp(semconv::FEATURE_FLAG_EVALUATION, at, attributes);
        }
    });
}

/// The key under which a span tells its route.
pub(super) fn route_key(side: Side, protocol: Protocol) -> &'static str {
    match (protocol, side) {
        (Protocol::Grpc, _) => key::RPC_METHOD,
        (_, Side::Server) => key::HTTP_ROUTE,
        (_, Side::Client) => key::URL_TEMPLATE,
    }
}

fn exception(end: &End<'_>, text: Option<String>) -> Vec<KeyValue> {
    let mut attributes = Vec::new();
    if let Some(error) = &end.error_type {
        attributes.push(KeyValue::new(key::EXCEPTION_TYPE, error_type(error)));
    }
    if let Some(text) = text {
        attributes.push(KeyValue::new(key::EXCEPTION_MESSAGE, text));
    }
    let location = end.facts.caught_panic().and_then(|panic| panic.location.as_deref());
    attributes.extend(location.and_then(Place::of).into_iter().flat_map(place));
    attributes
}

fn place(place: Place<'_>) -> impl Iterator<Item = KeyValue> {
    let number = |key, number: Option<u32>| number.map(|it| KeyValue::new(key, i64::from(it)));
    let file = KeyValue::new(key::CODE_FILE_PATH, place.file.to_owned());
    [
        Some(file),
        number(key::CODE_LINE_NUMBER, place.line),
        number(key::CODE_COLUMN_NUMBER, place.column),
    ]
    .into_iter()
    .flatten()
}

fn error_type(error: &ErrorType) -> StringValue {
    match error {
        ErrorType::Named(name) => (*name).into(),
        ErrorType::Grpc(code) => code.as_str().into(),
        ErrorType::Status(status) => intern::text(status.as_str()),
    }
}

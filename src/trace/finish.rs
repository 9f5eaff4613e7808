//! What a span says of how its exchange ended.

use std::error::Error;

use opentelemetry::trace::{SpanRef, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, StringValue, Value};

use super::describe::{self, Name};
use super::semconv::{self, key};
use super::{Live, Trace, intern};
use crate::attribute;
use crate::classify::{ErrorType, Outcome, Protocol, Side};
use crate::exchange::{End, isolated};
use crate::message::error_text;
use crate::message::version::version;

impl Trace {
    /// Tells the span how it ended, and ends it.
    pub(super) fn finish(&self, context: &Context, live: &Live, end: &End<'_>) {
        let span = context.span();
        let at = end.facts.started_at() + end.duration;
        let mut attributes = Vec::new();
        self.push_ends(&mut attributes, &span, live, end);
        if let Some(also) = &self.on_end {
            let added = isolated(|| also(end));
            for one in added.into_iter().flatten().filter(|one| is_free(one.key.as_str())) {
                // what the handler told goes first: the SDK would keep both
                if attributes.iter().all(|known| known.key != one.key) {
                    attributes.push(one);
                }
            }
        }
        span.set_attributes(attributes);
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

    fn push_ends(&self, list: &mut Vec<KeyValue>, span: &SpanRef<'_>, live: &Live, end: &End<'_>) {
        let name = Name::of(end.facts, end.protocol, end.route);
        if let Some(started_as) = &live.name
            && *started_as != name.name
        {
            span.update_name(name.name);
        }
        let key = route_key(end.facts.side(), end.protocol);
        if let Some(route) = name.route
            && !(live.method_told && key == key::RPC_METHOD)
        {
            list.push(KeyValue::new(key, route));
        }
        if end.protocol == Protocol::Grpc {
            if let Some(code) = end.grpc_status {
                list.push(KeyValue::new(key::RPC_RESPONSE_STATUS_CODE, code.as_str()));
            }
        } else {
            if end.facts.protocol() == Protocol::Grpc {
                // it was called as gRPC, and answered otherwise
                describe::method(list, end.facts);
                list.push(KeyValue::new(key::URL_SCHEME, live.scheme.clone()));
            }
            if let Some(status) = end.status {
                let status = i64::from(status.as_u16());
                list.push(KeyValue::new(key::HTTP_RESPONSE_STATUS_CODE, status));
            }
        }
        if end.facts.side() == Side::Client
            && let Some(version) = end.version.and_then(version)
        {
            list.push(KeyValue::new(key::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(error) = &end.error_type {
            list.push(KeyValue::new(key::ERROR_TYPE, error_type(error)));
        }
        if let Some(id) = end.facts.request_id() {
            list.push(KeyValue::new(key::REQUEST_ID, id.as_str().to_owned()));
        }
        end.facts.with_attributes(|attributes| {
            for (key, value) in attributes.iter().filter(|(key, _)| is_free(key)) {
                list.push(KeyValue::new(key.to_owned(), told(value)));
            }
        });
    }

    /// What the error says of itself, where that is asked for.
    fn error_text_of(&self, end: &End<'_>) -> Option<String> {
        if !self.error_text {
            return None;
        }
        let text_of = |error: &(dyn Error + 'static)| {
            isolated(|| error_text::of(error, self.shown.redaction()))
        };
        let panic = || end.facts.caught_panic().and_then(|panic| panic.message.clone());
        let said = end.as_error().and_then(text_of);
        said.or_else(|| text_of(&*Box::<dyn Error>::from(panic()?)))
    }
}

/// A handler's own value of a key that the layer sets would stand beside the layer's.
fn is_free(key: &str) -> bool {
    !semconv::is_own(key)
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
    let mut attributes = Vec::with_capacity(3);
    if let Some(error) = &end.error_type {
        attributes.push(KeyValue::new(key::EXCEPTION_TYPE, error_type(error)));
    }
    if let Some(text) = text {
        attributes.push(KeyValue::new(key::EXCEPTION_MESSAGE, text));
    }
    if let Some(location) = end.facts.caught_panic().and_then(|panic| panic.location.clone()) {
        attributes.push(KeyValue::new(key::EXCEPTION_LOCATION, location));
    }
    attributes
}

fn error_type(error: &ErrorType) -> StringValue {
    match error {
        ErrorType::Named(name) => (*name).into(),
        ErrorType::Grpc(code) => code.as_str().into(),
        ErrorType::Status(status) => intern::text(status.as_str()),
    }
}

fn told(value: &attribute::Value) -> Value {
    match value {
        attribute::Value::Text(text) => text.clone().into(),
        attribute::Value::Int(number) => (*number).into(),
        attribute::Value::Float(number) => (*number).into(),
        attribute::Value::Bool(truth) => (*truth).into(),
    }
}

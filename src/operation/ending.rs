//! How an operation ended.

use std::any::type_name;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanRef, Status};

use super::Text;
use super::put::{extra, set};
use crate::attribute::Value;
use crate::trace::semconv::{self, key};

/// What [`run`](super::Operation::run) judges by: [`Ending::of`].
pub type ByType<T, E> = fn(&Result<T, E>) -> Ending;

/// What the output of an operation means for its span.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "it says nothing until it is returned"]
pub struct Ending {
    error_type: Option<&'static str>,
    is_error: bool,
    attributes: Vec<KeyValue>,
}

impl Ending {
    /// It did what was asked: the status stays Unset.
    pub fn ok() -> Self {
        Self::default()
    }

    /// It failed: the status is Error, `error.type` this class of errors (`_OTHER` where it is
    /// empty), of which there should be few; and an event `exception` names it, too.
    pub fn failed(error_type: &'static str) -> Self {
        let error_type = if error_type.is_empty() { semconv::OTHER } else { error_type };
        Self { error_type: Some(error_type), is_error: true, attributes: Vec::new() }
    }

    /// It failed if this is an `Err`: with the full name of the error's type, such as
    /// `std::io::error::Error`, or `_OTHER` where a `dyn Error` hides it.
    pub fn of<T, E>(result: &Result<T, E>) -> Self {
        match (result, type_name::<E>()) {
            (Ok(_), _) => Self::ok(),
            (Err(_), hidden) if hidden.contains("dyn ") => Self::failed(semconv::OTHER),
            (Err(_), name) => Self::failed(name),
        }
    }

    /// Adds the database's answer as `db.response.status_code`, such as PostgreSQL's `08P01`; for
    /// failures, and for successes that are more than one kind.
    pub fn status_code(self, code: impl Into<Text>) -> Self {
        self.attribute("db.response.status_code", code.into())
    }

    /// Adds an attribute that is known only now, such as `db.response.returned_rows`, or the
    /// `messaging.batch.message_count` of what was received; a text is cut to 2048 bytes.
    ///
    /// Not one that the operation has told already: a span keeps both values.
    pub fn attribute(mut self, key: impl Into<Text>, value: impl Into<Value>) -> Self {
        if let Some(attribute) = extra(key.into(), value.into()) {
            set(&mut self.attributes, attribute);
        }
        self
    }

    /// Whoever asked for it wants it no longer.
    pub(super) fn cancelled() -> Self {
        Self { error_type: Some("cancelled"), ..Self::default() }
    }

    pub(super) fn panicked() -> Self {
        Self::failed("panic")
    }

    /// What went wrong, as the span tells it.
    pub(super) fn error_type(&self) -> Option<&'static str> {
        self.error_type
    }

    pub(super) fn tell(mut self, span: &SpanRef<'_>, at: SystemTime) {
        if let Some(name) = self.error_type {
            set(&mut self.attributes, KeyValue::new(key::ERROR_TYPE, name));
        }
        span.set_attributes(self.attributes);
        if let Some(name) = self.error_type.filter(|_| self.is_error) {
            let exception = vec![KeyValue::new(key::EXCEPTION_TYPE, name)];
            span.add_event_with_timestamp(semconv::EXCEPTION, at, exception);
            // no description: the type says it, and the error's text may hold what it refused
            span.set_status(Status::error(""));
        }
    }
}

//! Attributes of spans: nothing empty, nothing endless.

use opentelemetry::{Key, KeyValue, Value as SpanValue};

use super::Text;
use crate::attribute::Value;
use crate::message::bound::bounded;
use crate::trace::semconv::key;

/// Adds a text that there is.
pub(super) fn put(into: &mut Vec<KeyValue>, key: &'static str, text: Option<Text>) {
    into.extend(text.and_then(|text| extra(key.into(), Value::Text(text))));
}

/// An attribute that a user adds.
pub(super) fn extra(key: Text, value: Value) -> Option<KeyValue> {
    let value = match value {
        Value::Text(text) if text.is_empty() => return None,
        Value::Text(text) => bounded(text).into(),
        other => SpanValue::from(other),
    };
    (!key.is_empty()).then(|| KeyValue::new(Key::from(key), value))
}

/// Adds an attribute in the place of one with the same key, of which the SDK would keep both.
pub(super) fn set(into: &mut Vec<KeyValue>, attribute: KeyValue) {
    match into.iter_mut().find(|known| known.key == attribute.key) {
        Some(known) => *known = attribute,
        None => into.push(attribute),
    }
}

/// A text that is not empty.
pub(super) fn some(text: Text) -> Option<Text> {
    (!text.is_empty()).then_some(text)
}

/// Where the other side is: `server.address` and `server.port`.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    pub(super) address: Option<Text>,
    pub(super) port: Option<u16>,
}

impl Server {
    /// `address:port`, as the last resort of a span's name.
    pub(super) fn target(&self) -> Option<Text> {
        let address = self.address.as_ref()?;
        Some(match self.port {
            None => address.clone(),
            Some(port) if address.contains(':') => format!("[{address}]:{port}").into(),
            Some(port) => format!("{address}:{port}").into(),
        })
    }

    pub(super) fn put(self, into: &mut Vec<KeyValue>) {
        let port = self.address.is_some().then_some(self.port).flatten();
        put(into, key::SERVER_ADDRESS, self.address);
        into.extend(port.map(|port| KeyValue::new(key::SERVER_PORT, i64::from(port))));
    }
}

/// A span's name of an operation and what it is done to.
pub(super) fn named(operation: Option<&Text>, target: Option<&Text>) -> Option<Text> {
    match (operation, target) {
        (Some(operation), Some(target)) => Some([&**operation, " ", &**target].concat().into()),
        (one, other) => one.or(other).cloned(),
    }
}

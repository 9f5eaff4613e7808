//! Writes messages as JSON.

use std::cell::Cell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage as _, Value};

use crate::debug_dump::hide::Opaque;
use crate::debug_dump::render::object::Object;
use crate::escape;
use crate::redact::{REDACTED, Redaction};

/// The number of `debug_redact` among the
/// [options of a field](https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto).
const DEBUG_REDACT: u32 = 16;

/// How often an `Any` may hold another one: each is decoded by itself, so that no decoder bounds it.
const ANY_DEPTH: u8 = 8;

/// The types of `google.protobuf` that ProtoJSON writes in their own ways and that hold neither bytes nor
/// fields of others.
const WELL_KNOWN: [&str; 15] = [
    "BoolValue",
    "DoubleValue",
    "Duration",
    "Empty",
    "FieldMask",
    "FloatValue",
    "Int32Value",
    "Int64Value",
    "ListValue",
    "StringValue",
    "Struct",
    "Timestamp",
    "UInt32Value",
    "UInt64Value",
    "Value",
];

/// Writes [ProtoJSON](https://protobuf.dev/programming-guides/json/), but with the names that fields have
/// in their files, in the order of their numbers. Fields that the descriptors do not know, and extensions,
/// are left out.
pub(super) struct Writer<'a> {
    pub(super) redaction: &'a Redaction,
    pub(super) opaque: Opaque,
    /// How many `Any` the writer is in.
    pub(super) depth: Cell<u8>,
}

impl Writer<'_> {
    /// `None` where it cannot be written: an `Any` of a type that is not known, for one.
    pub(super) fn message(&self, message: &DynamicMessage, out: &mut Vec<u8>) -> Option<()> {
        let descriptor = message.descriptor();
        match descriptor.full_name() {
            "google.protobuf.Any" => {
                let depth = self.depth.get();
                if depth == ANY_DEPTH {
                    return None;
                }
                self.depth.set(depth + 1);
                self.any(message, out)?;
                self.depth.set(depth);
                return Some(());
            }
            name if is_well_known(name) => return serde_json::to_writer(out, message).ok(),
            _ => {}
        }
        let mut object = Object::new(out);
        self.fields(message, &mut object)?;
        object.end();
        Some(())
    }

    fn any(&self, message: &DynamicMessage, out: &mut Vec<u8>) -> Option<()> {
        let url = message.get_field_by_number(1)?;
        let url = url.as_str()?;
        let name = url.rsplit('/').next().unwrap_or_default();
        let descriptor = message.descriptor().parent_pool().get_message_by_name(name)?;
        let value = message.get_field_by_number(2)?;
        let inner = DynamicMessage::decode(descriptor, value.as_bytes()?.clone()).ok()?;
        let mut object = Object::new(out);
        object.string("@type", url);
        if name.starts_with("google.protobuf.") {
            self.message(&inner, object.key("value"))?;
        } else {
            self.fields(&inner, &mut object)?;
        }
        object.end();
        Some(())
    }

    fn fields(&self, message: &DynamicMessage, object: &mut Object<'_>) -> Option<()> {
        for (field, value) in message.fields() {
            let out = object.key(field.name());
            if self.is_secret(&field) {
                escape::json_string(out, REDACTED);
            } else {
                self.value(value, &field.kind(), out)?;
            }
        }
        Some(())
    }

    /// By either of its names, or because its file says so.
    fn is_secret(&self, field: &FieldDescriptor) -> bool {
        let options = field.options();
        let says_so = options
            .get_field_by_number(DEBUG_REDACT)
            .is_some_and(|value| value.as_bool() == Some(true))
            // an older descriptor.proto does not know it
            || options.unknown_fields().any(|unknown| unknown.number() == DEBUG_REDACT);
        says_so
            || self.redaction.hides_key(field.name())
            || self.redaction.hides_key(field.json_name())
    }

    fn value(&self, value: &Value, kind: &Kind, out: &mut Vec<u8>) -> Option<()> {
        match value {
            Value::Bool(_) | Value::I32(_) | Value::U32(_) => plain(value, out),
            // beyond what every reader of JSON takes for a number
            Value::I64(number) => escape::json_string(out, &number.to_string()),
            Value::U64(number) => escape::json_string(out, &number.to_string()),
            Value::F32(number) => float(f64::from(*number), &number.to_string(), out),
            Value::F64(number) => float(*number, &number.to_string(), out),
            Value::String(text) => escape::json_string(out, text),
            Value::Bytes(bytes) => match self.opaque {
                Opaque::Kept => escape::json_string(out, &STANDARD.encode(bytes)),
                // nothing tells what they hold
                Opaque::Withheld => escape::json_string(out, REDACTED),
            },
            Value::EnumNumber(number) => {
                let named = kind.as_enum().and_then(|kind| kind.get_value(*number));
                match named {
                    Some(named) => escape::json_string(out, named.name()),
                    None => out.extend_from_slice(number.to_string().as_bytes()),
                }
            }
            Value::Message(message) => self.message(message, out)?,
            Value::List(values) => {
                out.push(b'[');
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    self.value(value, kind, out)?;
                }
                out.push(b']');
            }
            Value::Map(map) => {
                let kind = kind.as_message()?.map_entry_value_field().kind();
                let mut entries: Vec<_> =
                    map.iter().map(|(key, value)| (name(key), value)).collect();
                entries.sort_by(|(one, _), (other, _)| one.cmp(other));
                let mut object = Object::new(out);
                for (key, value) in entries {
                    let out = object.key(&key);
                    if self.redaction.hides_key(&key) {
                        escape::json_string(out, REDACTED);
                    } else {
                        self.value(value, &kind, out)?;
                    }
                }
                object.end();
            }
        }
        Some(())
    }
}

fn is_well_known(name: &str) -> bool {
    name.strip_prefix("google.protobuf.").is_some_and(|name| WELL_KNOWN.contains(&name))
}

fn plain(value: &Value, out: &mut Vec<u8>) {
    let text = match value {
        Value::Bool(value) => value.to_string(),
        Value::I32(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        _ => return,
    };
    out.extend_from_slice(text.as_bytes());
}

/// A number; what is none is a string.
fn float(number: f64, shown: &str, out: &mut Vec<u8>) {
    match number.is_finite() {
        true => out.extend_from_slice(shown.as_bytes()),
        false if number.is_nan() => escape::json_string(out, "NaN"),
        false if number > 0.0 => escape::json_string(out, "Infinity"),
        false => escape::json_string(out, "-Infinity"),
    }
}

fn name(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

//! Takes the secrets out of what an event says.

use sentry_core::protocol::{Context, Event, Map, Value};

use crate::redact::{REDACTED, Redaction};

/// Takes them out of every text that a program may have written: messages, breadcrumbs, tags, extras and
/// what else it told of its own.
pub(super) fn scrub(event: &mut Event<'static>, redaction: &Redaction) {
    let text = |text: &mut String| *text = redaction.text(text).into_owned();
    for exception in &mut event.exception.values {
        exception.value.iter_mut().for_each(text);
    }
    event.message.iter_mut().for_each(text);
    if let Some(entry) = &mut event.logentry {
        text(&mut entry.message);
        entry.params.iter_mut().for_each(|value| scrub_value(value, redaction));
    }
    for breadcrumb in &mut event.breadcrumbs.values {
        breadcrumb.message.iter_mut().for_each(text);
        scrub_map(&mut breadcrumb.data, redaction);
    }
    scrub_map(&mut event.extra, redaction);
    for (key, value) in &mut event.tags {
        match redaction.hides_key(key) {
            true => *value = REDACTED.to_owned(),
            false => text(value),
        }
    }
    for context in event.contexts.values_mut() {
        match context {
            Context::Other(told) => scrub_map(told, redaction),
            Context::Trace(trace) => {
                trace.description.iter_mut().for_each(text);
                scrub_map(&mut trace.data, redaction);
            }
            _ => {}
        }
    }
    if let Some(user) = &mut event.user {
        scrub_map(&mut user.other, redaction);
    }
}

fn scrub_map(map: &mut Map<String, Value>, redaction: &Redaction) {
    map.iter_mut().for_each(|(key, value)| scrub_member(key, value, redaction));
}

fn scrub_member(key: &str, value: &mut Value, redaction: &Redaction) {
    match redaction.hides_key(key) {
        true => *value = Value::from(REDACTED),
        false => scrub_value(value, redaction),
    }
}

fn scrub_value(value: &mut Value, redaction: &Redaction) {
    match value {
        Value::String(text) => *text = redaction.text(text).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(|value| scrub_value(value, redaction)),
        Value::Object(map) => {
            map.iter_mut().for_each(|(key, value)| scrub_member(key, value, redaction));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

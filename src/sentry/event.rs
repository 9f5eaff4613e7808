//! The event of an exchange that ended badly.

use sentry_core::Level;
use sentry_core::protocol::{
    Event, Exception, Frame, Mechanism, ResponseContext, Stacktrace, Value,
};

use super::enrich::{PANIC, transaction};
use super::settings::Settings;
use crate::classify::{ErrorType, Outcome};
use crate::exchange::{CaughtPanic, End};
use crate::message::error_text;
use crate::message::place::Place;

/// Tells an end; so many that were alike were not told. Of a panic, Sentry's integration may know more:
/// each call that led to it, and when it happened.
pub(super) fn of(
    end: &End<'_>,
    withheld: u64,
    panic: Option<Event<'static>>,
    settings: &Settings,
) -> Event<'static> {
    let error_type = end.error_type.as_ref().map_or("error", ErrorType::as_str);
    let caught = end.facts.caught_panic();
    let has_panicked = end.outcome == Outcome::Panicked;
    let was_caught = has_panicked && caught.is_some();
    let calls = panic.and_then(|mut panic| panic.exception.values.pop()?.stacktrace);
    let exception = Exception {
        ty: error_type.to_owned(),
        value: error_text::of_end(end, &settings.redaction),
        stacktrace: calls.or_else(|| caught.and_then(stacktrace)),
        mechanism: Some(Mechanism {
            ty: if has_panicked { PANIC } else { "tower-observability" }.to_owned(),
            handled: Some(was_caught || !has_panicked),
            ..Mechanism::default()
        }),
        ..Exception::default()
    };
    let level = if has_panicked && !was_caught { Level::Fatal } else { Level::Error };
    let mut event = Event { level, exception: vec![exception].into(), ..Event::default() };
    if let Some(route) = end.route {
        event.transaction = Some(transaction(end.facts, route));
        event.tags.insert("route".into(), route.as_str().to_owned());
    }
    let mut tag = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            event.tags.insert(key.into(), value);
        }
    };
    tag("outcome", Some(end.outcome.as_str().to_owned()));
    tag("error_type", Some(error_type.to_owned()));
    tag("status_code", end.status.map(|status| status.as_u16().to_string()));
    tag("grpc_status", end.grpc_status.map(|code| code.as_str().to_owned()));
    if withheld > 0 {
        event.extra.insert("withheld".into(), Value::from(withheld));
    }
    if let Some(location) = caught.and_then(|panic| panic.location.clone()) {
        event.extra.insert("location".into(), Value::from(location));
    }
    if let Some(backtrace) = caught.and_then(|panic| panic.backtrace.as_ref()) {
        event.extra.insert("backtrace".into(), Value::from(bounded(backtrace.to_string())));
    }
    if let Some(status) = end.status {
        let response = ResponseContext {
            status_code: Some(status.as_u16().into()),
            body_size: Some(end.response_bytes),
            ..ResponseContext::default()
        };
        event.contexts.insert("response".into(), response.into());
    }
    event
}

/// The event of the panic that came through: of several, the last of its message.
pub(super) fn passed(end: &End<'_>, panics: &mut Vec<Event<'static>>) -> Option<Event<'static>> {
    let told = error_text::of_panic(end);
    // as the integration calls what has none
    let told = told.as_deref().unwrap_or("Box<Any>");
    let is_told = |panic: &Event<'_>| {
        panic.exception.last().is_some_and(|exception| exception.value.as_deref() == Some(told))
    };
    match panics.iter().rposition(is_told) {
        Some(at) => Some(panics.remove(at)),
        None => panics.pop(),
    }
}

/// Where it panicked, as the one frame that is known.
fn stacktrace(panic: &CaughtPanic) -> Option<Stacktrace> {
    let place = Place::of(panic.location.as_deref()?)?;
    let frame = Frame {
        filename: Some(place.file.to_owned()),
        lineno: place.line.map(u64::from),
        colno: place.column.map(u64::from),
        in_app: Some(true),
        ..Frame::default()
    };
    Some(Stacktrace { frames: vec![frame], ..Stacktrace::default() })
}

/// What Sentry takes of a text without cutting it itself.
fn bounded(mut backtrace: String) -> String {
    const MOST: usize = 16 * 1024;
    backtrace.truncate(backtrace.floor_char_boundary(MOST));
    backtrace
}

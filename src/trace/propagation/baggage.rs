//! W3C Baggage.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use super::OWS;
use super::carrier::{put, text};

static BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// No more entries are read or sent.
const ENTRIES: usize = 64;

/// No more bytes are read or sent, commas included.
const LENGTH: usize = 8192;

/// Passes on the baggage, as [W3C Baggage](https://www.w3.org/TR/baggage/) says.
///
/// Read and sent are at most 64 entries, and 8192 bytes of them in all; an entry beyond either is
/// dropped whole. An entry that is not valid is skipped and costs no other; of a key that comes
/// twice, the last value holds. Values are percent-decoded, with U+FFFD for what is not UTF-8.
/// Properties are kept as they come, as an entry's
/// [`BaggageMetadata`](opentelemetry::baggage::BaggageMetadata).
///
/// What is sent is ordered by key. A property that is not valid is left out.
#[derive(Clone, Debug, Default)]
pub struct BaggagePropagator {
    _private: (),
}

impl BaggagePropagator {
    /// A new propagator.
    pub fn new() -> Self {
        Self::default()
    }

    /// `parent` with the baggage that `headers` bring, instead of its own; the same as
    /// [`extract_with_context`](TextMapPropagator::extract_with_context) with a
    /// [`HeaderExtractor`](super::HeaderExtractor).
    pub fn extract_headers(&self, parent: &Context, headers: &HeaderMap) -> Context {
        self.read_headers(parent, headers).unwrap_or_else(|| parent.clone())
    }

    /// Adds the baggage of `context` to `headers`; the same as
    /// [`inject_context`](TextMapPropagator::inject_context) with a
    /// [`HeaderInjector`](super::HeaderInjector).
    ///
    /// Without baggage, the headers stay as they are.
    pub fn inject_headers(&self, context: &Context, headers: &mut HeaderMap) {
        if let Some(Ok(value)) = write(context.baggage()).map(HeaderValue::try_from) {
            put(headers, &BAGGAGE, value);
        }
    }

    pub(super) fn read_headers(&self, parent: &Context, headers: &HeaderMap) -> Option<Context> {
        read(parent, headers.get_all(&BAGGAGE).iter().map(text))
    }
}

impl TextMapPropagator for BaggagePropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        if let Some(value) = write(cx.baggage()) {
            injector.set(BAGGAGE.as_str(), value);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let all = extractor.get_all(BAGGAGE.as_str()).unwrap_or_default();
        read(cx, all.into_iter()).unwrap_or_else(|| cx.clone())
    }

    fn fields(&self) -> FieldIter<'_> {
        static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [String::from("baggage")]);
        FieldIter::new(&*FIELDS)
    }
}

/// `parent` with the baggage that the headers bring, if there is any.
fn read<'a>(parent: &Context, values: impl Iterator<Item = &'a str>) -> Option<Context> {
    // by key, so that a key that comes again takes no second place
    let mut taken: HashMap<&str, Entry<'_>> = HashMap::new();
    let mut length = 0;
    for member in values.flat_map(|value| value.split(',')) {
        let member = member.trim_matches(OWS);
        let Some(entry) = Entry::parse(member) else { continue };
        let instead = taken.get(entry.key);
        let room = instead.is_some() || taken.len() < ENTRIES;
        let longer = length + entry.length - instead.map_or(0, |before| before.length);
        if room && longer <= LENGTH + 1 {
            length = longer;
            taken.insert(entry.key, entry);
        }
    }
    if taken.is_empty() {
        return None;
    }
    let mut baggage = Baggage::new();
    for entry in taken.into_values() {
        let metadata = properties(entry.properties);
        baggage.insert_with_metadata(entry.key.to_owned(), decode(entry.value), metadata);
    }
    Some(parent.with_baggage(baggage))
}

/// The header to send, if there is anything to send.
fn write(baggage: &Baggage) -> Option<String> {
    if baggage.is_empty() {
        return None;
    }
    let mut entries: Vec<_> = baggage.iter().filter(|(key, _)| is_token(key.as_str())).collect();
    entries.sort_unstable_by_key(|(key, _)| key.as_str());
    let mut header = String::new();
    for (key, (value, metadata)) in entries.into_iter().take(ENTRIES) {
        let before = header.len();
        if before > 0 {
            header.push(',');
        }
        header.push_str(key.as_str());
        header.push('=');
        encode(&mut header, value.as_str());
        let metadata = properties(metadata.as_str());
        if !metadata.is_empty() {
            header.push(';');
            header.push_str(&metadata);
        }
        if header.len() > LENGTH {
            header.truncate(before);
        }
    }
    (!header.is_empty()).then_some(header)
}

/// A valid member.
struct Entry<'a> {
    key: &'a str,
    value: &'a str,
    properties: &'a str,
    /// What it takes of the header, with a comma.
    length: usize,
}

impl<'a> Entry<'a> {
    fn parse(member: &'a str) -> Option<Self> {
        let (pair, properties) = member.split_once(';').unwrap_or((member, ""));
        let (key, value) = pair.split_once('=')?;
        let (key, value) = (key.trim_matches(OWS), value.trim_matches(OWS));
        let valid = is_token(key)
            && is_value(value)
            && is_encoded(value)
            && properties.split(';').all(|property| is_property(property.trim_matches(OWS)));
        valid.then(|| Self { key, value, properties, length: member.len() + 1 })
    }
}

/// The valid ones of these properties, without the whitespace between them.
fn properties(text: &str) -> String {
    let mut valid = String::with_capacity(text.len());
    for property in text.split(';').map(|property| property.trim_matches(OWS)) {
        if !property.is_empty() && is_property(property) {
            if !valid.is_empty() {
                valid.push(';');
            }
            valid.push_str(property);
        }
    }
    valid
}

/// A key alone, or a key and a value. Nothing between two semicolons does no harm.
fn is_property(text: &str) -> bool {
    match text.split_once('=') {
        Some((key, value)) => is_token(key.trim_matches(OWS)) && is_value(value.trim_matches(OWS)),
        None => text.is_empty() || is_token(text),
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let letter =
        |letter: u8| letter.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&letter);
    !text.is_empty() && text.bytes().all(letter)
}

fn is_value(text: &str) -> bool {
    text.bytes().all(is_octet)
}

fn is_octet(letter: u8) -> bool {
    letter.is_ascii_graphic() && !b"\",;\\".contains(&letter)
}

/// Whether two hexadecimal digits follow on each `%`.
fn is_encoded(value: &str) -> bool {
    value.split('%').skip(1).all(|after| escaped(after).is_some())
}

/// The byte that the two digits at the beginning stand for, and what follows on them.
fn escaped(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    let digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(digits)?;
    Some((u8::from_str_radix(digits, 16).ok()?, rest))
}

fn decode(value: &str) -> String {
    let mut parts = value.split('%');
    let mut bytes = Vec::with_capacity(value.len());
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for (byte, rest) in parts.filter_map(escaped) {
        bytes.push(byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// `=` need not be encoded, but there are readers that end a value at it.
fn encode(out: &mut String, value: &str) {
    for &byte in value.as_bytes() {
        if is_octet(byte) && byte != b'%' && byte != b'=' {
            out.push(char::from(byte));
        } else {
            // writing to a string does not fail
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

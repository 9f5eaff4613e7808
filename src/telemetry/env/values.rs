//! The values of variables.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::HeaderMap;

use crate::telemetry::settings::{LONGEST, SHORTEST, header};

/// `true` or `false`, in any case; nothing else, not even `1`, is true.
pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    match text {
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err("is neither true nor false"),
    }
}

/// Milliseconds.
pub(super) fn millis(text: &str) -> Result<Duration, &'static str> {
    let millis = text.parse().map(Duration::from_millis).ok();
    millis
        .filter(|time| (SHORTEST..=LONGEST).contains(time))
        .ok_or("is not a number of milliseconds from 1 to 86400000")
}

/// Milliseconds; 0 is no limit, for which the longest time stands (OpenTelemetry specification,
/// "Timeout").
pub(super) fn timeout(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(0u64) => Ok(LONGEST),
        _ => millis(text).map_err(|_| "is not a number of milliseconds from 0 to 86400000"),
    }
}

pub(super) fn count(text: &str, range: RangeInclusive<usize>) -> Result<usize, &'static str> {
    let count = text.parse().ok().filter(|count| range.contains(count));
    count.ok_or("is not a number from 1 to 1048576")
}

pub(super) fn ratio(text: &str) -> Result<f64, &'static str> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or("is not a ratio from 0 to 1")
}

/// `key=value` pairs between commas, percent-encoded; one that is none spoils them all (OpenTelemetry
/// specification, "Specifying resource information via an environment variable").
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let read = pairs.map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let key = decoded(key.trim()).filter(|key| !key.is_empty())?;
        Some((key, decoded(value.trim())?))
    });
    read.collect::<Option<_>>().ok_or("is not a list of key=value, percent-encoded")
}

/// The headers of a list as in [`pairs`], and the names of what is none, with why; its value may be
/// a secret.
pub(super) fn headers(text: &str) -> (HeaderMap, Vec<(String, &'static str)>) {
    let (mut headers, mut bad) = (HeaderMap::new(), Vec::new());
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            // what has no name may be the end of a secret with a comma in it
            bad.push(("(not told)".to_owned(), "is not name=value"));
            continue;
        };
        let name = name.trim();
        let value = decoded(value.trim());
        match value.as_deref().map(|value| header(name, value)) {
            Some(Ok((name, value))) => {
                headers.insert(name, value);
            }
            _ => bad.push((name.to_owned(), "is not a header that can be sent")),
        }
    }
    (headers, bad)
}

/// Percent-encoded UTF-8 (RFC 3986, section 2.1), decoded; none if it is neither.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

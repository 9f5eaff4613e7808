//! The headers' grammar, read from the right.
//!
//! The right end is what a trusted proxy wrote, the left end is whatever the client sent. Reading
//! from the left would let a client spoil the proxy's part with, say, a quote that is never closed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header::{FORWARDED, HeaderMap, HeaderName};

use super::ForwardedScheme;

pub(super) static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The trimmed elements of a comma-separated header, all lines combined, from right to left.
pub(super) fn list<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter().rev();
    lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// The elements of `Forwarded`, all lines combined, from right to left; a comma within quotes does
/// not separate them. Quotes do not reach across lines.
pub(super) fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(FORWARDED).into_iter().rev();
    lines.flat_map(|line| {
        let mut rest = Some(line.as_bytes());
        std::iter::from_fn(move || {
            let line = rest?;
            let comma = last_comma(line);
            rest = comma.map(|at| &line[..at]);
            Some(comma.map_or(line, |at| &line[at + 1..]))
        })
    })
}

/// Where the last comma outside quotes is.
///
/// In a well-formed element a quote within quotes comes after an odd number of backslashes, and no
/// other does, so the quotes pair up from the right just as they do from the left.
fn last_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b',' if !quoted => return Some(at),
            b'"' if !quoted => quoted = true,
            b'"' => {
                let before = line[..at].iter().rev();
                let backslashes = before.take_while(|byte| **byte == b'\\').count();
                quoted = backslashes % 2 == 1;
            }
            _ => {}
        }
    }
    None
}

/// What is of interest in one element of `Forwarded` (RFC 7239, section 4).
#[derive(Default)]
pub(super) struct Element<'a> {
    /// The value of `for`.
    pub(super) node: Option<&'a [u8]>,
    /// The value of `proto`.
    pub(super) proto: Option<&'a [u8]>,
}

impl<'a> Element<'a> {
    /// Reads an element; `None` when it is empty, malformed or repeats a parameter of interest.
    pub(super) fn parse(element: &'a [u8]) -> Option<Self> {
        let mut found = Self::default();
        let mut empty = true;
        let mut rest = element.trim_ascii();
        while !rest.is_empty() {
            // The grammar allows parameters to be missing between semicolons.
            if let [b';', after @ ..] = rest {
                rest = after.trim_ascii_start();
                continue;
            }
            let (name, value, after) = pair(rest)?;
            let repeated = if name.eq_ignore_ascii_case(b"for") {
                found.node.replace(value).is_some()
            } else if name.eq_ignore_ascii_case(b"proto") {
                found.proto.replace(value).is_some()
            } else {
                false
            };
            rest = after.trim_ascii_start();
            if repeated || !(rest.is_empty() || rest.starts_with(b";")) {
                return None;
            }
            empty = false;
        }
        (!empty).then_some(found)
    }
}

/// Takes a parameter off the front: its name, its value without quotes, and what follows it.
fn pair(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&text[..equals], &text[equals + 1..]);
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return None;
    }
    let (value, after) = match value {
        [b'"', quoted @ ..] => {
            let end = closing_quote(quoted)?;
            (&quoted[..end], &quoted[end + 1..])
        }
        // More than a token: proxies forget the quotes that colons and brackets need.
        bare => {
            let end = bare.iter().position(|byte| b"; \t".contains(byte));
            let (bare, after) = bare.split_at(end.unwrap_or(bare.len()));
            if bare.is_empty() || bare.iter().any(|byte| b"\"\\".contains(byte)) {
                return None;
            }
            (bare, after)
        }
    };
    Some((name, value, after))
}

/// Where a quoted string (RFC 9110, section 5.6.4) ends, given what follows its opening quote.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let end = !escaped && *byte == b'"';
        escaped = !escaped && *byte == b'\\';
        end
    })
}

/// A character of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The address in an element of `X-Forwarded-For`: as in [`node`], or bare IPv6.
pub(super) fn address(element: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(element).ok()?;
    match text.parse::<Ipv6Addr>() {
        Ok(bare) => Some(bare.into()),
        Err(_) => node(element),
    }
}

/// The address of a node (RFC 7239, section 6): IPv4, or IPv6 in brackets, and maybe a port.
/// `None` for `unknown`, an obfuscated identifier and anything malformed.
pub(super) fn node(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?;
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']')?;
        let fits = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        return address.parse::<Ipv6Addr>().ok().filter(|_| fits).map(IpAddr::from);
    }
    let (address, fits) = match text.split_once(':') {
        Some((address, port)) => (address, is_port(port)),
        None => (text, true),
    };
    address.parse::<Ipv4Addr>().ok().filter(|_| fits).map(IpAddr::from)
}

/// Whether `text` is a port, by number or obfuscated.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            !name.is_empty() && name.bytes().all(allowed)
        }
        None => {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            digits && text.len() <= 5 && text.parse::<u16>().is_ok()
        }
    }
}

/// The scheme that `text` names, in any case (RFC 3986, section 3.1).
pub(super) fn scheme(text: &[u8]) -> Option<ForwardedScheme> {
    [ForwardedScheme::Http, ForwardedScheme::Https]
        .into_iter()
        .find(|scheme| text.eq_ignore_ascii_case(scheme.as_str().as_bytes()))
}

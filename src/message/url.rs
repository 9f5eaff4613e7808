//! The URL of a request.

#[cfg(feature = "debug-dump")]
use std::fmt::Write as _;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};

/// The URL of a request, absolute: where it names no host the `Host` header does, and where it names
/// no scheme it is `http`. `None` where neither names a host.
pub(crate) fn absolute(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let authority = match uri.authority() {
        Some(authority) => authority.clone(),
        None => Authority::try_from(headers.get(HOST)?.as_bytes()).ok()?,
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    // `*` is a path too
    let slash = if path.starts_with('/') { "" } else { "/" };
    // `://host/` is a URI, too
    let scheme = uri.scheme_str().filter(|scheme| !scheme.is_empty()).unwrap_or("http");
    Some(format!("{scheme}://{authority}{slash}{path}"))
}

/// The URL by RFC 3986: whatever else senders put into one, as `http` lets them, is percent-encoded.
#[cfg(feature = "debug-dump")]
pub(crate) fn strict(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at_checked(start).unwrap_or(("", url));
    let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let mut out = scheme.to_owned();
    encode(&mut out, authority, b"[]");
    let (target, fragment) = target.split_once('#').map_or((target, None), |(a, b)| (a, Some(b)));
    encode(&mut out, target, b"/?");
    if let Some(fragment) = fragment {
        out.push('#');
        encode(&mut out, fragment, b"/?");
    }
    out
}

#[cfg(feature = "debug-dump")]
fn encode(out: &mut String, part: &str, also: &[u8]) {
    let bytes = part.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let is_escape = || {
            let digits = bytes.get(at + 1..at + 3);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        let is_allowed = match byte {
            b'%' => is_escape(),
            _ => {
                byte.is_ascii_alphanumeric()
                    || b"-._~!$&'()*+,;=:@".contains(&byte)
                    || also.contains(&byte)
            }
        };
        if is_allowed {
            out.push(char::from(byte));
        } else {
            // writing into a string cannot fail
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(all(test, feature = "debug-dump"))]
mod tests {
    use proptest::prelude::*;

    use super::strict;

    #[test]
    fn what_may_not_be_in_a_url_is_encoded() {
        for (url, expected) in [
            ("http://h/a?b=c&d=%C3%A9#e", "http://h/a?b=c&d=%C3%A9#e"),
            (
                "http://h/%zz%4?[]|^`{}\"<>\\",
                "http://h/%25zz%254?%5B%5D%7C%5E%60%7B%7D%22%3C%3E%5C",
            ),
            ("http://[::1]:80/\u{e9}", "http://[::1]:80/%C3%A9"),
            ("http://h?a#b#c", "http://h?a#b%23c"),
        ] {
            assert_eq!(strict(url), expected);
        }
    }

    proptest! {
        #[test]
        fn it_has_only_what_may_be_there_and_stays_as_it_is(rest in "[ -~\u{e9}]{0,30}") {
            let url = strict(&format!("http://h/{rest}"));
            let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}[]".contains(&byte);
            prop_assert!(url.bytes().all(is_allowed), "{}", url);
            prop_assert_eq!(strict(&url), url);
        }
    }
}

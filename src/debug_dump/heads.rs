//! Heads without their secrets.

use std::borrow::Cow;

use http::header::HOST;
use http::{HeaderMap, HeaderValue, Uri};

use super::hide::Opaque;
use super::observer::DebugDump;

impl DebugDump {
    pub(super) fn headers(&self, headers: &HeaderMap) -> HeaderMap {
        let mut shown = HeaderMap::with_capacity(headers.keys_len());
        for (name, value) in headers {
            // binary metadata of gRPC, in base64
            if self.opaque == Opaque::Withheld && name.as_str().ends_with("-bin") {
                shown.append(name, HeaderValue::from_static(crate::redact::REDACTED));
                continue;
            }
            let shown_value = match name {
                // it has no `//` in front of a userinfo
                &HOST if !self.redaction.hides_header(name, value) => {
                    let text = String::from_utf8_lossy(value.as_bytes());
                    Cow::Owned(self.redaction.url(&text).into_owned())
                }
                _ => self.redaction.header_value(name, value),
            };
            let value = match shown_value {
                // where nothing is hidden, as it is, also where it is no text
                shown if shown == String::from_utf8_lossy(value.as_bytes()) => own(value),
                shown => HeaderValue::from_str(&shown)
                    .unwrap_or_else(|_| HeaderValue::from_static(crate::redact::REDACTED)),
            };
            shown.append(name, value);
        }
        shown
    }

    pub(super) fn uri(&self, uri: &Uri) -> Uri {
        let shown = self.redaction.url(&uri.to_string()).parse();
        // what cannot be shown without its secrets, as it grows too long, is its path alone
        shown.unwrap_or_else(|_| self.redaction.url(uri.path()).parse().unwrap_or_default())
    }
}

/// The value in memory of its own: that of a transport is a part of all that was read with it.
fn own(value: &HeaderValue) -> HeaderValue {
    let mut own = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
    own.set_sensitive(value.is_sensitive());
    own
}

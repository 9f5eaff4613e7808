//! What an attribute's key says of its value.

use http::HeaderName;

use crate::redact::Redaction;

/// Keys up to this length are matched without an allocation.
const INLINE: usize = 96;

/// The kind of value that a key stands for.
pub(super) enum Key<'a> {
    /// The value of a header, or of gRPC metadata.
    Header(HeaderName),
    Query,
    Url,
    Other(&'a str),
}

impl<'a> Key<'a> {
    pub(super) fn of(key: &'a str) -> Self {
        const HEADERS: [&str; 6] = [
            "http.request.header.",
            "http.response.header.",
            "rpc.request.metadata.",
            "rpc.response.metadata.",
            // as they were called before 2025
            "rpc.grpc.request.metadata.",
            "rpc.grpc.response.metadata.",
        ];
        match key {
            "url.query" => return Self::Query,
            // the latter two are the names before 2023
            "url.full" | "url.original" | "http.url" | "http.target" => return Self::Url,
            _ => {}
        }
        HEADERS
            .iter()
            .find_map(|prefix| HeaderName::from_bytes(key.strip_prefix(prefix)?.as_bytes()).ok())
            .map_or(Self::Other(key), Self::Header)
    }
}

/// The names of secrets, as they are looked for in dotted keys.
#[derive(Clone, Debug)]
pub(super) struct Names(Redaction);

impl Names {
    /// The names of a policy, without `code`: in a key that is a status, or the program's text.
    pub(super) fn new(policy: &Redaction) -> Self {
        Self(policy.clone().allow_key("code").unwrap_or_else(|_| policy.clone()))
    }

    /// Whether a key is hidden: its last segment, or all of its words. Its other segments are
    /// namespaces.
    pub(super) fn hide(&self, key: &str) -> bool {
        let Some((_, last)) = key.rsplit_once('.') else {
            return self.0.hides_key(key);
        };
        if self.0.hides_key(last) {
            return true;
        }
        let mut inline = [0; INLINE];
        let mut long = Vec::new();
        let flat = match inline.get_mut(..key.len()) {
            Some(flat) => flat,
            None => {
                long.resize(key.len(), 0);
                &mut long
            }
        };
        flat.copy_from_slice(key.as_bytes());
        flat.iter_mut().filter(|byte| **byte == b'.').for_each(|byte| *byte = b'_');
        str::from_utf8(flat).is_ok_and(|flat| self.0.hides_key(flat))
    }
}

use super::Withheld;
use crate::redact::Redaction;
use bytes::Bytes;
use http::HeaderMap;
pub(super) fn body(
    kept: &[u8],
    _: bool,
    _: &HeaderMap,
    _: &Redaction,
) -> (Bytes, Option<Withheld>) {
    (Bytes::copy_from_slice(kept), None)
}

//! Decompression, bounded.

use std::borrow::Cow;
use std::io::Read;

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// The most bytes that a body may become.
pub(super) const MOST: usize = 1 << 20;

/// The most bytes that one byte may become.
const RATIO: usize = 100;

/// The body without its content coding, or `None` where it cannot be known: a coding that is
/// unknown or one of several, a body that is not of its coding or grows beyond the bounds. Of a
/// body that is not whole, as much as there is.
pub(super) fn decode<'a>(
    raw: &'a [u8],
    is_whole: bool,
    headers: &HeaderMap,
) -> Option<Cow<'a, [u8]>> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Some(Cow::Borrowed(raw));
    };
    if codings.next().is_some() {
        return None;
    }
    let coding = coding.to_str().ok()?.trim().to_ascii_lowercase();
    match coding.as_str() {
        "" | "identity" => Some(Cow::Borrowed(raw)),
        coding => inflate(coding, raw, is_whole, MOST).map(Cow::Owned),
    }
}

/// What was compressed by a coding, if it is not more than `most`.
pub(super) fn inflate(coding: &str, raw: &[u8], is_whole: bool, most: usize) -> Option<Vec<u8>> {
    let most = most.min(raw.len().saturating_mul(RATIO));
    match coding {
        "gzip" | "x-gzip" => read(flate2::read::MultiGzDecoder::new(raw), is_whole, most),
        "deflate" => read(flate2::read::ZlibDecoder::new(raw), is_whole, most),
        "br" => read(brotli_decompressor::Decompressor::new(raw, 4096), is_whole, most),
        _ => None,
    }
}

/// What a decoder gives, if it is not more than `most`; no more than that is held.
pub(super) fn read(decoder: impl Read, is_whole: bool, most: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let result = decoder.take(most as u64 + 1).read_to_end(&mut plain);
    // a cut body ends in an error, with what came before it in `plain`
    ((result.is_ok() || !is_whole) && plain.len() <= most).then_some(plain)
}

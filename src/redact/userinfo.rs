//! Finds the userinfo of a URL (RFC 3986, section 3.2.1).

use std::ops::Range;

/// The length of the userinfo that an authority starts with, without the `@`. As in WHATWG's URLs,
/// the last `@` ends it. `in_pairs`, the URL is the value of a pair, and `&` ends it.
pub(super) fn length(authority: &[u8], in_pairs: bool) -> Option<usize> {
    let ends = |byte: &u8| is_end(byte) || (in_pairs && *byte == b'&');
    let end = authority.iter().position(ends).unwrap_or(authority.len());
    authority[..end].iter().rposition(|&byte| byte == b'@')
}

/// The userinfo of a text that is a URL, however many slashes follow its scheme, or that is an
/// authority alone.
pub(super) fn of_url(url: &[u8]) -> Option<Range<usize>> {
    let head = url.iter().position(is_end).unwrap_or(url.len());
    let is_slash = |byte: &&u8| matches!(byte, b'/' | b'\\');
    let slashes = url[head..].iter().take_while(is_slash).count();
    let start = match slashes {
        2.. if head == 0 => slashes,
        1.. if url[..head].ends_with(b":") => head + slashes,
        _ => 0,
    };
    let authority = &url[start..];
    if let Some(length) = length(authority, false) {
        return Some(start..start + length);
    }
    // A port that is no number is the first part of a password that has a delimiter in it.
    let end = authority.iter().position(is_end)?;
    let colon = authority[..end].iter().rposition(|&byte| byte == b':')?;
    let port = &authority[colon + 1..end];
    if start == 0 || port.ends_with(b"]") || port.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = authority.iter().rposition(|&byte| byte == b'@')?;
    Some(start..start + length)
}

/// What ends an authority; WHATWG's URLs add the `\` to RFC 3986's three.
fn is_end(byte: &u8) -> bool {
    matches!(byte, b'/' | b'\\' | b'?' | b'#')
}

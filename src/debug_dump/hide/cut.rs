//! Cuts a body to the cap, where it can be cut.

use super::kind::Kind;

/// Shortens the text to at most `cap` bytes, and tells whether it had to: not inside a character,
/// an escape of JSON or a percent sequence.
pub(super) fn cut(text: &mut Vec<u8>, cap: usize, kind: &Kind) -> bool {
    if text.len() <= cap {
        return false;
    }
    let mut end = cap;
    if *kind != Kind::Opaque {
        while end > 0 && text.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end -= 1;
        }
    }
    match kind {
        Kind::Json { .. } => end = before_escape(text, end),
        Kind::Form => {
            let tail = text.get(end.saturating_sub(2)..end).unwrap_or_default();
            if let Some(at) = tail.iter().position(|&byte| byte == b'%') {
                end = end.saturating_sub(tail.len() - at);
            }
        }
        _ => {}
    }
    text.truncate(end);
    true
}

/// `end`, or the start of the escape that it is in; a pair of surrogates is one.
fn before_escape(text: &[u8], end: usize) -> usize {
    let backslashes =
        |at: usize| text.iter().take(at).rev().take_while(|&&byte| byte == b'\\').count();
    let is_low = text
        .get(end..end.saturating_add(4))
        .is_some_and(|escape| is_surrogate(escape, b"cdefCDEF"));
    let mut end = end;
    // `\ud83d|\ude00`
    if is_low
        && let Some(high) = end.checked_sub(6)
        && text.get(high..).is_some_and(|escape| is_surrogate(escape, b"89abAB"))
        && backslashes(high).is_multiple_of(2)
    {
        return high;
    }
    for back in 1..=5.min(end) {
        let at = end - back;
        if text.get(at) == Some(&b'\\') && backslashes(at).is_multiple_of(2) {
            let length = if text.get(at + 1) == Some(&b'u') { 6 } else { 2 };
            if at + length > end {
                end = before_escape_pair(text, at, &backslashes);
            }
            break;
        }
    }
    end
}

/// The start of the pair whose second escape starts at `at`, or `at`.
fn before_escape_pair(text: &[u8], at: usize, backslashes: &impl Fn(usize) -> usize) -> usize {
    match at.checked_sub(6) {
        Some(high)
            if text.get(at..).is_some_and(|escape| is_surrogate(escape, b"cdefCDEF"))
                && text.get(high..).is_some_and(|escape| is_surrogate(escape, b"89abAB"))
                && backslashes(high).is_multiple_of(2) =>
        {
            high
        }
        _ => at,
    }
}

fn is_surrogate(escape: &[u8], third: &[u8]) -> bool {
    matches!(escape, [b'\\', b'u', b'd' | b'D', digit, ..] if third.contains(digit))
}

//! A string of JSON (RFC 8259, section 7).

use super::Stop;

/// A string that was read.
pub(super) struct JsonString {
    /// What it says, up to the first escape or character that is cut.
    pub(super) text: String,
    /// Where it ends: behind its quote, or before what is cut.
    pub(super) end: usize,
    pub(super) is_closed: bool,
    /// It has half of a surrogate pair, which readers take differently.
    pub(super) is_odd: bool,
}

/// Reads the string whose quote is at `start`.
pub(super) fn parse(raw: &str, start: usize) -> Result<JsonString, Stop> {
    let bytes = raw.as_bytes();
    let mut string =
        JsonString { text: String::new(), end: start + 1, is_closed: false, is_odd: false };
    loop {
        let rest = bytes.get(string.end..).unwrap_or_default();
        let run = rest
            .iter()
            .position(|&byte| matches!(byte, b'"' | b'\\' | ..0x20))
            .unwrap_or(rest.len());
        string.text.push_str(raw.get(string.end..string.end + run).unwrap_or_default());
        string.end += run;
        match rest.get(run..).unwrap_or_default() {
            [] => return Ok(string),
            [b'"', ..] => {
                string.end += 1;
                string.is_closed = true;
                return Ok(string);
            }
            [b'\\', escape @ ..] => match read(escape)? {
                Some((character, length)) => {
                    string.is_odd |= character.is_none();
                    string.text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
                    string.end += 1 + length;
                }
                None => return Ok(string),
            },
            _ => return Err(Stop::Malformed),
        }
    }
}

/// The character of an escape and its length without the backslash; `None` where it is cut.
fn read(escape: &[u8]) -> Result<Option<(Option<char>, usize)>, Stop> {
    let character = match escape {
        [] => return Ok(None),
        [b'u', digits @ ..] => return unicode(digits),
        [byte @ (b'"' | b'\\' | b'/'), ..] => char::from(*byte),
        [b'b', ..] => '\u{8}',
        [b'f', ..] => '\u{c}',
        [b'n', ..] => '\n',
        [b'r', ..] => '\r',
        [b't', ..] => '\t',
        _ => return Err(Stop::Malformed),
    };
    Ok(Some((Some(character), 1)))
}

fn unicode(digits: &[u8]) -> Result<Option<(Option<char>, usize)>, Stop> {
    let Some(first) = unit(digits)? else {
        return Ok(None);
    };
    if !(0xd800..0xdc00).contains(&first) {
        // the second half of a pair is no character
        return Ok(Some((char::from_u32(first), 5)));
    }
    let second = match digits.get(4..).unwrap_or_default() {
        [] | [b'\\'] => return Ok(None),
        [b'\\', b'u', digits @ ..] => match unit(digits)? {
            Some(second) => second,
            None => return Ok(None),
        },
        _ => return Ok(Some((None, 5))),
    };
    if !(0xdc00..0xe000).contains(&second) {
        return Ok(Some((None, 5)));
    }
    let pair = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Ok(Some((char::from_u32(pair), 11)))
}

/// Four hexadecimal digits; `None` where they are cut.
fn unit(digits: &[u8]) -> Result<Option<u32>, Stop> {
    let mut unit = 0;
    for at in 0..4 {
        let Some(&digit) = digits.get(at) else {
            return Ok(None);
        };
        unit = unit << 4 | char::from(digit).to_digit(16).ok_or(Stop::Malformed)?;
    }
    Ok(Some(unit))
}

//! Percent-decoding.

/// What [`decode`] did.
pub(super) struct Decoded {
    pub(super) length: usize,
    /// There was something to decode.
    pub(super) any: bool,
    /// There was a `%` without two hexadecimal digits after it.
    pub(super) invalid: bool,
}

/// Decodes percent sequences and `+` in place (RFC 3986, section 2.1, and HTML forms).
pub(super) fn decode(bytes: &mut [u8]) -> Decoded {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Decoded { length: 0, any: false, invalid: false };
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let mut letter = byte;
        if byte == b'+' {
            letter = b' ';
        } else if byte == b'%' {
            if let (Some(high), Some(low)) = (digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
                letter = (high << 4 | low) as u8;
                decoded.any = true;
                at += 2;
            } else {
                decoded.invalid = true;
            }
        }
        bytes[decoded.length] = letter;
        decoded.length += 1;
        at += 1;
    }
    decoded
}

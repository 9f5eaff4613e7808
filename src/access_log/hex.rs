//! IDs as hexadecimal digits.

use crate::id::hex;

/// The lower-case hexadecimal digits of an ID of so many bytes.
pub(super) struct Hex<const BYTES: usize>([[u8; 2]; BYTES]);

impl Hex<16> {
    #[inline]
    pub(super) fn trace_id(id: u128) -> Self {
        Self(hex::digits(id.to_be_bytes()))
    }
}

impl Hex<8> {
    #[inline]
    pub(super) fn span_id(id: u64) -> Self {
        // sixteen bytes are written all at once, eight are not
        let [_, _, _, _, _, _, _, _, digits @ ..] = hex::digits(u128::from(id).to_be_bytes());
        Self(digits)
    }
}

impl<const BYTES: usize> Hex<BYTES> {
    pub(super) fn as_str(&self) -> &str {
        // every digit is ASCII, so the fallback is never taken
        std::str::from_utf8(self.0.as_flattened()).unwrap_or_default()
    }
}

impl<const BYTES: usize> AsRef<[u8]> for Hex<BYTES> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.0.as_flattened()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_leading_zeros() {
        assert_eq!(Hex::trace_id(0x0a).as_str(), "0000000000000000000000000000000a");
        assert_eq!(Hex::span_id(u64::MAX - 1).as_str(), "fffffffffffffffe");
    }
}

//! IDs as hexadecimal digits.

/// The lower-case hexadecimal digits of an ID.
pub(super) struct Hex<const N: usize>([u8; N]);

impl Hex<32> {
    pub(super) fn trace_id(id: u128) -> Self {
        Self(digits(&id.to_be_bytes()))
    }
}

impl Hex<16> {
    pub(super) fn span_id(id: u64) -> Self {
        Self(digits(&id.to_be_bytes()))
    }
}

impl<const N: usize> Hex<N> {
    pub(super) fn as_str(&self) -> &str {
        // every digit is ASCII, so the fallback is never taken
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl<const N: usize> AsRef<[u8]> for Hex<N> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn digits<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut digits = [[b'0'; 2]; 16];
    for (pair, byte) in digits.iter_mut().zip(bytes) {
        *pair = PAIRS[usize::from(*byte)];
    }
    let mut flat = [0; N];
    flat.copy_from_slice(&digits.as_flattened()[..N]);
    flat
}

/// The two digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [HEX[byte >> 4], HEX[byte & 15]];
        byte += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_leading_zeros() {
        assert_eq!(Hex::trace_id(0x0a).as_str(), "0000000000000000000000000000000a");
        assert_eq!(Hex::span_id(u64::MAX - 1).as_str(), "fffffffffffffffe");
    }
}

//! Bytes as hexadecimal digits.

/// The lower-case digits of each byte.
#[inline]
pub(crate) fn digits<const N: usize>(bytes: [u8; N]) -> [[u8; 2]; N] {
    bytes.map(|byte| [digit(byte >> 4), digit(byte & 15)])
}

/// Computed, not looked up, so that a processor does several at once.
#[inline]
fn digit(number: u8) -> u8 {
    number + if number > 9 { b'a' - 10 } else { b'0' }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn every_byte_has_its_digits() {
        for byte in 0..=u8::MAX {
            assert_eq!(digits([byte, 0x0f]).as_flattened(), format!("{byte:02x}0f").as_bytes());
        }
    }
}

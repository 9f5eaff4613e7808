//! Texts that hold nothing to hide, told apart at a glance.

/// Whether a text needs no escape and has nothing in it that a policy hides: no key before `=`, none
/// in quotes before a colon, no encoded part, no userinfo.
#[inline]
pub(crate) fn hides_nothing(bytes: &[u8]) -> bool {
    const MARKS: [u8; 6] = *b"=%@\"'\\";
    /// Each question is asked of the whole block, without a branch per byte.
    fn block<const N: usize>(block: &[u8; N]) -> bool {
        let has = |mark| block.iter().fold(false, |has, &byte| has | (byte == mark));
        let is_printable = block.iter().fold(true, |all, byte| all & (b' '..=b'~').contains(byte));
        MARKS.iter().fold(is_printable, |none, &mark| none & !has(mark))
    }
    // the last block may overlap the one before it
    if let Some(last) = bytes.last_chunk::<16>() {
        let (blocks, rest) = bytes.as_chunks::<16>();
        return blocks.iter().all(block) && (rest.is_empty() || block(last));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return block(first) && block(last);
    }
    bytes.iter().all(|&byte| block(&[byte]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_that_may_hide_something_is_found_wherever_it_stands() {
        for length in 1..40 {
            for (at, byte) in (0..length).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
                let mut bytes = vec![b'a'; length];
                bytes[at] = byte;
                let hides = !(b' '..=b'~').contains(&byte) || b"=%@\"'\\".contains(&byte);
                assert_eq!(hides_nothing(&bytes), !hides, "{byte} at {at} of {length}");
            }
        }
        assert!(hides_nothing(b""));
    }
}

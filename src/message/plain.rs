//! Texts that hold nothing to hide, told apart at a glance.

use crate::escape::block;

/// Whether a text needs no escape and has nothing in it that a policy hides: no key before `=`, none
/// in quotes before a colon, no encoded part, no userinfo.
#[inline(never)]
pub(crate) fn hides_nothing(bytes: &[u8]) -> bool {
    !block::any(bytes, |byte| {
        !matches!(byte, b' '..=b'~')
            | (byte == b'=')
            | (byte == b'%')
            | (byte == b'@')
            | (byte == b'"')
            | (byte == b'\'')
            | (byte == b'\\')
    })
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

//! Looks for bytes in blocks of 16, without a branch per byte: what a processor does at once.

/// Whether any of `bytes` is one that is `wanted`; that is best told without `||` and `&&`, in a
/// function that is not inlined further, so that it becomes the same instructions for every caller.
#[inline(always)]
pub(crate) fn any(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> bool {
    let has = |block: &[u8; 16]| has(block, &wanted);
    if let Some(last) = bytes.last_chunk() {
        let (blocks, rest) = bytes.as_chunks();
        for block in blocks {
            if has(block) {
                return true;
            }
        }
        // it overlaps the one before
        return !rest.is_empty() && has(last);
    }
    // of fewer, some are looked at twice
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return has(&filled([first, last]));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return has(&filled([first, last, first, last]));
    }
    bytes.iter().any(|byte| wanted(*byte))
}

/// A block of parts that may overlap.
#[inline(always)]
fn filled<const N: usize, const PARTS: usize>(parts: [&[u8; N]; PARTS]) -> [u8; 16] {
    let mut block = [0; 16];
    for (place, part) in block.chunks_exact_mut(N).zip(parts) {
        place.copy_from_slice(part);
    }
    block
}

#[inline(always)]
fn has(block: &[u8; 16], wanted: impl Fn(u8) -> bool) -> bool {
    let mut marks = [0; 16];
    // by index, as two iterators become slower code
    for at in 0..16 {
        marks[at] = u8::from(wanted(block[at]));
    }
    marks.iter().fold(0, |marked, mark| marked | mark) != 0
}

#[cfg(test)]
mod tests {
    use super::any;

    #[test]
    fn one_byte_is_found_wherever_it_stands() {
        for length in 0..70 {
            let mut bytes = vec![b'a'; length];
            assert!(!any(&bytes, |byte| byte == b'b'), "{length}");
            for at in 0..length {
                bytes[at] = b'b';
                assert!(any(&bytes, |byte| byte == b'b'), "at {at} of {length}");
                bytes[at] = b'a';
            }
        }
    }
}

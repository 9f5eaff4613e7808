//! The [messages of gRPC](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) in a body.

/// A message, the last of which may be cut.
pub(super) struct Frame<'a> {
    pub(super) length: u32,
    pub(super) is_compressed: bool,
    pub(super) data: &'a [u8],
}

impl Frame<'_> {
    pub(super) fn is_cut(&self) -> bool {
        (self.data.len() as u64) < u64::from(self.length)
    }
}

/// The messages of a body, up to what is none.
pub(super) struct Frames<'a> {
    /// What is not read yet.
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let [flag @ (0 | 1), a, b, c, d, data @ ..] = self.rest else { return None };
        let length = u32::from_be_bytes([*a, *b, *c, *d]);
        let end = usize::try_from(length).unwrap_or(usize::MAX).min(data.len());
        let (data, after) = data.split_at(end);
        self.rest = after;
        Some(Frame { length, is_compressed: *flag == 1, data })
    }
}

//! The last captures.

use std::collections::VecDeque;
use std::sync::Arc;

use http::HeaderMap;

use super::capture::{Capture, CapturedBody};

/// Captures of so many bytes in all; the oldest go first.
pub(super) struct Ring {
    captures: VecDeque<Arc<Capture>>,
    bytes: usize,
    most: usize,
}

impl Ring {
    pub(super) fn new(most: usize) -> Self {
        Self { captures: VecDeque::new(), bytes: 0, most }
    }

    pub(super) fn push(&mut self, capture: Arc<Capture>) {
        self.bytes += capture.bytes();
        self.captures.push_back(capture);
        while self.bytes > self.most
            && let Some(oldest) = self.captures.pop_front()
        {
            self.bytes -= oldest.bytes();
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Capture>> {
        self.captures.iter().map(Arc::clone).collect()
    }

    /// How many there were.
    pub(super) fn clear(&mut self) -> usize {
        self.bytes = 0;
        std::mem::take(&mut self.captures).len()
    }
}

impl Capture {
    /// What it takes of memory, about.
    pub(super) fn bytes(&self) -> usize {
        let of = |headers: &HeaderMap| {
            headers
                .iter()
                .map(|(name, value)| name.as_str().len() + value.len() + 96)
                .sum::<usize>()
        };
        let texts = [&self.route, &self.request_id, &self.trace_id, &self.error_type];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let uri = self.request.uri.path_and_query().map_or(0, |target| target.as_str().len());
        let response = self.response.as_ref();
        let heads = [
            Some(&self.request.headers),
            self.request.trailers.as_ref(),
            response.map(|response| &response.headers),
            response.and_then(|response| response.trailers.as_ref()),
        ];
        let heads: usize = heads.into_iter().flatten().map(of).sum();
        size_of::<Self>() + texts + uri + heads + self.body_bytes()
    }

    pub(super) fn body_bytes(&self) -> usize {
        let kept = |body: &CapturedBody| body.kept.len();
        kept(&self.request.body) + self.response.as_ref().map_or(0, |it| kept(&it.body))
    }
}

//! Bodies of any length whose bytes tell where they belong.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::sync::Notify;

use crate::armed::Peak;

/// The bytes repeat after so many: a prime, so that no frame that is lost, doubled or out of its place
/// fits where it is.
const PERIOD: usize = 65_521;

/// How long a frame is.
const FRAME: usize = 32 << 10;

/// Letters, by a generator of random numbers (xorshift), twice over.
static LETTERS: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let period: Vec<u8> = (0..PERIOD)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            b'a' + (state >> 32) as u8 % 26
        })
        .collect();
    Bytes::from(period.repeat(2))
});

/// So many of its bytes, at most a period, from a place on.
pub(crate) fn letters(at: u64, bytes: usize) -> Bytes {
    let from = (at % PERIOD as u64) as usize;
    LETTERS.slice(from..from + bytes)
}

/// Whether what comes is the pattern, and how much came.
#[derive(Default)]
pub(crate) struct Check {
    pub(crate) seen: u64,
}

impl Check {
    pub(crate) fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PERIOD));
            assert!(letters(self.seen, now.len()) == now, "other bytes after {}", self.seen);
            self.seen += now.len() as u64;
            bytes = later;
        }
    }

    /// Reads a body to its end; tells when its first byte is there.
    pub(crate) async fn read<B>(body: B, first: &Notify, peak: &Peak) -> u64
    where
        B: Body<Data = Bytes, Error: std::fmt::Debug>,
    {
        let mut body = std::pin::pin!(body);
        let mut check = Self::default();
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            if check.seen == 0 && !data.is_empty() {
                assert_eq!(data.len(), 1, "the second byte came before the first was seen");
                first.notify_one();
            }
            check.add(&data);
            peak.look();
        }
        check.seen
    }
}

/// A body of this pattern: one byte, and the others when the first one was seen.
pub(crate) struct Letters {
    at: u64,
    length: u64,
    first_was_seen: Option<BoxFuture<'static, ()>>,
}

impl Letters {
    pub(crate) fn new(length: u64, first_was_seen: Arc<Notify>) -> Self {
        let seen: BoxFuture<'static, ()> = Box::pin(async move { first_was_seen.notified().await });
        Self { at: 0, length, first_was_seen: Some(seen) }
    }
}

impl Body for Letters {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let bytes = if self.at == 0 {
            1
        } else {
            if let Some(seen) = &mut self.first_was_seen {
                ready!(seen.as_mut().poll(cx));
                self.first_was_seen = None;
            }
            (self.length - self.at).min(FRAME as u64) as usize
        };
        if bytes == 0 {
            return Poll::Ready(None);
        }
        let data = letters(self.at, bytes);
        self.at += bytes as u64;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

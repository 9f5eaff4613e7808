//! Captures as they are made, a line each.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

use crate::debug_dump::{Live, LiveEvent, render};

/// Lines of JSON; dropping it ends what is watched.
pub(super) struct Lines(pub(super) Live);

impl Body for Lines {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_next(cx).map(|event| event.map(|event| Ok(Frame::data(line(&event)))))
    }
}

fn line(event: &LiveEvent) -> Bytes {
    let mut line = match event {
        LiveEvent::Capture(capture) => render::json(capture),
        LiveEvent::Lost(number) => format!(r#"{{"lost":{number}}}"#).into_bytes(),
    };
    line.push(b'\n');
    line.into()
}

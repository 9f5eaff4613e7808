//! What was kept never goes on behind what was not seen: its secrets could not be told.

use std::collections::VecDeque;

use bytes::{Buf, BufMut, BytesMut};
use http_body::Frame;
use http_body_util::StreamBody;
use tower::service_fn;

use super::*;
use crate::testing::ScriptError;

type Own = http_body_util::combinators::UnsyncBoxBody<Bytes, ScriptError>;

/// A buffer of several pieces, that shows the first one alone, as `Buf` lets it.
struct Pieces(VecDeque<Bytes>);

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |piece| piece)
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(first) = self.0.front_mut() {
            let taken = count.min(first.len());
            first.advance(taken);
            count -= taken;
            if !first.is_empty() {
                return;
            }
            self.0.pop_front();
        }
    }
}

fn frame(pieces: &[&'static str]) -> Result<Frame<Pieces>, std::convert::Infallible> {
    Ok(Frame::data(Pieces(
        pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect(),
    )))
}

#[test]
fn pieces_of_a_frame_that_are_not_shown_end_what_is_kept() {
    let bench = Bench::armed(rule());
    let answer = service_fn(async |_: Request<()>| {
        let frames = [
            frame(&["{\"a\":\""]),
            frame(&["b", "\",\"password\":\""]),
            frame(&["hunter2", "\"}"]),
        ];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let response = Response::builder().header("content-type", "application/json");
        Ok::<_, std::convert::Infallible>(response.body(body).unwrap())
    });
    let response = bench.layer.layer(answer).call(get("/")).now_or_never().unwrap().unwrap();
    let mut body = response.into_body();
    let mut sent = BytesMut::new();
    while let Some(Some(Ok(frame))) = body.frame().now_or_never() {
        sent.put(frame.into_data().ok().unwrap());
    }
    assert_eq!(sent, r#"{"a":"b","password":"hunter2"}"#);
    let body = &bench.control.captures()[0].response.clone().unwrap().body;
    assert_eq!(body.kept, r#"{"a":"b"#, "and nothing behind the gap");
    assert_eq!((body.total, body.withheld), (30, Some(Withheld::Truncated)));
}

#[test]
fn a_body_that_broke_off_is_never_whole_however_often_it_is_asked() {
    let mut bench = Bench::armed(rule());
    bench.layer = bench.layer.clone().request_body(|body: Own, tap| Own::new(tap.wrap(body)));
    let reads = service_fn(async |request: Request<Own>| {
        let mut body = request.into_body();
        while body.frame().await.is_some() {}
        Ok::<_, std::convert::Infallible>(Response::new(ScriptBody::new()))
    });
    let body = Own::new(ScriptBody::new().data("two la").error("gone"));
    let request = Request::post("/").header("host", "h").body(body).unwrap();
    let response = bench.layer.layer(reads).call(request).now_or_never().unwrap().unwrap();
    drop(response);
    let [capture] = &bench.control.captures()[..] else { panic!("one capture") };
    assert_eq!(capture.request.body.fate, BodyFate::Aborted);
    assert_eq!(curl::command(capture), None);
}

//! Whatever is sent to arm dumps: a rule that is told as it is read, or a refusal that names a member.
#![no_main]

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower::Service;
use tower_observability::admin::{Admin, BearerToken};
use tower_observability::debug_dump::DumpControl;

const TOKEN: &str = "a-token-of-sixteen-or-more";

struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// The status and the document of the answer.
fn ask(admin: &mut Admin, method: Method, body: &[u8]) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri("/debug/dump")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .body(Whole(Some(Bytes::copy_from_slice(body))))
        .unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(response)) = pin!(admin.call(request)).poll(&mut cx) else {
        panic!("it waits for nobody")
    };
    let (status, mut body) = (response.status(), pin!(response.into_body()));
    let mut read = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut cx) {
        read.extend_from_slice(&frame.into_data().unwrap());
    }
    (status, serde_json::from_slice(&read).unwrap())
}

fuzz_target!(|sent: &[u8]| {
    let mut admin =
        Admin::builder(BearerToken::new(TOKEN).unwrap()).dumps(DumpControl::new()).build();
    let (status, answer) = ask(&mut admin, Method::POST, sent);
    match status {
        StatusCode::OK => {
            let rule = answer["armed"]["rule"].clone();
            let (again, told) = ask(&mut admin, Method::POST, rule.to_string().as_bytes());
            assert_eq!((again, &told["armed"]["rule"]), (StatusCode::OK, &rule));
        }
        StatusCode::BAD_REQUEST => {
            assert_eq!(answer["status"], 400);
            assert!(answer["detail"].is_string());
            // what is no object has no member to name
            let is_object = serde_json::from_slice::<Value>(sent).is_ok_and(|sent| sent.is_object());
            assert!(!is_object || answer["field"].is_string(), "{answer}");
        }
        StatusCode::PAYLOAD_TOO_LARGE => {}
        other => panic!("{other}: {answer}"),
    }
});

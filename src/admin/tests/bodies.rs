//! How a body comes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};

use super::{TOKEN, ask, bearer, logged, request};
use crate::admin::{Admin, MAX_BODY_BYTES};

/// A body in pieces, which waits before each; `None` is an error. It counts what is taken.
struct Pieces<'a> {
    pieces: Vec<Option<Bytes>>,
    waited: bool,
    taken: &'a mut usize,
}

impl Body for Pieces<'_> {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        self.waited = !self.waited;
        if self.waited {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.pieces.is_empty() {
            return Poll::Ready(None);
        }
        *self.taken += 1;
        Poll::Ready(Some(self.pieces.remove(0).map(Frame::data).ok_or("broken")))
    }
}

async fn send(admin: &Admin, pieces: Vec<Option<Bytes>>) -> (u16, usize) {
    let mut taken = 0;
    let body = Pieces { pieces, waited: false, taken: &mut taken };
    let request = Request::post("/debug/log")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "Application/JSON; charset=utf-8")
        .body(body)
        .unwrap();
    let status = ask(admin, request).await.status.as_u16();
    (status, taken)
}

/// A good document, filled up with space.
fn document(length: usize) -> String {
    let good = r#"{"filter":"warn","time_to_live_seconds":60}"#;
    format!("{good}{}", " ".repeat(length - good.len()))
}

#[tokio::test]
async fn a_body_may_come_in_pieces() {
    let logged = logged("info");
    let admin = Admin::builder(bearer()).log(logged.control.clone()).build();
    let document = document(100);
    let bytes = document.bytes().map(|byte| Some(Bytes::copy_from_slice(&[byte])));
    assert_eq!(send(&admin, bytes.collect()).await, (200, 100));
    assert_eq!(logged.control.status().filter, "warn");
    logged.control.fall_back().unwrap();
}

#[tokio::test]
async fn a_body_is_read_up_to_the_cap_and_no_further() {
    let logged = logged("info");
    let admin = Admin::builder(bearer()).log(logged.control.clone()).build();
    let most = document(MAX_BODY_BYTES);
    let told = ask(&admin, request("POST", "/debug/log", Some(TOKEN), &most)).await;
    assert_eq!(told.status, 200);
    logged.control.fall_back().unwrap();

    // told beforehand
    let over = document(MAX_BODY_BYTES + 1);
    let told = ask(&admin, request("POST", "/debug/log", Some(TOKEN), &over)).await;
    assert_eq!((told.status.as_u16(), told.header("allow")), (413, None));

    // found out: of 100 pieces the fifth is one too many
    let piece = Bytes::from(vec![b' '; MAX_BODY_BYTES / 4]);
    assert_eq!(send(&admin, vec![Some(piece); 100]).await, (413, 5));
    assert_eq!(logged.control.status().falls_back, None);
}

#[tokio::test]
async fn a_body_that_breaks_is_refused() {
    let logged = logged("info");
    let admin = Admin::builder(bearer()).log(logged.control.clone()).build();
    let whole = Some(Bytes::from(document(50)));
    assert_eq!(send(&admin, vec![whole, None]).await, (400, 2));
    assert_eq!(logged.control.status().falls_back, None);
}

#[tokio::test]
async fn what_is_not_said_to_be_json_is_refused() {
    let logged = logged("info");
    let admin = Admin::builder(bearer()).log(logged.control.clone()).build();
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
    ] {
        let mut request = request("POST", "/debug/log", Some(TOKEN), &document(50));
        request.headers_mut().remove("content-type");
        if let Some(kind) = kind {
            request.headers_mut().insert("content-type", kind.parse().unwrap());
        }
        assert_eq!(ask(&admin, request).await.status, 415, "{kind:?}");
    }
    assert_eq!(logged.control.status().falls_back, None);
}

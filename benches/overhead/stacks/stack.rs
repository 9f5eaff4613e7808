//! A stack, and what an exchange through it must leave before it is measured.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode, response};
use http_body::Body as _;
use tower::ServiceExt;

use super::lines::Lines;
use crate::exchange::Asked;
use crate::process::is_counted;
use crate::traced::Caller;

pub(crate) struct Stack {
    pub(crate) router: Router,
    /// The spans in the caller's trace, where that is sampled.
    pub(crate) spans: usize,
    pub(crate) lines: usize,
    /// Whether the answer has a request ID, which is then in each line.
    pub(crate) identified: bool,
    /// Asks the metrics how many exchanges there were.
    pub(crate) counted: Option<Box<dyn Fn() -> u64>>,
}

impl Stack {
    /// One that leaves nothing.
    pub(crate) fn silent(router: Router) -> Self {
        Self { router, spans: 0, lines: 0, identified: false, counted: None }
    }

    /// Runs one exchange, to prove that it leaves all that it should.
    pub(crate) fn proven(self, caller: Caller) -> Router {
        // each row is proven where its time is taken
        let scrapes = !is_counted();
        let counted = || self.counted.as_ref().filter(|_| scrapes).map(|counted| counted());
        assert!(counted().is_none_or(|count| count == 0), "before the first exchange");
        let head = answered(self.router.clone(), caller.asked());
        assert!(counted().is_none_or(|count| count == 1), "the metrics count one exchange");
        caller.left(self.spans);

        assert_eq!(head.status, StatusCode::OK);
        let id = head.headers.get("x-request-id").map(|id| id.to_str().expect("a text"));
        assert!(!self.identified || id.is_some_and(|id| id.len() >= 32), "an ID: {id:?}");
        let written = Lines::kept();
        assert_eq!(written.lines().count(), self.lines, "the lines of {written}");
        for line in written.lines() {
            assert!(line.starts_with('{') && line.ends_with('}'), "an object: {line}");
            assert!(!self.identified || id.is_some_and(|id| line.contains(id)), "an ID: {line}");
        }
        self.router
    }
}

fn answered(router: Router, asked: Asked) -> response::Parts {
    let mut request = Request::new(Body::empty());
    (*request.uri_mut(), *request.headers_mut()) = (asked.uri, asked.headers);
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(answer) = pin!(router.oneshot(request)).poll(&mut context) else {
        panic!("the service answers at once")
    };
    let (head, body) = answer.unwrap_or_else(|never: Infallible| match never {}).into_parts();
    let mut body = pin!(body);
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
        assert!(frame.is_ok());
    }
    head
}

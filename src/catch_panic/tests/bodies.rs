//! What the body says of itself, and its errors.

use std::error::Error;

use http_body::SizeHint;

use super::*;

#[test]
fn the_body_says_of_itself_what_the_inner_one_says() {
    let layer = CatchPanicLayer::server();
    let body = |body| {
        let response = layer.layer(Script::body(body)).call(get());
        response.now_or_never().unwrap().unwrap().into_body()
    };
    let empty = body(ScriptBody::new().claims_end());
    assert!(empty.is_end_stream());
    let sized = body(ScriptBody::new().data("abc").exact(3));
    assert_eq!((sized.is_end_stream(), sized.size_hint().exact()), (false, Some(3)));
    let unknown = body(ScriptBody::new().data("abc"));
    assert_eq!((unknown.is_end_stream(), unknown.size_hint().exact()), (false, None));

    let response = layer.layer(Script::panics("no")).call(get()).now_or_never().unwrap().unwrap();
    let mut answer = response.into_body();
    assert_eq!(answer.size_hint().exact(), Some(PROBLEM.len() as u64));
    assert!(!answer.is_end_stream());
    assert!(answer.frame().now_or_never().unwrap().unwrap().is_ok());
    assert_eq!((answer.is_end_stream(), answer.size_hint().exact()), (true, Some(0)));
}

/// A body that cannot say anything of itself.
struct Silent;

impl Body for Silent {
    type Data = Bytes;
    type Error = ScriptError;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, ScriptError>>> {
        std::task::Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        panic!("do not ask")
    }

    fn size_hint(&self) -> SizeHint {
        panic!("do not ask")
    }
}

#[test]
fn a_body_that_panics_when_it_is_asked_of_itself_is_one_that_says_nothing() {
    let mut body = CatchPanicBody::new(Silent, false);
    assert!(!body.is_end_stream());
    let hint = body.size_hint();
    assert_eq!((hint.lower(), hint.upper()), (0, None));
    assert!(body.frame().now_or_never().unwrap().is_none());
}

#[test]
fn the_inner_error_comes_out_of_a_box_as_it_went_in() {
    type Boxed = Box<dyn Error + Send + Sync>;
    let boxed = Boxed::from(Caught::Inner(ScriptError("gone")));
    assert_eq!(boxed.downcast_ref(), Some(&ScriptError("gone")));
    let twice = Boxed::from(Caught::Inner(boxed));
    assert_eq!(twice.downcast_ref(), Some(&ScriptError("gone")));
    let panicked = Boxed::from(Caught::<ScriptError>::Panicked(Panicked));
    assert_eq!(panicked.downcast_ref(), Some(&Panicked));
    assert_eq!(panicked.to_string(), "the response body panicked");
    assert_eq!(Caught::Inner(ScriptError("gone")).to_string(), "gone");
}

#[test]
fn an_error_is_known_through_what_caught_panics() {
    let io = std::io::Error::other("gone");
    let caught = Caught::Inner(io);
    let known = crate::error::as_error(&caught).unwrap();
    assert_eq!(known.to_string(), "gone");
    let boxed = Caught::Inner(Box::<dyn Error + Send + Sync>::from("gone"));
    assert_eq!(crate::error::as_error(&boxed).unwrap().to_string(), "gone");
    assert!(crate::error::as_error(&Caught::<std::io::Error>::Panicked(Panicked)).is_none());
}

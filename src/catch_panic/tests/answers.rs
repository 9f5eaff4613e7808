//! In what form a panic before the headers is answered.

use proptest::prelude::*;

use super::*;
use crate::exchange::{End, ObserveLayer};
use crate::exchange::{Facts, Observer};
use crate::id::{RequestId, TraceIdentity};

const TEXT: &str = "Internal Server Error\n";

fn answered(layer: &CatchPanicLayer, accept: Option<&str>) -> Got {
    let mut request = get();
    if let Some(accept) = accept {
        request.headers_mut().insert("accept", accept.parse().unwrap());
    }
    ask(&mut layer.layer(Script::panics("secret")), request)
}

#[test]
fn the_form_is_the_one_that_accept_prefers() {
    let layer = CatchPanicLayer::server();
    let text = || Got::answer(500, "text/plain; charset=utf-8", TEXT);
    for (accept, expected) in [
        (None, Got::problem(PROBLEM)),
        (Some("*/*"), Got::problem(PROBLEM)),
        (Some("application/json"), Got::problem(PROBLEM)),
        (Some("application/problem+json"), Got::problem(PROBLEM)),
        (Some("text/html, application/xhtml+xml, */*;q=0.8"), Got::problem(PROBLEM)),
        (Some("text/plain"), text()),
        (Some("application/json;q=0.1, text/*"), text()),
        (Some("application/json;q=0, text/plain;q=0.1"), text()),
        (Some("image/png"), Got::problem(PROBLEM)),
        (Some(";;,"), Got::problem(PROBLEM)),
    ] {
        assert_eq!(answered(&layer, accept), expected, "{accept:?}");
    }
}

/// Identifies every exchange.
#[derive(Clone)]
struct Identified(RequestId);

impl Observer for Identified {
    type Exchange = ();

    fn begin(&self, _: &mut http::request::Parts, facts: &Arc<Facts>) {
        facts.set_request_id(self.0);
        facts.set_trace(TraceIdentity::new(0xabc, 7, true).unwrap());
    }

    fn end(&self, (): (), _: &End<'_>) {}
}

fn identified(id: RequestId, accept: &'static str) -> Got {
    let layer = ObserveLayer::new(Server, Identified(id));
    let mut service = layer.layer(CatchPanicLayer::server().layer(Script::panics("secret")));
    let mut request = get();
    request.headers_mut().insert("accept", accept.parse().unwrap());
    read(service.call(request).now_or_never().unwrap().unwrap())
}

#[test]
fn the_answer_has_the_ids_of_the_request_and_the_trace_and_nothing_of_the_panic() {
    let id = RequestId::from_bytes(b"one-two").unwrap();
    let problem = r#"{"type":"about:blank","title":"Internal Server Error","status":500,"request_id":"one-two","trace_id":"00000000000000000000000000000abc"}"#;
    assert_eq!(identified(id, "*/*"), Got::problem(problem));
    let text =
        "Internal Server Error\nrequest ID: one-two\ntrace ID: 00000000000000000000000000000abc\n";
    assert_eq!(identified(id, "text/plain"), Got::answer(500, "text/plain; charset=utf-8", text));
}

proptest! {
    /// Whatever an ID may be made of, the problem is the JSON of it.
    #[test]
    fn the_problem_is_json(id in proptest::collection::vec(any::<u8>(), 1..100)) {
        let Ok(id) = RequestId::from_bytes(&id) else { return Ok(()) };
        let problem: serde_json::Value =
            serde_json::from_str(&identified(id, "*/*").body).unwrap();
        prop_assert_eq!(&problem["request_id"], id.as_str());
        prop_assert_eq!(&problem["status"], 500);
    }
}

#[test]
fn a_responder_answers_instead() {
    let layer = CatchPanicLayer::server().responder(|unanswered| {
        assert!(unanswered.facts().is_none());
        let accept = unanswered.accept().unwrap_or("nothing").to_owned();
        let mut response = Response::new(Bytes::from(accept));
        *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
        response
    });
    let expected = |body: &str| Got { content_type: None, ..Got::answer(418, "", body) };
    assert_eq!(answered(&layer, Some("tea/green")), expected("tea/green"));
    assert_eq!(answered(&layer, None), expected("nothing"));
}

#[test]
fn a_responder_that_panics_is_replaced() {
    let layer = CatchPanicLayer::server().responder(|_| panic!("as well"));
    assert_eq!(answered(&layer, None), Got::problem(PROBLEM));
    let response = layer.layer(Script::panics("first")).call(call());
    let response = response.now_or_never().unwrap().unwrap();
    assert_eq!(response.headers()["grpc-status"], "13");
}

#[test]
fn a_responder_can_leave_calls_as_they_are() {
    let layer = CatchPanicLayer::server().responder(|unanswered| match unanswered.is_grpc() {
        true => unanswered.answer(),
        false => Response::new(Bytes::from_static(b"sorry")),
    });
    assert_eq!(answered(&layer, None), Got::body("sorry"));
    let response = layer.layer(Script::panics("first")).call(call());
    assert_eq!(response.now_or_never().unwrap().unwrap().headers()["grpc-status"], "13");
}

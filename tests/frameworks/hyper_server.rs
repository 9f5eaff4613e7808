//! Each row of "How an exchange ends" on a server, over hyper's HTTP/1 and HTTP/2.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use tower_observability::classify::Side::Server;
use tower_observability::classify::{Blame, ErrorType, Outcome};
use tower_observability::testing::{Record, Script, ScriptBody};

use crate::support::{server_ok as ok, *};

fn mismatch(bytes: u64) -> Record {
    ok(bytes).ended(Outcome::Failed).blaming(Blame::Ours, ErrorType::CONTENT_LENGTH_MISMATCH)
}

/// Reads the answer; over HTTP/1 a connection that dies early may take the headers along.
async fn read(response: hyper::Result<Response<Incoming>>) -> hyper::Result<Collected<Bytes>> {
    response?.collect().await
}

#[tokio::test]
async fn body_yielded_its_end() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().data("he").data("llo"));
        let record = exchange(version, script, get(), async |response| {
            assert_eq!(text(response.unwrap()).await, "hello");
        });
        assert_eq!(record.await, ok(5));
    }
}

#[tokio::test]
async fn body_yielded_trailers() {
    for version in BOTH {
        let body = ScriptBody::new().data("hello").trailers(&[("x-sum", "1")]);
        let script = Script::body(body).with_header("trailer", "x-sum");
        let mut request = get();
        request.headers_mut().insert("te", "trailers".parse().unwrap());
        let record = exchange(version, script, request, async |response| {
            let body = response.unwrap().collect().await.unwrap();
            assert_eq!(body.trailers().unwrap()["x-sum"], "1");
        });
        assert_eq!(record.await, ok(5));
    }
}

#[tokio::test]
async fn trailers_that_http_1_drops_were_yielded_all_the_same() {
    let script = Script::body(ScriptBody::new().data("hello").trailers(&[("x-sum", "1")]));
    let record = exchange(Http::One, script, get(), async |response| {
        assert!(response.unwrap().collect().await.unwrap().trailers().is_none());
    });
    assert_eq!(record.await, ok(5));
}

#[tokio::test]
async fn head() {
    // HTTP/1 drops the body; HTTP/2 would send it, so there the service must leave it out
    for (version, body) in [
        (Http::One, ScriptBody::new().exact(5).data("hello")),
        (Http::Two, ScriptBody::new().claims_end()),
    ] {
        let script = Script::body(body).with_header("content-length", "5");
        let record = exchange(version, script, request(Method::HEAD), async |response| {
            let response = response.unwrap();
            assert_eq!(response.headers()["content-length"], "5");
            assert_eq!(text(response).await, "");
        });
        assert_eq!(record.await, Record { method: Method::HEAD, ..ok(0) });
    }
}

#[tokio::test]
async fn statuses_without_a_body() {
    for version in BOTH {
        for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
            let record = exchange(version, Script::status(status), get(), async |response| {
                assert_eq!(text(response.unwrap()).await, "");
            });
            assert_eq!(record.await, Record::completed(Server, status));
        }
    }
}

#[tokio::test]
async fn a_body_that_is_over_when_wrapped() {
    for version in BOTH {
        let record = exchange(version, Script::status(OK), get(), async |response| {
            assert_eq!(text(response.unwrap()).await, "");
        });
        assert_eq!(record.await, ok(0));
    }
}

#[tokio::test]
async fn http_1_drops_a_body_whose_content_length_is_met() {
    let script = Script::body(ScriptBody::new().data("hello").pending());
    let script = script.with_header("content-length", "5");
    let record = exchange(Http::One, script, get(), async |response| {
        assert_eq!(text(response.unwrap()).await, "hello");
    });
    assert_eq!(record.await, ok(5));
}

#[tokio::test]
async fn a_client_that_leaves_with_all_of_the_content_length() {
    for hint in [false, true] {
        let body = ScriptBody::new().data("hello").pending();
        let script = if hint {
            Script::body(body.exact(5))
        } else {
            Script::body(body).with_header("content-length", "5")
        };
        let record = exchange(Http::Two, script, get(), async |response| {
            let frame = response.unwrap().frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), "hello");
        });
        assert_eq!(record.await, ok(5));
    }
}

#[tokio::test]
async fn a_body_short_of_its_content_length() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().data("hell"));
        let script = script.with_header("content-length", "5");
        let record = exchange(version, script, get(), async |response| {
            assert!(read(response).await.is_err());
        });
        assert_eq!(record.await, mismatch(4));
    }
}

#[tokio::test]
async fn a_body_past_its_content_length() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().data("hello!"));
        let script = script.with_header("content-length", "5");
        let record = exchange(version, script, get(), async |response| {
            // HTTP/1 cuts it off, HTTP/2 lets the client see it
            assert_eq!(read(response).await.is_err(), version == Http::Two);
        });
        assert_eq!(record.await, mismatch(6));
    }
}

#[tokio::test]
async fn an_informational_status_is_no_answer() {
    for version in BOTH {
        let script = Script::status(StatusCode::EARLY_HINTS);
        let record = exchange(version, script, get(), async |response| {
            assert!(response.map_or(true, |response| response.status() == 500));
        });
        let expected = Record::completed(Server, StatusCode::EARLY_HINTS);
        assert_eq!(record.await, expected.ended(Outcome::Failed));
    }
}

#[tokio::test]
async fn an_early_answer_while_the_upload_still_runs() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().data("no, thanks"));
        let record = exchange(version, script, endless_upload(), async |response| {
            assert_eq!(text(response.unwrap()).await, "no, thanks");
        });
        assert_eq!(record.await, Record { method: Method::POST, ..ok(10) });
    }
}

#[tokio::test]
async fn the_service_answered_an_error() {
    for version in BOTH {
        let record = exchange(version, Script::fails("disk"), get(), async |response| {
            assert!(response.is_err());
        });
        let expected = ok(0).unanswered().ended(Outcome::Failed);
        assert_eq!(record.await, Record { error: Some("disk".into()), ..expected });
    }
}

#[tokio::test]
async fn the_body_yielded_an_error() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().data("he").error("disk"));
        let record = exchange(version, script, get(), async |response| {
            assert!(read(response).await.is_err());
        });
        let expected = ok(2).ended(Outcome::Failed);
        assert_eq!(record.await, Record { error: Some("disk".into()), ..expected });
    }
}

#[tokio::test]
async fn panics() {
    for version in BOTH {
        for script in [Script::panics_in_call("boom"), Script::panics("boom")] {
            let record = exchange(version, script, get(), async |response| {
                assert!(response.is_err());
            });
            assert_eq!(record.await, ok(0).unanswered().ended(Outcome::Panicked));
        }
        let script = Script::body(ScriptBody::new().data("he").panic("boom"));
        let record = exchange(version, script, get(), async |response| {
            assert!(read(response).await.is_err());
        });
        assert_eq!(record.await, ok(2).ended(Outcome::Panicked));
    }
}

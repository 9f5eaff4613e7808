//! Each row of "How an exchange ends" on a server, over hyper's HTTP/1 and HTTP/2.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, service_fn};
use tower_observability::classify::Side::Server;
use tower_observability::classify::{Blame, ErrorType, Outcome};
use tower_observability::testing::{Event, Record, Recorder, Script, ScriptBody};

use crate::support::*;

fn ok(bytes: u64) -> Record {
    Record { response_bytes: bytes, ..Record::completed(Server, OK) }
}

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

#[tokio::test]
async fn the_client_leaves_before_the_headers() {
    for version in BOTH {
        let recorder = Recorder::new();
        let address = serve(version, server(&recorder).layer(Script::pends())).await;
        let mut connection = Connection::open(version, address).await;
        let asking = tokio::spawn(async move { connection.send(get()).await });
        until(|| recorder.events() == [Event::Begin]).await;
        settle().await;
        assert_eq!(recorder.records(), []);
        // which closes an HTTP/1 connection, and resets an HTTP/2 stream
        asking.abort();
        assert_eq!(recorded(&recorder).await, ok(0).unanswered().ended(Outcome::Cancelled));
    }
}

#[tokio::test]
async fn the_client_leaves_in_the_middle_of_the_body() {
    for version in BOTH {
        let recorder = Recorder::new();
        let script = Script::body(ScriptBody::new().data("he").pending());
        let address = serve(version, server(&recorder).layer(script)).await;
        let mut connection = Connection::open(version, address).await;
        let mut body = connection.send(get()).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "he");
        settle().await;
        assert_eq!(recorder.records(), []);
        drop(body);
        assert_eq!(recorded(&recorder).await, ok(2).ended(Outcome::Aborted));
    }
}

#[tokio::test]
async fn a_reset_stream_leaves_the_others_of_its_connection_alone() {
    let recorder = Recorder::new();
    let script = Script::body(ScriptBody::new().data("he").pending());
    let address = serve(Http::Two, server(&recorder).layer(script)).await;
    let mut connection = Connection::open(Http::Two, address).await;
    let reset = connection.send(get()).await.unwrap();
    let kept = connection.send(get()).await.unwrap();
    drop(reset);
    assert_eq!(recorded(&recorder).await, ok(2).ended(Outcome::Aborted));
    drop(kept);
    until(|| recorder.records().len() == 2).await;
    assert_eq!(recorder.records()[1], ok(2).ended(Outcome::Aborted));
}

#[tokio::test]
async fn requests_of_one_connection_are_exchanges_of_their_own() {
    for version in BOTH {
        let recorder = Recorder::new();
        let script = Script::body(ScriptBody::new().data("hello"));
        let address = serve(version, server(&recorder).layer(script)).await;
        let mut connection = Connection::open(version, address).await;
        for number in 1..=3 {
            assert_eq!(text(connection.send(get()).await.unwrap()).await, "hello");
            until(|| recorder.records().len() == number).await;
        }
        assert_eq!(recorder.records(), [ok(5), ok(5), ok(5)]);
    }
}

/// Hands the connection over and echoes four bytes on it.
async fn upgrading(request: Request<Incoming>) -> Response<ScriptBody> {
    let connect = request.method() == Method::CONNECT;
    tokio::spawn(async move {
        let mut io = TokioIo::new(hyper::upgrade::on(request).await.unwrap());
        let mut bytes = [0; 4];
        io.read_exact(&mut bytes).await.unwrap();
        io.write_all(&bytes).await.unwrap();
        io.shutdown().await.unwrap();
    });
    let mut response = Response::new(ScriptBody::new().claims_end());
    if !connect {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("upgrade", "echo".parse().unwrap());
    }
    response
}

#[tokio::test]
async fn connections_that_are_handed_over() {
    let mut switch = get();
    switch.headers_mut().insert("connection", "upgrade".parse().unwrap());
    switch.headers_mut().insert("upgrade", "echo".parse().unwrap());
    let mut connect = request(Method::CONNECT);
    *connect.uri_mut() = "localhost:1".parse().unwrap();
    let switched = Record::completed(Server, StatusCode::SWITCHING_PROTOCOLS);
    let connected = Record { method: Method::CONNECT, ..ok(0) };
    for (version, request, expected) in [
        (Http::One, switch, switched),
        (Http::One, connect.clone(), connected.clone()),
        (Http::Two, connect, connected),
    ] {
        let recorder = Recorder::new();
        let upgrading = service_fn(async |request| Ok::<_, Infallible>(upgrading(request).await));
        let address = serve(version, server(&recorder).layer(upgrading)).await;
        let mut connection = Connection::open(version, address).await;
        let response = connection.send(request).await.unwrap();
        assert_eq!(recorded(&recorder).await, Record { upgraded: true, ..expected });
        let mut io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        io.write_all(b"ping").await.unwrap();
        let mut echoed = [0; 4];
        io.read_exact(&mut echoed).await.unwrap();
        assert_eq!(&echoed, b"ping");
        drop(io);
        settle().await;
        recorder.only();
    }
}

//! Each row of "How an exchange ends" on a client: hyper-util's legacy client over HTTP/1 and
//! HTTP/2.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower::{Layer, ServiceExt};
use tower_observability::classify::Side::Client as ClientSide;
use tower_observability::classify::{Blame, ErrorType, Outcome};
use tower_observability::exchange::{Observe, ObserveBody, ObserveLayer};
use tower_observability::testing::{Event, ManualClock, Record, Recorder, Script, ScriptBody};

use crate::support::{client_ok as ok, *};

type Answer = Result<Response<ObserveBody<Incoming, Recorder>>, Error>;

fn legacy(version: Http) -> Client<HttpConnector, ScriptBody> {
    Client::builder(TokioExecutor::new()).http2_only(version == Http::Two).build_http()
}

fn wrapped(
    version: Http,
    recorder: &Recorder,
) -> Observe<Client<HttpConnector, ScriptBody>, Recorder> {
    client(recorder).layer(legacy(version))
}

fn to<B>(address: SocketAddr, mut request: Request<B>) -> Request<B> {
    *request.uri_mut() = format!("http://{address}/").parse().unwrap();
    request
}

/// Asks a server at `address`, does `then` with what comes of it, and answers the one record.
async fn ask(
    version: Http,
    address: SocketAddr,
    request: Request<ScriptBody>,
    then: impl AsyncFnOnce(Answer),
) -> Record {
    let recorder = Recorder::new();
    let client = wrapped(version, &recorder);
    assert_eq!(recorder.records(), []);
    bounded(async { then(client.oneshot(to(address, request)).await).await }).await;
    recorded(&recorder).await
}

async fn ask_script(
    version: Http,
    script: Script,
    request: Request<ScriptBody>,
    then: impl AsyncFnOnce(Answer),
) -> Record {
    ask(version, serve(version, script).await, request, then).await
}

#[tokio::test]
async fn body_yielded_its_end_or_trailers() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().data("he").data("llo"));
        let record = ask_script(version, script, get(), async |response| {
            assert_eq!(text(response.unwrap()).await, "hello");
        });
        assert_eq!(record.await, ok(5));

        let body = ScriptBody::new().data("hello").trailers(&[("x-sum", "1")]);
        let script = Script::body(body).with_header("trailer", "x-sum");
        let mut request = get();
        request.headers_mut().insert("te", "trailers".parse().unwrap());
        let record = ask_script(version, script, request, async |response| {
            let body = response.unwrap().collect().await.unwrap();
            assert_eq!(body.trailers().unwrap()["x-sum"], "1");
        });
        assert_eq!(record.await, ok(5));
    }
}

#[tokio::test]
async fn answers_without_a_body() {
    for version in BOTH {
        let dropped = async |response: Answer| drop(response.unwrap());
        let script = Script::status(OK).with_header("content-length", "5");
        let record = ask_script(version, script, request(Method::HEAD), dropped).await;
        assert_eq!(record, Record { method: Method::HEAD, ..ok(0) });
        for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED, OK] {
            let record = ask_script(version, Script::status(status), get(), dropped).await;
            assert_eq!(record, Record::completed(ClientSide, status));
        }
    }
}

#[tokio::test]
async fn everything_but_success_is_an_error() {
    for version in BOTH {
        for status in [StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE] {
            let expected = Record::completed(ClientSide, status);
            let dropped = async |response: Answer| drop(response.unwrap());
            assert_eq!(
                ask_script(version, Script::status(status), get(), dropped).await,
                expected.blaming(Blame::Ours, ErrorType::Status(status))
            );
        }
    }
}

#[tokio::test]
async fn all_of_the_content_length_was_read() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().exact(5).data("hello").claims_end());
        let record = ask_script(version, script, get(), async |response| {
            let mut body = response.unwrap().into_body();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        });
        assert_eq!(record.await, ok(5));
    }
}

#[tokio::test]
async fn the_caller_had_enough_of_the_body() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().data("he").pending());
        let record = ask_script(version, script, get(), async |response| {
            let mut body = response.unwrap().into_body();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "he");
        });
        assert_eq!(record.await, Record { unread: true, ..ok(2) });
    }
}

#[tokio::test]
async fn the_caller_gives_up_before_the_headers_and_the_server_notices() {
    for version in BOTH {
        let (here, there) = (Recorder::new(), Recorder::new());
        let address = serve(version, server(&there).layer(Script::pends())).await;
        let asking = tokio::spawn(wrapped(version, &here).oneshot(to(address, get())));
        until(|| there.events() == [Event::Begin]).await;
        assert_eq!(here.records(), []);
        asking.abort();
        let expected = ok(0).unanswered().ended(Outcome::Cancelled);
        assert_eq!(recorded(&here).await, expected);
        let side = tower_observability::classify::Side::Server;
        assert_eq!(recorded(&there).await, Record { side, ..expected });
    }
}

#[tokio::test]
async fn the_connection_is_refused() {
    for version in BOTH {
        let (_, address) = listen().await;
        let record = ask(version, address, get(), async |response| {
            assert!(response.unwrap_err().is_connect());
        });
        assert_eq!(record.await, ok(0).unanswered().ended(Outcome::Failed));
    }
}

#[tokio::test]
async fn the_server_breaks_off_before_the_headers() {
    for version in BOTH {
        let record = ask_script(version, Script::fails("disk"), get(), async |response| {
            assert!(response.is_err());
        });
        assert_eq!(record.await, ok(0).unanswered().ended(Outcome::Failed));
    }
}

#[tokio::test]
async fn the_server_breaks_off_in_the_middle_of_the_body() {
    for version in BOTH {
        // an error, and an end that is short of the Content-Length: hyper calls both an error
        for (length, error) in [(None, Some("disk")), (Some("5"), None)] {
            let (address, go_on) = serve_in_two_parts(version, length, error).await;
            let record = ask(version, address, get(), async |response| {
                let mut body = response.unwrap().into_body();
                assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hell");
                go_on.notify_one();
                assert!(body.frame().await.unwrap().is_err());
            });
            assert_eq!(record.await, ok(4).ended(Outcome::Failed));
        }
    }
}

#[tokio::test]
async fn an_early_answer_while_the_upload_still_runs() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().data("no, thanks"));
        let record = ask_script(version, script, endless_upload(), async |response| {
            assert_eq!(text(response.unwrap()).await, "no, thanks");
        });
        assert_eq!(record.await, Record { method: Method::POST, ..ok(10) });
    }
}

/// Over HTTP/2 hyper leaves such a stream open: what then happens is up to the server.
#[tokio::test]
async fn an_upload_that_panics_ends_its_http_1_connection_not_the_caller() {
    let upload = request(Method::POST).map(|_| ScriptBody::new().data("x").panic("boom"));
    let record = ask_script(Http::One, Script::pends(), upload, async |response| {
        assert!(response.is_err());
    });
    let expected = Record { method: Method::POST, ..ok(0).unanswered() };
    assert_eq!(record.await, expected.ended(Outcome::Failed));
}

#[tokio::test]
async fn the_time_out_the_layer_was_told_had_run_out() {
    const LIMIT: Duration = Duration::from_millis(5);
    for version in BOTH {
        for told in [true, false] {
            let address = serve(version, Script::pends()).await;
            let (recorder, clock) = (Recorder::new(), ManualClock::new());
            let layer: ObserveLayer<_> = recorder.layer(ClientSide).clock(clock.clock());
            let layer = if told { layer.deadline(LIMIT) } else { layer };
            let asking = layer.layer(legacy(version)).oneshot(to(address, get()));
            let asking = tokio::spawn(asking);
            until(|| recorder.events() == [Event::Begin]).await;
            clock.advance(LIMIT);
            asking.abort();
            let outcome = if told { Outcome::DeadlineExceeded } else { Outcome::Cancelled };
            let expected = ok(0).unanswered().ended(outcome);
            assert_eq!(recorded(&recorder).await, Record { duration: LIMIT, ..expected });
        }
    }
}

#[tokio::test]
async fn connections_that_are_handed_over() {
    let mut switch = get();
    switch.headers_mut().insert("connection", "upgrade".parse().unwrap());
    switch.headers_mut().insert("upgrade", "echo".parse().unwrap());
    let (switched, connected) = (StatusCode::SWITCHING_PROTOCOLS, OK);
    for (request, status) in [(switch, switched), (request(Method::CONNECT), connected)] {
        let method = request.method().clone();
        let script = Script::status(status).with_header("upgrade", "echo");
        let record = ask_script(Http::One, script, request, async |response| {
            let response = response.unwrap().map(|_| ());
            let _io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        });
        let expected = Record { method, upgraded: true, ..Record::completed(ClientSide, status) };
        assert_eq!(record.await, expected);
    }
}

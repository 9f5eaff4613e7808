//! Each row of "How an exchange ends" that can happen on a reqwest client, over HTTP/1 and HTTP/2.

use std::net::SocketAddr;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use reqwest::{Body, Error};
use tower::{Layer, ServiceExt};
use tower_observability::classify::Side::{self, Client as ClientSide};
use tower_observability::classify::{Blame, ErrorType, Outcome};
use tower_observability::exchange::{Observe, ObserveBody, ObserveLayer};
use tower_observability::reqwest::ReqwestService;
use tower_observability::testing::{Event, Record, Recorder, Script, ScriptBody};

use crate::support::{client_ok as ok, *};

type Answer = Result<Response<ObserveBody<Body, Recorder>>, Error>;

fn wrapped(
    version: Http,
    layer: ObserveLayer<Recorder>,
    configure: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Observe<ReqwestService, Recorder> {
    let builder = configure(reqwest::Client::builder().no_proxy());
    let builder = if version == Http::Two { builder.http2_prior_knowledge() } else { builder };
    layer.layer(ReqwestService::new(builder.build().unwrap()))
}

fn to(address: SocketAddr, method: Method, body: Body) -> Request<Body> {
    Request::builder().method(method).uri(format!("http://{address}/")).body(body).unwrap()
}

/// Asks a server at `address`, does `then` with what comes of it, and answers the one record.
async fn ask<R>(
    version: Http,
    address: SocketAddr,
    method: Method,
    then: impl AsyncFnOnce(Answer) -> R,
) -> (R, Record) {
    let recorder = Recorder::new();
    let client = wrapped(version, client(&recorder), |builder| builder);
    assert_eq!(recorder.records(), []);
    let request = to(address, method, Body::default());
    let done = bounded(async { then(client.oneshot(request).await).await }).await;
    (done, recorded(&recorder).await)
}

async fn ask_script<R>(
    version: Http,
    script: Script,
    then: impl AsyncFnOnce(Answer) -> R,
) -> (R, Record) {
    ask(version, serve(version, script).await, Method::GET, then).await
}

#[tokio::test]
async fn bodies_that_end() {
    for version in BOTH {
        for body in [
            ScriptBody::new().data("he").data("llo"),
            ScriptBody::new().exact(5).data("hello").claims_end(),
            ScriptBody::new().data("hello").trailers(&[("x-sum", "1")]),
        ] {
            let read = async |answer: Answer| text(answer.unwrap()).await;
            let asked = ask_script(version, Script::body(body), read).await;
            assert_eq!(asked, ("hello".into(), ok(5)));
        }
    }
}

#[tokio::test]
async fn answers_without_a_body() {
    let dropped = async |answer: Answer| drop(answer.unwrap());
    for version in BOTH {
        let script = Script::status(OK).with_header("content-length", "5");
        let address = serve(version, script).await;
        let asked = ask(version, address, Method::HEAD, dropped).await;
        assert_eq!(asked.1, Record { method: Method::HEAD, ..ok(0) });
        for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED, OK] {
            let asked = ask_script(version, Script::status(status), dropped).await;
            assert_eq!(asked.1, Record::completed(ClientSide, status));
        }
        for status in [StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE] {
            let asked = ask_script(version, Script::status(status), dropped).await;
            let expected = Record::completed(ClientSide, status);
            assert_eq!(asked.1, expected.blaming(Blame::Ours, ErrorType::Status(status)));
        }
    }
}

#[tokio::test]
async fn the_caller_had_enough_of_the_body() {
    for version in BOTH {
        let script = Script::body(ScriptBody::new().data("he").pending());
        let reads_one = async |answer: Answer| {
            let mut body = answer.unwrap().into_body();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "he");
        };
        let asked = ask_script(version, script, reads_one).await;
        assert_eq!(asked.1, Record { unread: true, ..ok(2) });
    }
}

#[tokio::test]
async fn the_caller_gives_up_before_the_headers_and_the_server_notices() {
    for version in BOTH {
        let (here, there) = (Recorder::new(), Recorder::new());
        let address = serve(version, server(&there).layer(Script::pends())).await;
        let client = wrapped(version, client(&here), |builder| builder);
        let asking = client.oneshot(to(address, Method::GET, Body::default()));
        let asking = tokio::spawn(asking);
        until(|| there.events() == [Event::Begin]).await;
        assert_eq!(here.records(), []);
        asking.abort();
        let expected = ok(0).unanswered().ended(Outcome::Cancelled);
        assert_eq!(recorded(&here).await, expected);
        assert_eq!(recorded(&there).await, Record { side: Side::Server, ..expected });
    }
}

#[tokio::test]
async fn errors_before_the_headers() {
    for version in BOTH {
        let (_, refused) = listen().await;
        let broken = serve(version, Script::fails("disk")).await;
        for address in [refused, broken] {
            let told = async |answer: Answer| answer.unwrap_err().to_string();
            let (error, record) = ask(version, address, Method::GET, told).await;
            let expected = ok(0).unanswered().ended(Outcome::Failed);
            assert_eq!(record, Record { error: Some(error), ..expected });
        }
    }
}

#[tokio::test]
async fn the_server_breaks_off_in_the_middle_of_the_body() {
    for version in BOTH {
        let (address, go_on) = serve_in_two_parts(version, None, Some("disk")).await;
        let breaks = async |answer: Answer| {
            let mut body = answer.unwrap().into_body();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hell");
            go_on.notify_one();
            body.frame().await.unwrap().unwrap_err().to_string()
        };
        let (error, record) = ask(version, address, Method::GET, breaks).await;
        assert_eq!(record, Record { error: Some(error), ..ok(4).ended(Outcome::Failed) });
    }
}

#[tokio::test]
async fn an_early_answer_while_the_upload_still_runs() {
    for version in BOTH {
        let recorder = Recorder::new();
        let address = serve(version, Script::body(ScriptBody::new().data("no, thanks"))).await;
        let client = wrapped(version, client(&recorder), |builder| builder);
        let upload = Body::wrap(endless_upload().into_body());
        let answer = bounded(client.oneshot(to(address, Method::POST, upload))).await;
        assert_eq!(text(answer.unwrap()).await, "no, thanks");
        assert_eq!(recorded(&recorder).await, Record { method: Method::POST, ..ok(10) });
    }
}

#[tokio::test]
async fn reqwests_own_time_out_is_an_error_unless_the_layer_was_told_of_it() {
    for version in BOTH {
        for (told, outcome) in [(true, Outcome::DeadlineExceeded), (false, Outcome::Failed)] {
            let recorder = Recorder::new();
            let layer = passing(&recorder, ClientSide);
            let layer = if told { layer.deadline(LIMIT) } else { layer };
            let client = wrapped(version, layer, |builder| builder.timeout(LIMIT));
            let address = serve(version, Script::pends()).await;
            let answer = client.oneshot(to(address, Method::GET, Body::default()));
            let error = bounded(answer).await.unwrap_err();
            assert!(error.is_timeout());
            let expected = ok(0).unanswered().ended(outcome);
            let error = Some(error.to_string());
            assert_eq!(recorded(&recorder).await, Record { error, duration: LIMIT, ..expected });
        }
    }
}

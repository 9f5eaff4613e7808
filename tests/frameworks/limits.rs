//! What no layer can see.

use std::net::SocketAddr;
use std::sync::Arc;

use example_proto::echo::echo_client::EchoClient;
use futures_util::FutureExt;
use http::{Method, Response, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server as TonicServer;
use tower::{Layer, service_fn};
use tower_http::timeout::TimeoutLayer;
use tower_observability::classify::Outcome;
use tower_observability::classify::Side::Server;
use tower_observability::grpc::Code;
use tower_observability::testing::{Event, Record, Recorder, Script, ScriptBody};

use crate::echo::*;
use crate::support::{server_ok as ok, *};

/// A server whose handler answers `body` when told to, without a look at the upload.
async fn serve_when_told(
    version: Http,
    recorder: &Recorder,
    body: ScriptBody,
) -> (SocketAddr, Arc<Notify>) {
    let told = Arc::new(Notify::new());
    let waits = told.clone();
    let handler = service_fn(move |_| {
        let (waits, body) = (waits.clone(), body.clone());
        async move {
            waits.notified().await;
            Ok::<_, std::convert::Infallible>(Response::new(body))
        }
    });
    (serve(version, server(recorder).layer(handler)).await, told)
}

async fn leaves_with_its_upload_unread(version: Http, body: ScriptBody) -> (Recorder, Arc<Notify>) {
    let recorder = Recorder::new();
    let (address, told) = serve_when_told(version, &recorder, body).await;
    let mut connection = Connection::open(version, address).await;
    let asking = tokio::spawn(async move { connection.send(endless_upload()).await });
    until(|| recorder.events() == [Event::Begin]).await;
    settle().await;
    asking.abort();
    settle().await;
    (recorder, told)
}

#[tokio::test]
async fn over_http_1_a_client_that_leaves_with_its_upload_unread_is_noticed_when_the_handler_ends()
{
    let whole = ScriptBody::new().data("hello").claims_end();
    let (recorder, told) = leaves_with_its_upload_unread(Http::One, whole).await;
    assert_eq!(recorder.records(), [], "the client has long gone");
    told.notify_one();
    assert_eq!(recorded(&recorder).await, Record { method: Method::POST, ..ok(5) });
}

#[tokio::test]
async fn over_http_2_it_is_noticed_at_once() {
    let (recorder, _told) = leaves_with_its_upload_unread(Http::Two, ScriptBody::new()).await;
    let expected = Record { method: Method::POST, ..ok(0) };
    assert_eq!(recorded(&recorder).await, expected.unanswered().ended(Outcome::Cancelled));
}

#[tokio::test]
async fn a_small_body_that_the_peer_never_reads_is_completed() {
    let recorder = Recorder::new();
    let script = Script::body(ScriptBody::new().data("hello"));
    let address = serve(Http::One, server(&recorder).layer(script.clone())).await;
    let mut never_reads = TcpStream::connect(address).await.unwrap();
    never_reads.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(recorded(&recorder).await, ok(5));
    drop(never_reads);
    settle().await;
    assert_eq!(recorder.only(), ok(5));

    let recorder = Recorder::new();
    let address = serve(Http::Two, server(&recorder).layer(script)).await;
    let mut connection = Connection::open(Http::Two, address).await;
    let response = bounded(connection.send(get())).await.unwrap();
    assert_eq!(recorded(&recorder).await, ok(5));
    drop(response);
    settle().await;
    assert_eq!(recorder.only(), ok(5));
}

/// Over HTTP/2 it is asked for, and a mismatch.
#[tokio::test]
async fn over_http_1_what_would_follow_the_content_length_is_never_asked_for() {
    let script = Script::body(ScriptBody::new().data("hello").data("!"));
    let script = script.with_header("content-length", "5");
    let record = exchange(Http::One, script, get(), async |response| {
        assert_eq!(text(response.unwrap()).await, "hello");
    });
    assert_eq!(record.await, ok(5));
}

#[tokio::test]
async fn a_time_out_outside_decides_the_wire_and_looks_like_a_cancel_unless_told_of() {
    let late = ok(0).unanswered();
    for (told, outcome) in [(false, Outcome::Cancelled), (true, Outcome::DeadlineExceeded)] {
        let recorder = Recorder::new();
        let ours = passing(&recorder, Server);
        let ours = if told { ours.deadline(LIMIT) } else { ours };
        let status = StatusCode::GATEWAY_TIMEOUT;
        let outside = TimeoutLayer::with_status_code(status, LIMIT);
        let address = serve(Http::One, outside.layer(ours.layer(Script::pends()))).await;
        let mut connection = Connection::open(Http::One, address).await;
        assert_eq!(bounded(connection.send(get())).await.unwrap().status(), status);
        let expected = Record { duration: LIMIT, ..late.clone().ended(outcome) };
        assert_eq!(recorded(&recorder).await, expected);
    }
}

#[tokio::test]
async fn tonics_own_time_out_without_a_header_looks_like_a_cancel_unless_told_of() {
    for (told, outcome, code) in [
        (false, Outcome::Cancelled, Code::Cancelled),
        (true, Outcome::DeadlineExceeded, Code::DeadlineExceeded),
    ] {
        let recorder = Recorder::new();
        let ours = passing(&recorder, Server);
        let ours = if told { ours.deadline(LIMIT) } else { ours };
        let address = serve_echo(TonicServer::builder().timeout(LIMIT), ours).await;
        let mut client = EchoClient::new(endpoint(address).connect_lazy());
        let status = bounded(client.unary(message("pend"))).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Cancelled, "tonic's own word");
        let late = Record::called(Server, "tests.echo.v1.Echo/Unary", code).unanswered();
        let expected = Record { duration: LIMIT, ..late.ended(outcome) };
        assert_eq!(recorded(&recorder).await, expected);
    }
}

#[tokio::test]
async fn a_chat_whose_answers_alone_are_dropped_is_noticed_when_the_upload_ends_too() {
    let mut pair = Pair::new().await;
    let (more, requests) = tokio::sync::mpsc::channel(2);
    more.send(message("a")).await.unwrap();
    let answers = pair.client.chat(ReceiverStream::new(requests)).await.unwrap();
    let mut answers = answers.into_inner();
    assert_eq!(answers.message().await.unwrap(), Some(message("a")));
    drop(answers);
    assert!(recorded(&pair.here).await.unread);
    settle().await;
    assert_eq!(pair.there.records(), [], "the stream lives while one half does");
    assert!(more.closed().now_or_never().is_none());
    drop(more);
    let expected = Record::called(Server, "tests.echo.v1.Echo/Chat", Code::Cancelled);
    let expected = Record { response_bytes: wire_bytes("a"), ..expected };
    assert_eq!(recorded(&pair.there).await, expected.ended(Outcome::Aborted));
}

//! Deadlines, and answers that tonic would not give, on a tonic server and a tonic channel.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use example_proto::echo::echo_client::EchoClient;
use example_proto::echo::echo_server::EchoServer;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server as TonicServer;
use tonic::{Code as TonicCode, Status};
use tower::{BoxError, Layer, ServiceBuilder, service_fn};
use tower_observability::classify::Side::{self, Client as ClientSide, Server};
use tower_observability::classify::{Blame, ErrorType, Outcome};
use tower_observability::grpc::Code;
use tower_observability::route::Route;
use tower_observability::testing::{ManualClock, Record, Recorder, Script, ScriptBody};

use crate::echo::*;
use crate::support::*;

const UNARY: &str = "tests.echo.v1.Echo/Unary";
fn called(side: Side, code: Code) -> Record {
    Record::called(side, UNARY, code)
}

/// The bare request of a call, as any gRPC client would send it.
fn call(method: &str, text: &str, timeout: Option<&str>) -> http::Request<ScriptBody> {
    let length = text.len() as u8;
    let frame = [&[0, 0, 0, 0, length + 2, 10, length], text.as_bytes()].concat();
    let mut request =
        request(http::Method::POST).map(|_| ScriptBody::new().data(frame).claims_end());
    *request.uri_mut() = format!("http://localhost/{method}").parse().unwrap();
    request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    request.headers_mut().insert("te", "trailers".parse().unwrap());
    if let Some(timeout) = timeout {
        request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn a_servers_deadline_before_the_headers() {
    let recorder = Recorder::new();
    let address = serve_echo(TonicServer::builder(), passing(&recorder, Server)).await;
    let mut connection = Connection::open(Http::Two, address).await;
    let response = bounded(connection.send(call(UNARY, "pend", Some("20m")))).await.unwrap();
    let expected = called(Server, Code::DeadlineExceeded).unanswered();
    let expected = expected.ended(Outcome::DeadlineExceeded);
    assert_eq!(recorded(&recorder).await, Record { duration: LIMIT, ..expected });
    // the time-out stands outside of us, and words it differently: CANCELLED
    assert_eq!(response.headers()["grpc-status"], "1");
}

#[tokio::test]
async fn a_servers_deadline_in_the_middle_of_the_answer() {
    let limit = Duration::from_secs(3600);
    for (passed, outcome, code) in [
        (limit, Outcome::DeadlineExceeded, Code::DeadlineExceeded),
        (limit / 2, Outcome::Aborted, Code::Cancelled),
    ] {
        let (recorder, clock) = (Recorder::new(), ManualClock::new());
        let layer = recorder.layer(Server).clock(clock.clock());
        let address = serve_echo(TonicServer::builder(), layer).await;
        let mut connection = Connection::open(Http::Two, address).await;
        let asking = call("tests.echo.v1.Echo/Expand", "a pend", Some("1H"));
        let mut body = connection.send(asking).await.unwrap().into_body();
        assert!(body.frame().await.unwrap().is_ok());
        settle().await;
        assert_eq!(recorder.records(), []);
        clock.advance(passed);
        drop(body);
        let expected = Record::called(Server, "tests.echo.v1.Echo/Expand", code).ended(outcome);
        let (duration, response_bytes) = (passed, wire_bytes("a"));
        let expected = Record { duration, response_bytes, ..expected };
        assert_eq!(recorded(&recorder).await, expected);
    }
}

async fn expired(address: SocketAddr, timeout_header: bool, told: bool) -> (Record, Status) {
    let recorder = Recorder::new();
    let layer = passing(&recorder, ClientSide);
    let layer = if told { layer.deadline(LIMIT) } else { layer };
    let endpoint = endpoint(address);
    let endpoint = if timeout_header { endpoint } else { endpoint.timeout(LIMIT) };
    let mut client = EchoClient::new(layer.layer(endpoint.connect_lazy()));
    let mut request = tonic::Request::new(message("pend"));
    if timeout_header {
        request.set_timeout(LIMIT);
    }
    let answer = bounded(client.unary(request)).await;
    (recorded(&recorder).await, answer.unwrap_err())
}

#[tokio::test]
async fn a_clients_deadline() {
    let address = serve(Http::Two, Script::pends()).await;
    let late = called(ClientSide, Code::DeadlineExceeded).unanswered();
    let late = Record {
        duration: LIMIT,
        error: Some("transport error".into()),
        ..late.ended(Outcome::DeadlineExceeded)
    };
    // by the header that the call carries, or by what the layer was told of the channel's time-out
    for (timeout_header, told) in [(true, false), (false, true)] {
        let (record, status) = expired(address, timeout_header, told).await;
        assert_eq!(record, late);
        assert_eq!(status.code(), TonicCode::Cancelled, "tonic words it differently");
    }
    // a time-out of which nobody told is an error like any other
    let (record, _) = expired(address, false, false).await;
    let failed = Record { grpc_status: Some(Code::Unavailable), ..late };
    assert_eq!(record, failed.ended(Outcome::Failed));
}

/// Calls a server that answers with `script`, both ends recorded.
async fn answered(script: Script) -> (Record, Record, Result<(), TonicCode>) {
    let (here, there) = (Recorder::new(), Recorder::new());
    let address = serve(Http::Two, server(&there).layer(script)).await;
    let channel = client(&here).layer(endpoint(address).connect_lazy());
    let answer = bounded(EchoClient::new(channel).unary(message("hello"))).await;
    let answer = answer.map(drop).map_err(|status| status.code());
    (recorded(&there).await, recorded(&here).await, answer)
}

#[tokio::test]
async fn a_missing_status_is_unknown() {
    let frame = Bytes::from_static(b"\0\0\0\0\x07\x0a\x05hello");
    let bodies =
        [(ScriptBody::new().claims_end(), 0), (ScriptBody::new().data(frame), wire_bytes("hello"))];
    for (body, response_bytes) in bodies {
        let script = Script::body(body).with_header("content-type", "application/grpc");
        let (there, here, _) = answered(script).await;
        let unknown = |side| Record { response_bytes, ..called(side, Code::Unknown) };
        let unproven = Record { route: Some(Route::OTHER), ..unknown(Server) };
        assert_eq!((there, here), (unproven, unknown(ClientSide)));
    }
}

#[tokio::test]
async fn an_answer_in_plain_http_is_mapped_by_the_client_and_http_to_the_server() {
    for (status, code) in [
        (StatusCode::NOT_FOUND, Code::Unimplemented),
        (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
        (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
        (StatusCode::INTERNAL_SERVER_ERROR, Code::Unknown),
    ] {
        let (there, here, answer) = answered(Script::status(status)).await;
        let mapped = Record { status: Some(status), ..called(ClientSide, code) };
        let plain = Record { method: Method::POST, ..Record::completed(Server, status) };
        let plain = match status.is_server_error() {
            true => plain.blaming(Blame::Ours, ErrorType::Status(status)),
            false => plain,
        };
        assert_eq!((there, here), (plain, mapped));
        assert_eq!(answer.unwrap_err() as u8, code.number(), "as tonic maps it");
    }
}

#[tokio::test]
async fn a_trailers_only_answer() {
    let script = Script::status(StatusCode::OK)
        .with_header("content-type", "application/grpc")
        .with_header("grpc-status", "8");
    let (there, here, answer) = answered(script).await;
    let exhausted = |side| called(side, Code::ResourceExhausted);
    assert_eq!((there, here), (exhausted(Server), exhausted(ClientSide)));
    assert_eq!(answer, Err(TonicCode::ResourceExhausted));
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let (_, address) = listen().await;
    let recorder = Recorder::new();
    let channel = client(&recorder).layer(endpoint(address).connect_lazy());
    let answer = bounded(EchoClient::new(channel).unary(message("hello"))).await;
    assert_eq!(answer.unwrap_err().code(), TonicCode::Unavailable);
    let expected = called(ClientSide, Code::Unavailable).unanswered().ended(Outcome::Failed);
    let error = Some("transport error".into());
    assert_eq!(recorded(&recorder).await, Record { error, ..expected });
}

#[derive(Debug)]
struct Chained(Status);

impl std::fmt::Display for Chained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no more today")
    }
}

impl std::error::Error for Chained {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test]
async fn an_errors_status_is_found_in_its_source_chain() {
    let recorder = Recorder::new();
    let refuses = service_fn(|_| async {
        let status = Chained(Status::resource_exhausted("quota"));
        Err::<http::Response<tonic::body::Body>, BoxError>(status.into())
    });
    let answer = EchoClient::new(client(&recorder).layer(refuses)).unary(message("hello")).await;
    assert_eq!(answer.unwrap_err().code(), TonicCode::ResourceExhausted);
    let expected = called(ClientSide, Code::ResourceExhausted).unanswered();
    let error = Some("no more today".into());
    assert_eq!(recorded(&recorder).await, Record { error, ..expected.ended(Outcome::Failed) });
}

#[tokio::test]
async fn an_error_inside_tonics_server_becomes_an_answer_outside_of_us() {
    let (recorder, (listener, address)) = (Recorder::new(), listen().await);
    type Call = http::Request<tonic::body::Body>;
    let refuse =
        |_: Call| -> Result<Call, BoxError> { Err(Status::permission_denied("not you").into()) };
    let layers = ServiceBuilder::new().layer(server(&recorder)).filter(refuse).into_inner();
    let server = TonicServer::builder().layer(layers).add_service(EchoServer::new(Obedient));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let mut client = EchoClient::new(endpoint(address).connect_lazy());
    let answer = bounded(client.unary(message("hello"))).await;
    assert_eq!(answer.unwrap_err().code(), TonicCode::PermissionDenied);
    let expected = called(Server, Code::PermissionDenied).unanswered().ended(Outcome::Failed);
    let record = recorded(&recorder).await;
    let error = record.error.clone();
    assert!(error.as_ref().is_some_and(|error| error.contains("not you")));
    assert_eq!(record, Record { error, ..expected });
}

//! Large bodies through a small cap: the same bytes, each as soon as it is there, in flat memory, and a
//! capture that tells their start and their length. 64 MiB each way, or with `LONG=1` 1 GiB.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::post;
use bytes::Bytes;
use example_proto::echo::Message;
use example_proto::echo::echo_client::EchoClient;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message as _;
use tokio::sync::Notify;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tower::{Layer, ServiceExt};
use tower_observability::classify::{Outcome, Side};
use tower_observability::debug_dump::{
    BodyFate, Capture, CapturedBody, DebugDumpLayer, DumpControl, Opaque, Withheld,
};

use crate::armed::*;
use crate::echo::{endpoint, message, serve_echo};
use crate::pattern::{Check, Letters, letters};
use crate::support::*;

/// What may be held at any time over what was before: what the transports and their windows hold, and
/// nothing that grows with a body.
const MOST: i64 = 12 << 20;

/// Long enough for the larger size on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(1200);

type ClientBody = UnsyncBoxBody<Bytes, io::Error>;

fn size() -> u64 {
    if std::env::var_os("LONG").is_some() { 1 << 30 } else { 64 << 20 }
}

fn server_layer(control: &DumpControl) -> DebugDumpLayer {
    DebugDumpLayer::server(control).opaque_bodies(Opaque::Kept)
}

fn client_layer(control: &DumpControl) -> DebugDumpLayer {
    let layer = DebugDumpLayer::client(control).opaque_bodies(Opaque::Kept);
    layer.request_body(|body: ClientBody, tap| UnsyncBoxBody::new(tap.wrap(body)))
}

/// What both sides must have captured of a body that passed whole.
fn start_of(body: &CapturedBody, start: &[u8], total: u64) {
    assert!(body.kept == start, "{:?}", body.kept);
    let told = (body.kept.len(), body.total, body.fate, body.withheld);
    assert_eq!(told, (CAP, total, BodyFate::Whole, Some(Withheld::Truncated)));
}

fn both_captured(captures: &[Arc<Capture>], start: &[u8], total: u64) {
    for capture in captures {
        assert_eq!(capture.outcome, Outcome::Completed);
        start_of(&capture.request.body, start, total);
        start_of(&capture.response.as_ref().unwrap().body, start, total);
    }
    let mut sides: Vec<_> = captures.iter().map(|capture| capture.side).collect();
    sides.sort_by_key(|side| *side == Side::Client);
    assert_eq!(sides, [Side::Server, Side::Client]);
}

async fn http(version: Http) {
    let _turn = turn().await;
    let control = armed();
    let (asked, answered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    drop(letters(0, 1));
    let peak = Peak::new();

    let handler = {
        let (asked, answered, peak) = (asked.clone(), answered.clone(), peak.clone());
        async move |request: Request| {
            // answers when all was read, so that the first byte of each way is waited for by itself
            assert_eq!(Check::read(request.into_body(), &asked, &peak).await, size());
            Body::new(Letters::new(size(), answered))
        }
    };
    let router = Router::new().route("/", post(handler)).layer(server_layer(&control));
    let address = serve_axum(router).await;

    let mut builder = Client::builder(TokioExecutor::new());
    let client: Client<_, ClientBody> = builder.http2_only(version == Http::Two).build_http();
    let client = client_layer(&control).layer(client);
    let body = UnsyncBoxBody::new(Letters::new(size(), asked));
    let request = Request::post(format!("http://{address}/")).body(body).unwrap();
    let passing = async {
        let response = client.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Check::read(response.into_body(), &answered, &peak).await
    };
    assert_eq!(tokio::time::timeout(PATIENCE, passing).await.unwrap(), size());

    both_captured(&captured(&control, 2).await, &letters(0, CAP), size());
    println!("{version:?}: {} MiB each way, {} bytes held at most", size() >> 20, peak.bytes());
    assert!(peak.bytes() < MOST, "{} bytes were held", peak.bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_over_http_1() {
    http(Http::One).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_over_http_2() {
    http(Http::Two).await;
}

/// The letters of one message.
const MESSAGE: usize = 16 << 10;

fn nth(at: u64) -> Message {
    let letters = letters(at * MESSAGE as u64, MESSAGE);
    message(std::str::from_utf8(&letters).unwrap())
}

/// The bytes of a message as gRPC frames it.
fn frame(message: &Message) -> Vec<u8> {
    let length = u32::try_from(message.encoded_len()).unwrap();
    [&[0][..], &length.to_be_bytes(), &message.encode_to_vec()].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_stream_both_ways_over_grpc() {
    let _turn = turn().await;
    let control = armed();
    drop(letters(0, 1));
    let peak = Peak::new();
    let address = serve_echo(Server::builder(), server_layer(&control)).await;
    let channel = endpoint(address).connect_lazy();
    let mut client = EchoClient::new(client_layer(&control).layer(channel));
    let messages = size() / MESSAGE as u64;

    let passing = async {
        let (send, requests) = tokio::sync::mpsc::channel(4);
        // each way, the first is there while nobody has made the second
        send.send(nth(0)).await.unwrap();
        let answers = client.chat(ReceiverStream::new(requests)).await.unwrap();
        let mut answers = answers.into_inner();
        assert!(answers.message().await.unwrap() == Some(nth(0)));
        let sending = tokio::spawn(async move {
            for at in 1..messages {
                send.send(nth(at)).await.unwrap();
            }
        });
        let mut seen = 1;
        while let Some(answer) = answers.message().await.unwrap() {
            assert!(answer == nth(seen), "message {seen} is another one");
            seen += 1;
            peak.look();
        }
        sending.await.unwrap();
        seen
    };
    assert_eq!(tokio::time::timeout(PATIENCE, passing).await.unwrap(), messages);

    let framed = frame(&nth(0));
    let total = messages * framed.len() as u64;
    both_captured(&captured(&control, 2).await, &framed[..CAP], total);
    println!("gRPC: {} MiB each way, {} bytes held at most", size() >> 20, peak.bytes());
    assert!(peak.bytes() < MOST, "{} bytes were held", peak.bytes());
}

/// A server of hyper alone has a body that nothing can be put into: it passes as it is, and is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_that_cannot_be_looked_into_passes_untouched() {
    let _turn = turn().await;
    for version in BOTH {
        let control = armed();
        let (asked, answered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let peak = Peak::new();
        let service = {
            let (asked, answered, peak) = (asked.clone(), answered.clone(), peak.clone());
            tower::service_fn(move |request: http::Request<Incoming>| {
                let (asked, answered, peak) = (asked.clone(), answered.clone(), peak.clone());
                async move {
                    let read = Check::read(request.into_body(), &asked, &peak).await;
                    assert_eq!(read, 1 << 20);
                    Ok::<_, Infallible>(Response::new(Letters::new(1 << 20, answered)))
                }
            })
        };
        let address = serve(version, server_layer(&control).layer(service)).await;
        let client: Client<_, ClientBody> =
            Client::builder(TokioExecutor::new()).http2_only(version == Http::Two).build_http();
        let body = Letters::new(1 << 20, asked).boxed_unsync();
        let request = Request::post(format!("http://{address}/")).body(body).unwrap();
        let response = bounded(client.request(request)).await.unwrap();
        assert_eq!(Check::read(response.into_body(), &answered, &peak).await, 1 << 20);

        let captures = captured(&control, 1).await;
        let mut unknown = CapturedBody::default();
        unknown.fate = BodyFate::Unknown;
        assert_eq!(captures[0].request.body, unknown);
        start_of(&captures[0].response.as_ref().unwrap().body, &letters(0, CAP), 1 << 20);
    }
}

//! Messages with ten thousand headers, each way.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::debug_dump::{DebugDumpLayer, curl, har, render};

use crate::armed::*;
use crate::support::*;

const MANY: usize = 10_000;

/// What hyper is told to take.
const HEADERS: usize = 12_000;
const BYTES: usize = 8 << 20;

type Server = BoxCloneSyncService<
    Request<Incoming>,
    Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>,
    Infallible,
>;

fn many() -> HeaderMap {
    let name = |at| HeaderName::try_from(format!("x-{at}")).unwrap();
    let value = |at| HeaderValue::try_from(format!("value {at}")).unwrap();
    (0..MANY).map(|at| (name(at), value(at))).collect()
}

fn ours(headers: &HeaderMap) -> HeaderMap {
    let ours = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-"));
    ours.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Answers how many headers it got, with as many of its own.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let got = ours(request.headers()).len();
    let mut response = Response::new(Full::from(format!("{got} headers")));
    response.headers_mut().extend(many());
    Ok(response)
}

/// Asks a server over a connection without a network; the headers and the text of the answer.
async fn ask(version: Http, server: Server) -> (HeaderMap, String) {
    let (here, there) = tokio::io::duplex(1 << 16);
    let service = TowerToHyperService::new(server);
    let mut request = Request::get("http://localhost/").body(Empty::<Bytes>::new()).unwrap();
    request.headers_mut().extend(many());
    let response = match version {
        Http::One => {
            let mut server = hyper::server::conn::http1::Builder::new();
            server.max_headers(HEADERS).max_buf_size(BYTES);
            tokio::spawn(server.serve_connection(TokioIo::new(there), service));
            let mut client = hyper::client::conn::http1::Builder::new();
            client.max_headers(HEADERS).max_buf_size(BYTES);
            let (mut sender, connection) = client.handshake(TokioIo::new(here)).await.unwrap();
            tokio::spawn(connection);
            bounded(sender.send_request(request)).await.unwrap()
        }
        Http::Two => {
            let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            server.max_header_list_size(BYTES as u32);
            tokio::spawn(server.serve_connection(TokioIo::new(there), service));
            let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
            client.max_header_list_size(BYTES as u32);
            let (mut sender, connection) = client.handshake(TokioIo::new(here)).await.unwrap();
            tokio::spawn(connection);
            bounded(sender.send_request(request)).await.unwrap()
        }
    };
    let headers = ours(response.headers());
    (headers, text(response.into_body()).await)
}

#[tokio::test]
async fn ten_thousand_headers_each_way() {
    let _turn = turn().await;
    let expected = (many(), format!("{MANY} headers"));
    for version in BOTH {
        let bare = service_fn(answer).map_response(|response| response.map(BodyExt::boxed));
        let seen = ask(version, BoxCloneSyncService::new(bare)).await;
        assert!(seen == expected, "{version:?}");

        let control = armed();
        let layered = DebugDumpLayer::server(&control).layer(service_fn(answer));
        let layered = layered.map_response(|response| response.map(BodyExt::boxed));
        let seen = ask(version, BoxCloneSyncService::new(layered)).await;
        assert!(seen == expected, "{version:?}, armed");

        let capture = captured(&control, 1).await.remove(0);
        let response = capture.response.as_ref().unwrap();
        assert!(ours(&capture.request.headers) == many(), "{version:?}");
        assert!(response.headers == many(), "{version:?}");
        // each way to show it has them all
        for shown in [
            render::text(&capture),
            String::from_utf8(render::json(&capture)).unwrap(),
            har::log(&[(*capture).clone()]).to_string(),
        ] {
            assert_eq!(shown.matches("value ").count(), 2 * MANY, "{version:?}");
        }
        // over HTTP/2, hyper's own body may be one of any length
        let command = curl::command(&capture);
        let expected = (version == Http::One).then_some(MANY);
        let told = command.map(|command| command.matches("value ").count());
        assert_eq!(told, expected, "{version:?}");
    }
}

/// The ring counts headers: of captures that are larger than it none stays.
#[tokio::test]
async fn headers_count_against_what_is_kept() {
    let _turn = turn().await;
    for (keeps, captures) in [(1 << 20, 0), (3 << 20, 1), (16 << 20, 4)] {
        let control = tower_observability::debug_dump::DumpControl::builder();
        let control = control.keeps_bytes(keeps).build();
        control.arm(everything());
        let layered = DebugDumpLayer::server(&control).layer(service_fn(answer));
        let layered = layered.map_response(|response| response.map(BodyExt::boxed));
        for _ in 0..4 {
            ask(Http::Two, BoxCloneSyncService::new(layered.clone())).await;
        }
        settle().await;
        assert_eq!(control.captures().len(), captures, "of {keeps} bytes");
    }
}

//! Many exchanges while everything is captured: what is kept stays within the ring, in memory as it is
//! counted by the allocator.

use std::io::Write;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use counting_allocator::Allocated;
use flate2::Compression;
use flate2::write::GzEncoder;
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl, DumpStatus};
use tower_observability::testing::ScriptBody;

use crate::armed::*;
use crate::support::*;

const RING: usize = 512 << 10;
const EXCHANGES: usize = 600;

/// What the ring may hold of the allocator's bytes: it counts about, and maps of headers have free slots.
const MOST: i64 = 2 * RING as i64;

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap().into()
}

/// Floods a server with this request, each on a connection of its own; what its ring then holds, and how
/// many captures.
async fn flood(request: http::Request<ScriptBody>) -> (i64, usize) {
    let control = DumpControl::builder().keeps_bytes(RING).build();
    let router = Router::new().route("/", post(async |body: Bytes| format!("{}", body.len())));
    let address = serve_axum(router.layer(DebugDumpLayer::server(&control))).await;
    control.arm(everything());
    for _ in 0..EXCHANGES {
        let mut connection = Connection::open(Http::One, address).await;
        let response = bounded(connection.send(request.clone())).await.unwrap();
        assert_eq!(response.status(), OK);
        text(response.into_body()).await;
    }
    until(|| matches!(control.status(), DumpStatus::Armed { captured, .. } if captured as usize == EXCHANGES)).await;
    // connections that end hold memory, too
    settle().await;
    let (full, captures) = (Allocated::now().held(), control.captures().len());
    control.clear();
    (full - Allocated::now().held(), captures)
}

fn request(body: Bytes) -> http::Request<ScriptBody> {
    let request = http::Request::post("http://localhost/").header("content-type", "text/plain");
    let mut body_of_request = ScriptBody::new();
    for piece in body.chunks(16 << 10) {
        body_of_request = body_of_request.data(body.slice_ref(piece));
    }
    request.body(body_of_request).unwrap()
}

#[tokio::test]
async fn small_requests() {
    let _turn = turn().await;
    let (held, captures) = flood(request(Bytes::from("small"))).await;
    assert!(captures > 100, "{captures}");
    assert!(held < MOST, "{captures} captures hold {held} bytes");
}

/// Headers and body arrive in one read: what is kept of the headers must not keep the rest.
#[tokio::test]
async fn requests_whose_bodies_are_longer_than_their_cap() {
    let _turn = turn().await;
    let (held, captures) = flood(request(Bytes::from(vec![b'x'; 300 << 10]))).await;
    assert!(captures > 50, "{captures}");
    assert!(held < MOST, "{captures} captures hold {held} bytes");
}

/// What was decompressed is longer than what is kept of it.
#[tokio::test]
async fn requests_whose_bodies_are_longer_when_they_are_decompressed() {
    let _turn = turn().await;
    let mut request = request(gzip(&vec![b'x'; 90 << 10]));
    request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    let (held, captures) = flood(request).await;
    assert!(captures > 50, "{captures}");
    assert!(held < MOST, "{captures} captures hold {held} bytes");
}

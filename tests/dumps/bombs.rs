//! Bodies that become a thousand times as long when they are decompressed.

use std::io::Write;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tower_observability::debug_dump::{
    BodyFate, DebugDumpLayer, DumpControl, Withheld, curl, har, render,
};
use tower_observability::testing::ScriptBody;

use crate::armed::*;
use crate::support::*;

/// What a body of so many zeros may take: as it is sent, as it is kept, and once more to be read.
const MOST: i64 = 16 << 20;

/// 1 GiB of zeros in about 1 MiB: a member of gzip for each MiB.
fn gzip() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 1 << 20]).unwrap();
    encoder.finish().unwrap().repeat(1 << 10)
}

/// 16 MiB of spaces, in 16 KiB.
fn deflate() -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    for _ in 0..16 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_bomb_is_not_set_off() {
    let _turn = turn().await;
    for (encoding, kind, bomb) in [
        ("gzip", "application/json", gzip()),
        ("gzip", "text/plain", gzip()),
        ("gzip", "application/grpc", gzip()),
        ("deflate", "application/x-www-form-urlencoded", deflate()),
        ("deflate", "application/json", deflate()),
    ] {
        let control = DumpControl::new();
        control.arm(everything().body_cap(1 << 20).unwrap());
        let bomb = Bytes::from(bomb);
        let handler = post(async move |body: Bytes| format!("{} bytes", body.len()));
        let router = Router::new().route("/", handler).layer(DefaultBodyLimit::disable());
        let layered = router.layer(DebugDumpLayer::server(&control));
        let address = serve_axum(layered).await;
        let mut connection = Connection::open(Http::One, address).await;
        let peak = Peak::new();
        let request = http::Request::post("http://localhost/")
            .header("content-type", kind)
            .header("content-encoding", encoding)
            .body(ScriptBody::new().data(bomb.clone()))
            .unwrap();
        let response = bounded(connection.send(request)).await.unwrap();
        assert_eq!(text(response.into_body()).await, format!("{} bytes", bomb.len()));

        let capture = captured(&control, 1).await.remove(0);
        let body = &capture.request.body;
        assert_eq!(
            (body.total, body.fate, body.withheld),
            (bomb.len() as u64, BodyFate::Whole, Some(Withheld::Unreadable)),
            "{encoding} of {kind}"
        );
        assert_eq!(body.kept, Bytes::new());
        assert_eq!(curl::command(&capture), None, "it is not known");
        for shown in [
            render::text(&capture),
            String::from_utf8(render::json(&capture)).unwrap(),
            har::log(&[(*capture).clone()]).to_string(),
        ] {
            assert!(shown.len() < 4 << 10, "{encoding} of {kind}: {} bytes", shown.len());
        }
        assert!(peak.bytes() < MOST, "{encoding} of {kind}: {} bytes were held", peak.bytes());
    }
}

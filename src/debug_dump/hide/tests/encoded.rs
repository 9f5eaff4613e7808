use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{ServiceExt, service_fn};
use tower_http::compression::Compression as Compress;

use super::super::decode::{MOST, read};
use super::{JSON, hide, nothing};
use crate::debug_dump::Withheld;
use crate::debug_dump::samples::headers;

pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn of(coding: &str) -> http::HeaderMap {
    headers(&[("content-type", JSON.as_bytes()), ("content-encoding", coding.as_bytes())])
}

const BODY: &str = r#"{"password":"hunter2","list":[1,2,3],"text":"a text that is long enough"}"#;
const KEPT: &str = r#"{"password":"REDACTED","list":[1,2,3],"text":"a text that is long enough"}"#;

#[test]
fn secrets_are_found_in_what_was_compressed() {
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(BODY.as_bytes()).unwrap();
    for (coding, body) in [
        ("gzip", gzip(BODY.as_bytes())),
        ("X-GZIP", gzip(BODY.as_bytes())),
        ("deflate", deflate.finish().unwrap()),
        ("identity", BODY.into()),
    ] {
        let hidden = hide(&body, true, &of(coding), 999);
        assert_eq!((&hidden.kept[..], hidden.withheld), (KEPT.as_bytes(), None), "{coding}");
    }
}

#[tokio::test]
async fn secrets_are_found_in_brotli() {
    let answer = service_fn(|_: Request<()>| async {
        let body = http_body_util::Full::new(bytes::Bytes::from(BODY));
        Ok::<_, std::convert::Infallible>(Response::new(body))
    });
    let request = Request::builder().header("accept-encoding", "br").body(()).unwrap();
    let response = Compress::new(answer).oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "br");
    let body = response.into_body().collect().await.unwrap().to_bytes();

    let hidden = hide(&body, true, &of("br"), 999);
    assert_eq!((&hidden.kept[..], hidden.withheld), (KEPT.as_bytes(), None));
    let cut = hide(&body[..body.len() / 2], true, &of("br"), 999);
    assert_eq!(cut, nothing(Withheld::Unreadable));
    let cut = hide(&body[..body.len() / 2], false, &of("br"), 999);
    assert_eq!(cut.withheld, Some(Withheld::Truncated));
}

#[test]
fn what_cannot_be_decompressed_is_withheld() {
    let body = gzip(BODY.as_bytes());
    let unreadable = nothing(Withheld::Unreadable);
    assert_eq!(hide(&body[..body.len() - 4], true, &of("gzip"), 999), unreadable);
    assert_eq!(hide(&body, true, &of("deflate"), 999), unreadable);
    assert_eq!(hide(&body, true, &of("zstd"), 999), unreadable);
    assert_eq!(hide(&body, true, &of("gzip, gzip"), 999), unreadable);
    assert_eq!(hide(BODY.as_bytes(), true, &of("gzip"), 999), unreadable);
}

#[test]
fn a_bomb_is_withheld() {
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 17);
    assert_eq!(hide(&bomb, true, &of("gzip"), 999), nothing(Withheld::Unreadable));
    assert_eq!(hide(&bomb[..9999], false, &of("gzip"), 999), nothing(Withheld::Unreadable));
}

/// 1 GiB of zeros: members of 1 MiB each.
#[test]
fn a_bomb_of_gzip_is_not_read_to_its_end() {
    let bomb = gzip(&vec![0; 1 << 20]).repeat(1 << 10);
    assert_eq!(hide(&bomb, true, &of("gzip"), usize::MAX), nothing(Withheld::Unreadable));
    assert_eq!(hide(&bomb, false, &of("gzip"), usize::MAX), nothing(Withheld::Unreadable));
    let mut reads = &bomb[..];
    assert_eq!(read(flate2::read::MultiGzDecoder::new(&mut reads), true, MOST), None);
    assert!(reads.len() > bomb.len() / 2, "{} of {} are left", reads.len(), bomb.len());
}

/// 1 GiB of zeros: the second of two blocks of 1 MiB again and again.
#[test]
fn a_bomb_of_brotli_is_not_read_to_its_end() {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    let zeros = vec![0; 1 << 20];
    encoder.write_all(&zeros).unwrap();
    encoder.flush().unwrap();
    let first = encoder.get_ref().len();
    encoder.write_all(&zeros).unwrap();
    encoder.flush().unwrap();
    let both = encoder.get_ref().clone();
    let blocks = |count: usize| {
        let mut bomb = both[..first].to_vec();
        bomb.extend(both[first..].repeat(count - 1));
        // the last block, which is empty
        bomb.push(3);
        bomb
    };
    let mut plain = Vec::new();
    let three = blocks(3);
    let mut decoder = brotli_decompressor::Decompressor::new(&three[..], 4096);
    std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
    assert_eq!(plain, vec![0; 3 << 20]);

    let bomb = blocks(1 << 10);
    assert_eq!(hide(&bomb, true, &of("br"), usize::MAX), nothing(Withheld::Unreadable));
    assert_eq!(hide(&bomb, false, &of("br"), usize::MAX), nothing(Withheld::Unreadable));
    let mut reads = &bomb[..];
    assert_eq!(read(brotli_decompressor::Decompressor::new(&mut reads, 64), true, MOST), None);
    assert!(reads.len() > bomb.len() / 2, "{} of {} are left", reads.len(), bomb.len());
}

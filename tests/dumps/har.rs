//! Archives of exchanges of every kind are of the schema. `HAR_DIRECTORY` keeps them as files for
//! `.ci/har`, which reads them by the schema that the tools of others use.

use std::fs;
use std::future::pending;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::debug_dump::{Capture, DebugDumpLayer, DumpControl, Opaque, har};

use crate::armed::*;

const SCHEMA: &str = include_str!("../../src/debug_dump/har/har-1.2.schema.json");

type Body = Full<Bytes>;

/// Answers as the path says.
async fn answer(request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
    let mut response = Response::new(Body::default());
    let headers = response.headers_mut();
    match request.uri().path() {
        "/moved" => {
            headers.insert("location", HeaderValue::from_static("https://h/next?token=s&a=1"));
            *response.status_mut() = StatusCode::FOUND;
        }
        "/odd" => {
            headers.insert("location", HeaderValue::from_bytes(b"/\xff \t\"").unwrap());
            headers.insert("content-type", HeaderValue::from_bytes(b"\xff").unwrap());
            headers.append("set-cookie", HeaderValue::from_static("a=1"));
            headers.append("set-cookie", HeaderValue::from_static("b=2; Path=/"));
            *response.status_mut() = StatusCode::from_u16(799).unwrap();
        }
        "/binary" => {
            headers.insert("content-type", HeaderValue::from_static("image/png"));
            *response.body_mut() = Body::from(&b"\x89PNG\0\xff"[..]);
        }
        "/grpc" => {
            headers.insert("content-type", HeaderValue::from_static("application/grpc"));
            headers.insert("grpc-status", HeaderValue::from_static("5"));
            *response.body_mut() = Body::from(&b"\0\0\0\0\x01x"[..]);
        }
        "/fails" => return Err(std::io::Error::other("disk")),
        "/pends" => pending().await,
        "/refused" => {
            *response.status_mut() = StatusCode::FORBIDDEN;
            *response.body_mut() = Body::from("who are you");
        }
        _ => {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            *response.body_mut() =
                Body::from("{\"password\":\"p\",\"a\":\"\u{0}\u{2028}\u{1f600}\"}");
        }
    }
    Ok(response)
}

fn asked() -> Vec<Request<Body>> {
    let asked = |method: Method, uri: &str| {
        Request::builder().method(method).uri(uri).body(Body::default()).unwrap()
    };
    let mut all: Vec<_> = [
        "/",
        "*",
        "http://h/moved",
        "http://[::1]:8080/odd?",
        "https://user:word@h:443/binary?a=b=c&&=&x&%zz=%20+",
        "http://h/grpc",
        "http://h/fails",
        "http://h/pends",
        "http://h/refused?token=x",
        "//h/double?[]|^`{}\"<>",
    ]
    .iter()
    .filter_map(|uri| uri.parse::<http::Uri>().ok().map(|uri| asked(Method::GET, &uri.to_string())))
    .collect();
    all.push(asked(Method::CONNECT, "h:443"));
    all.push(asked(Method::from_bytes(b"M-SEARCH!").unwrap(), "http://h/"));
    for (kind, body) in [
        ("application/json", &b"{\"a\":[1,{\"token\":\"x\"}]}"[..]),
        ("application/x-www-form-urlencoded", b"a=1&b=%C3%A9&password=x"),
        ("application/octet-stream", b"\0\xff\xfe"),
        ("text/plain; charset=utf-8", &[b'x'; 2 * CAP]),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--x--",
        ),
    ] {
        let mut request = asked(Method::POST, "/posted").map(|_| Body::from(body));
        let headers = request.headers_mut();
        headers.insert("host", HeaderValue::from_static("h:8080"));
        headers.insert("content-type", HeaderValue::from_static(kind));
        headers.insert("cookie", HeaderValue::from_static("session=1"));
        headers.insert("x-odd", HeaderValue::from_bytes(b"\xff\t\"\\").unwrap());
        all.push(request);
    }
    let versions = [Version::HTTP_09, Version::HTTP_10, Version::HTTP_2, Version::HTTP_3];
    for (version, host) in versions.into_iter().zip(["h", "[::1]:1", "b\u{fc}cher", "h h/?#@"]) {
        let mut request = asked(Method::GET, "/path?q=%00#f");
        *request.version_mut() = version;
        request.headers_mut().insert("host", HeaderValue::from_bytes(host.as_bytes()).unwrap());
        all.push(request);
    }
    all
}

/// All of these, on both sides, with and without what nothing can be found in.
async fn captures() -> Vec<Capture> {
    let control = armed();
    let layers: [fn(&DumpControl) -> DebugDumpLayer; 2] =
        [DebugDumpLayer::server, DebugDumpLayer::client];
    for layer in layers {
        for opaque in [Opaque::Withheld, Opaque::Kept] {
            let layer = layer(&control).opaque_bodies(opaque);
            let layer = layer.request_body(|body: Body, tap| {
                // it is whole at once
                let mut tapped = tap.wrap(body.clone());
                while let Some(frame) = tapped.frame().now_or_never().flatten() {
                    let Ok(_) = frame;
                }
                body
            });
            for request in asked() {
                let sent = layer.clone().layer(service_fn(answer)).oneshot(request);
                if let Some(Ok(response)) = sent.now_or_never() {
                    response.into_body().collect().await.unwrap();
                }
            }
        }
    }
    let captures: Vec<_> = control.captures().iter().map(|capture| (**capture).clone()).collect();
    assert_eq!(captures.len(), 4 * asked().len());
    captures
}

#[tokio::test]
async fn archives_of_every_kind_are_of_the_schema() {
    let _turn = turn().await;
    let captures = captures().await;
    let unanswered = captures.iter().filter(|capture| capture.response.is_none()).count();
    assert_eq!(unanswered, 4 * 2);

    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&schema).unwrap();
    let alone = captures.iter().map(|capture| har::log(std::slice::from_ref(capture)));
    let archives: Vec<_> = alone.chain([har::log(&captures), har::log::<Capture>(&[])]).collect();
    for archive in &archives {
        let faults: Vec<_> =
            validator.iter_errors(archive).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{archive:#}");
    }
    if let Some(directory) = std::env::var_os("HAR_DIRECTORY") {
        for (nth, archive) in archives.iter().enumerate() {
            let path = std::path::Path::new(&directory).join(format!("{nth}.har"));
            fs::write(path, archive.to_string()).unwrap();
        }
    }
}

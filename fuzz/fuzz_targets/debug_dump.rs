//! Whatever head and body pass, however they are cut into frames: the exchange is captured and shown in every
//! way, without a panic, on one line where there is one, and without the secret.
#![no_main]

use std::convert::Infallible;
use std::future::Future;
use std::io::Write;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::{Body, Frame};
use libfuzzer_sys::fuzz_target;
use tower::{Layer, Service, service_fn};
use tower_observability::debug_dump::{Capture, DebugDumpLayer, DumpControl, Rule, curl, har, render};

/// No input of the fuzzer has it by chance.
const SECRET: &str = "hunter2hunter2";
const NAMES: [&str; 6] = ["password", "token", "api_key", "client_secret", "accessToken", "signature"];
const HEADERS: [&str; 5] = ["authorization", "cookie", "x-api-key", "proxy-authorization", "x-auth-token"];
const TYPES: [&str; 9] = [
    "application/json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "text/plain",
    "text/html",
    "multipart/form-data; boundary=x",
    "application/grpc",
    "application/octet-stream",
    "application/problem+json; charset=utf-8",
];

#[derive(Arbitrary, Debug)]
struct Input {
    method: Vec<u8>,
    target: Vec<u8>,
    header: (String, Vec<u8>),
    kind: Kind,
    encoding: Encoding,
    cap: u16,
    pieces: [u8; 4],
    status: u16,
    before: Vec<u8>,
    after: Vec<u8>,
    name: u8,
    answer: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
enum Kind {
    Known(u8),
    Other(Vec<u8>),
    None,
}

#[derive(Arbitrary, Debug)]
enum Encoding {
    None,
    Gzip,
    Deflate,
    Said(u8),
    Other(Vec<u8>),
}

/// A body in pieces.
#[derive(Clone)]
struct Pieces(Vec<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(piece))))
    }
}

fn pieces(body: &[u8], at: [u8; 4]) -> Pieces {
    let mut rest = Bytes::copy_from_slice(body);
    let mut pieces = Vec::new();
    for at in at {
        pieces.push(rest.split_to(usize::from(at).min(rest.len())));
    }
    pieces.push(rest);
    pieces.reverse();
    Pieces(pieces)
}

fn read(body: impl Body<Data = Bytes>) -> Vec<u8> {
    let mut body = pin!(body);
    let mut all = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) =
        body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop()))
    {
        all.extend(frame.into_data().unwrap_or_default());
    }
    all
}

/// The secret in a body of this type, between what the fuzzer chose; without it where the type says nothing.
fn body(input: &Input) -> Vec<u8> {
    let name = NAMES[usize::from(input.name) % NAMES.len()];
    let (before, after) = (&input.before[..], &input.after[..]);
    match &input.kind {
        Kind::Known(kind) => match usize::from(*kind) % TYPES.len() {
            0 | 8 => {
                let text = |bytes: &[u8]| serde_json::to_vec(&String::from_utf8_lossy(bytes)).unwrap();
                // what follows may be malformed
                [b"{\"a\":", &text(before)[..], b",\"", name.as_bytes(), b"\":[\"", SECRET.as_bytes(), b"\",1]", after]
                    .concat()
            }
            2 => [before, b"&", name.as_bytes(), b"=", SECRET.as_bytes(), b"&", after].concat(),
            3 => [b"at ", name.as_bytes(), b"=", SECRET.as_bytes(), b" ", after].concat(),
            4 | 6 | 7 => [before, SECRET.as_bytes(), after].concat(),
            _ => [before, after].concat(),
        },
        _ => [before, after].concat(),
    }
}

fn encoded(body: &[u8], encoding: &Encoding) -> (Vec<u8>, Option<HeaderValue>) {
    match encoding {
        Encoding::None => (body.to_vec(), None),
        Encoding::Gzip => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(body).unwrap();
            (gzip.finish().unwrap(), Some(HeaderValue::from_static("gzip")))
        }
        Encoding::Deflate => {
            let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
            zlib.write_all(body).unwrap();
            (zlib.finish().unwrap(), Some(HeaderValue::from_static("deflate")))
        }
        Encoding::Said(said) => {
            let said = ["gzip", "br", "deflate", "zstd", "identity", "gzip, br"][usize::from(*said) % 6];
            (body.to_vec(), Some(HeaderValue::from_static(said)))
        }
        Encoding::Other(said) => (body.to_vec(), HeaderValue::from_bytes(said).ok()),
    }
}

fn control() -> &'static DumpControl {
    static CONTROL: OnceLock<DumpControl> = OnceLock::new();
    CONTROL.get_or_init(DumpControl::new)
}

fn has(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

fn shows(capture: &Capture) -> Vec<u8> {
    let text = render::text(capture);
    let printable = |c: char| c == '\n' || !(c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    assert!(text.chars().all(printable), "{text:?}");
    let json = render::json(capture);
    let line = str::from_utf8(&json).expect("UTF-8");
    assert!(!line.chars().any(|c| c.is_control()), "{line:?}");
    serde_json::from_slice::<serde_json::Value>(&json).expect("JSON");
    let archive = har::log(std::slice::from_ref(capture)).to_string();
    let command = curl::command(capture).unwrap_or_default();
    assert!(command.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{command:?}");
    [text.as_bytes(), &json, archive.as_bytes(), command.as_bytes(), format!("{capture:?}").as_bytes()].concat()
}

fuzz_target!(|input: Input| {
    let plain = body(&input);
    let (sent, encoding) = encoded(&plain, &input.encoding);
    let mut request = Request::new(pieces(&sent, input.pieces));
    if let Ok(uri) = Uri::from_maybe_shared(input.target.clone()) {
        *request.uri_mut() = uri;
    }
    if let Ok(method) = Method::from_bytes(&input.method) {
        *request.method_mut() = method;
    }
    let headers = request.headers_mut();
    if let (Ok(name), Ok(value)) =
        (HeaderName::try_from(&*input.header.0), HeaderValue::from_bytes(&input.header.1))
    {
        headers.append(name, value);
    }
    let kind = match &input.kind {
        Kind::Known(kind) => Some(HeaderValue::from_static(TYPES[usize::from(*kind) % TYPES.len()])),
        Kind::Other(kind) => HeaderValue::from_bytes(kind).ok(),
        Kind::None => None,
    };
    let secret = HEADERS[usize::from(input.name) % HEADERS.len()];
    headers.insert("content-type", kind.clone().unwrap_or(HeaderValue::from_static("")));
    headers.extend(encoding.map(|encoding| (http::header::CONTENT_ENCODING, encoding)));
    headers.insert(secret, HeaderValue::from_static(SECRET));

    let control = control();
    control.clear();
    let rule = Rule::new(Duration::from_secs(60)).unwrap().body_cap(input.cap.into()).unwrap();
    control.arm(rule);
    let handler = service_fn(|request: Request<Pieces>| {
        let mut response = Response::new(pieces(&[&read(request.into_body())[..], &input.answer].concat(), input.pieces));
        if let Ok(status) = StatusCode::from_u16(input.status) {
            *response.status_mut() = status;
        }
        response.headers_mut().extend(kind.clone().map(|kind| (http::header::CONTENT_TYPE, kind)));
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let layer = DebugDumpLayer::server(control).request_body(|body: Pieces, tap| {
        // the same frames, which are all there at once
        let frames = body.clone();
        read(tap.wrap(body));
        frames
    });
    let mut service = layer.layer(handler);
    let answered = pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(response)) = answered else { panic!("it answers at once") };
    let passed = read(response.into_body());
    // an informational status or one without a body has none to be read
    assert!(passed.is_empty() || passed == [&sent[..], &input.answer].concat());

    let captures = control.captures();
    let [capture] = &captures[..] else { panic!("{} captures", captures.len()) };
    let shown = shows(capture);
    assert!(capture.request.body.kept.len() <= usize::from(input.cap));
    assert!(!has(&shown, SECRET) || by_chance(&input), "{}", String::from_utf8_lossy(&shown));
});

/// Whether the fuzzer found the secret's letters for a place that has no name.
fn by_chance(input: &Input) -> bool {
    [&input.before, &input.after, &input.answer, &input.target, &input.method, &input.header.1]
        .into_iter()
        .any(|bytes| has(bytes, SECRET))
        || has(input.header.0.as_bytes(), SECRET)
}

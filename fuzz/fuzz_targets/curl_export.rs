//! Whatever is sent, the curl command is one line of quoted words that read back, by the shell's rules, to what
//! was sent.
#![no_main]

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body::{Body, Frame};
use libfuzzer_sys::fuzz_target;
use tower::{Layer, Service, service_fn};
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl, Opaque, Rule, curl};
use tower_observability::redact::Redaction;

#[derive(Arbitrary, Debug)]
struct Input {
    method: Vec<u8>,
    path: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// A body in one piece.
#[derive(Clone)]
struct Piece(Option<Bytes>);

impl Body for Piece {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|piece| Ok(Frame::data(piece))))
    }
}

/// Reads a command as a POSIX shell does, but knows only what may stand in one; everything else panics.
struct Shell<'a>(&'a [u8]);

impl Shell<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn expect(&mut self, text: &str) {
        self.0 = self.0.strip_prefix(text.as_bytes()).unwrap_or_else(|| panic!("{text} is not next"));
    }

    fn quoted(&mut self) -> Vec<u8> {
        let end = self.0.iter().position(|byte| *byte == b'\'').expect("an end of the quotes");
        let (inner, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        inner.to_vec()
    }

    /// What `printf` writes for a format in quotes.
    fn printf(&mut self) -> Vec<u8> {
        self.expect("printf '");
        let format = self.quoted();
        assert!(!format.starts_with(b"-"), "an option");
        let (mut rest, mut out) = (&format[..], Vec::new());
        while let Some((first, after)) = rest.split_first() {
            assert_ne!(*first, b'%');
            if *first == b'\\' {
                let (digits, after) = after.split_at(3);
                out.push(u8::from_str_radix(str::from_utf8(digits).unwrap(), 8).unwrap());
                rest = after;
            } else {
                out.push(*first);
                rest = after;
            }
        }
        out
    }

    /// The next word; `None` at the end.
    fn word(&mut self) -> Option<Vec<u8>> {
        let mut word = Vec::new();
        if self.0.is_empty() {
            return None;
        }
        while let Some(byte) = self.next() {
            match byte {
                b' ' => break,
                b'\'' => word.extend(self.quoted()),
                b'\\' => word.extend(self.next()),
                b'"' => {
                    self.expect("$(");
                    let written = self.printf();
                    // which the shell takes from what a command writes
                    assert!(!written.ends_with(b"\n") && !written.contains(&0));
                    word.extend(written);
                    self.expect(")\"");
                }
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'@' => word.push(byte),
                other => panic!("{:?} is not quoted", char::from(other)),
            }
        }
        Some(word)
    }
}

fn control() -> &'static DumpControl {
    static CONTROL: OnceLock<DumpControl> = OnceLock::new();
    CONTROL.get_or_init(DumpControl::new)
}

/// The command for a request, as it was captured, and that request's target.
fn exported(input: &Input) -> Option<(String, Request<()>)> {
    let path = [b"/", &input.path[..]].concat();
    let mut request = Request::new(Piece(Some(Bytes::from(input.body.clone()))));
    *request.uri_mut() = Uri::from_maybe_shared(path).ok()?;
    *request.method_mut() = Method::from_bytes(&input.method).ok()?;
    for (name, value) in &input.headers {
        let name = HeaderName::try_from(format!("x-{name}")).ok()?;
        request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
    }
    request.headers_mut().insert("host", HeaderValue::from_static("h"));
    let control = control();
    control.clear();
    control.arm(Rule::new(Duration::from_secs(60)).unwrap().body_cap(4096).unwrap());
    let layer = DebugDumpLayer::server(control)
        .opaque_bodies(Opaque::Kept)
        .redaction(Redaction::none())
        .request_body(|body: Piece, tap| {
            let passes = body.clone();
            let mut tapped = pin!(tap.wrap(body));
            let mut nobody = Context::from_waker(Waker::noop());
            while let Poll::Ready(Some(_)) = tapped.as_mut().poll_frame(&mut nobody) {}
            passes
        });
    let handler = service_fn(|_: Request<Piece>| std::future::ready(Ok::<_, Infallible>(Response::new(Piece(None)))));
    let (head, body) = request.into_parts();
    let sent = Request::from_parts(head.clone(), body);
    let mut service = layer.layer(handler);
    let answered = pin!(service.call(sent)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(response)) = answered else { panic!("it answers at once") };
    let mut body = pin!(response.into_body());
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop())) {}
    let captures = control.captures();
    Some((curl::command(&captures[0])?, Request::from_parts(head, ())))
}

fuzz_target!(|input: Input| {
    let Some((command, request)) = exported(&input) else { return };
    assert!(command.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    let mut shell = Shell(command.as_bytes());
    let piped = command.starts_with("printf ").then(|| {
        let written = shell.printf();
        shell.expect(" | ");
        written
    });
    let mut words = std::iter::from_fn(|| shell.word());
    for word in ["curl", "--globoff", "--path-as-is", "--http1.1"] {
        assert_eq!(words.next().as_deref(), Some(word.as_bytes()));
    }
    let (mut headers, mut body) = (Vec::new(), Vec::new());
    while let Some(option) = words.next() {
        if option == b"--head" {
            assert_eq!(request.method(), Method::HEAD);
            continue;
        }
        let value = words.next().expect("a value");
        match str::from_utf8(&option).unwrap() {
            "--request" => assert_eq!(value, request.method().as_str().as_bytes()),
            "--url" => assert_eq!(value, format!("http://h{}", request.uri()).as_bytes()),
            "--header" => headers.push(value),
            "--data-raw" => body = value,
            "--data-binary" => {
                assert_eq!(value, b"@-");
                body = piped.clone().expect("what is read");
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(body, input.body);
    let sent = request.headers().iter().filter(|(name, _)| *name != "host").map(|(name, value)| {
        match value.as_bytes() {
            b"" => format!("{name};").into_bytes(),
            value => [name.as_str().as_bytes(), b": ", value].concat(),
        }
    });
    let sent: Vec<_> = sent.collect();
    let kept: Vec<_> = headers.into_iter().filter(|header| header.starts_with(b"x-")).collect();
    assert_eq!(kept, sent);
});

//! The commands run in a real `sh`, which finds one program alone: a `curl` that writes down its
//! arguments and its input.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use proptest::prelude::*;

use super::command;
use crate::debug_dump::samples::{capture, headers, whole};
use crate::debug_dump::{BodyFate, Capture, Withheld};

/// A directory of its own that goes with it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("curl-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const CURL: &str = "#!/bin/sh\nprintf '%s\\0' \"$@\" > arguments\nexec /bin/cat > input\n";

/// The arguments and the input that curl gets.
fn run(command: &str) -> (Vec<Vec<u8>>, Vec<u8>) {
    assert!(command.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{command}");
    let directory = Directory::new();
    let path = &directory.0;
    fs::write(path.join("curl"), CURL).unwrap();
    fs::set_permissions(path.join("curl"), fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .env_clear()
        .env("PATH", path)
        .current_dir(path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(
        (String::from_utf8_lossy(&output.stderr), output.status.code()),
        ("".into(), Some(0))
    );
    let mut files: Vec<_> =
        fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["arguments", "curl", "input"], "{command}");
    let arguments = fs::read(path.join("arguments")).unwrap();
    let arguments = arguments.strip_suffix(b"\0").unwrap().split(|&byte| byte == 0);
    (arguments.map(<[u8]>::to_vec).collect(), fs::read(path.join("input")).unwrap())
}

fn texts(arguments: &[Vec<u8>]) -> Vec<String> {
    arguments.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

fn get(uri: &'static str) -> Capture {
    let mut capture = capture();
    capture.request.method = Method::GET;
    capture.request.uri = Uri::from_static(uri);
    capture.request.headers =
        headers(&[("host", b"h:8080"), ("accept", b"*/*"), ("user-agent", b"x")]);
    capture.request.body = whole("");
    capture
}

#[test]
fn a_command_names_what_was_sent() {
    let expected = "printf '{\"a\":\\0121}' | curl --globoff --path-as-is --http1.1 --request 'POST' \
         --url 'http://example.com/users/1?page=2&token=REDACTED' \
         --header 'content-type: application/json' --header \"$(printf 'x-odd: a\\377b')\" \
         --header 'accept:' --header 'user-agent:' --header 'expect:' --data-binary @-";
    let expected = expected.replace("{\"a\":", "{\\042a\\042:");
    let mut capture = capture();
    capture.request.body = whole("{\"a\":\n1}");
    assert_eq!(command(&capture).unwrap(), expected);
}

#[test]
fn a_url_that_is_not_of_http_is_no_command() {
    for url in ["file://h/etc/passwd", "gopher://h:70/_x", "dict://h/a", "ftp://h/a", "ws://h/a"] {
        assert_eq!(command(&get(url)), None, "{url}");
    }
    for url in ["HTTP://h/a", "HTTPS://h/a"] {
        assert!(command(&get(url)).is_some(), "{url}");
    }
}

#[test]
fn options_follow_the_request() {
    let common = "--header 'accept: */*' --header 'user-agent: x'";
    let mut http2 = get("https://h/a/../b?[1-3]");
    http2.request.version = Version::HTTP_2;
    let mut head = get("/");
    head.request.method = Method::HEAD;
    head.request.version = Version::HTTP_10;
    let mut star = get("*");
    star.request.method = Method::OPTIONS;
    for (capture, expected) in [
        (
            http2,
            format!(
                "--http2 --request 'GET' --url 'https://h/a/../b?[1-3]' --header 'host: h:8080' {common}"
            ),
        ),
        (head, format!("--http1.0 --head --url 'http://h:8080/' {common}")),
        (
            star,
            format!(
                "--http1.1 --request 'OPTIONS' --url 'http://h:8080/*' --request-target '*' {common}"
            ),
        ),
    ] {
        assert_eq!(command(&capture).unwrap(), format!("curl --globoff --path-as-is {expected}"));
    }
}

#[test]
fn a_body_is_never_a_file_and_headers_of_the_connection_are_left_out() {
    let mut capture = get("/");
    capture.request.headers.extend(headers(&[
        ("connection", b"close, X-Hop"),
        ("x-hop", b"1"),
        ("te", b"trailers"),
        ("x-empty", b""),
        ("content-length", b"11"),
        ("content-encoding", b"gzip"),
        ("content-type", b"a/b"),
    ]));
    capture.request.body = whole("@/etc/hosts");
    let (arguments, input) = run(&command(&capture).unwrap());
    assert_eq!(
        texts(&arguments)[3..],
        [
            "--request",
            "GET",
            "--url",
            "http://h:8080/",
            "--header",
            "accept: */*",
            "--header",
            "user-agent: x",
            "--header",
            "x-empty;",
            "--header",
            "content-type: a/b",
            "--header",
            "expect:",
            "--data-raw",
            "@/etc/hosts",
        ]
    );
    assert_eq!(input, b"");
}

#[test]
fn what_is_not_known_is_not_sent() {
    let changes: [fn(&mut Capture); 7] = [
        |capture| capture.request.body.withheld = Some(Withheld::Truncated),
        |capture| capture.request.body.fate = BodyFate::Aborted,
        |capture| capture.request.body.fate = BodyFate::Unknown,
        |capture| capture.request.method = Method::CONNECT,
        |capture| capture.request.method = Method::HEAD,
        |capture| capture.request.headers = HeaderMap::new(),
        |capture| capture.request.headers = headers(&[("host", b"a b")]),
    ];
    assert!(command(&capture()).is_some());
    for (at, change) in changes.into_iter().enumerate() {
        let mut capture = capture();
        change(&mut capture);
        assert_eq!(command(&capture), None, "{at}");
    }
    let mut unread = get("/");
    unread.request.body.fate = BodyFate::Unread;
    assert!(command(&unread).is_some());
    unread.request.version = Version::HTTP_2;
    assert_eq!(command(&unread), None);
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"'"[..]),
        Just(&b"''"[..]),
        Just(&b"\\'"[..]),
        Just(&b"\""[..]),
        Just(&b"$(touch a)"[..]),
        Just(&b"`touch a`"[..]),
        Just(&b";touch a;"[..]),
        Just(&b"'; touch a; '"[..]),
        Just(&b"\n"[..]),
        Just(&b"\r\n"[..]),
        Just(&b"--output"[..]),
        Just(&b"-o"[..]),
        Just(&b"@/etc/hosts"[..]),
        Just(&b"<"[..]),
        Just(&b"%s%n%"[..]),
        Just(&b"\\"[..]),
        Just(&b"\\0"[..]),
        Just(&b"\0"[..]),
        Just(&b"\xff\xfe"[..]),
        Just("é\u{202e}".as_bytes()),
        Just(&b"!!"[..]),
        Just(&b"$HOME"[..]),
        Just(&b"\t "[..]),
        Just(&b"1"[..]),
        Just(&b"~"[..]),
        Just(&b"*"[..]),
        Just(&b"\x1b[2J"[..]),
    ];
    let pieces = proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    prop_oneof![pieces, proptest::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_argument_arrives_byte_for_byte_and_nothing_runs(
        body in hostile(), value in hostile(), path in hostile(),
        name in "[-a-z0-9'`$!#%&*+.^_|~]{1,8}", method in "[-A-Z'`$!#%&*+.^_|~]{1,8}",
    ) {
        let path: Vec<u8> = path.into_iter().filter(|byte| byte.is_ascii_graphic() && *byte != b'#').collect();
        let uri = format!("/{}", String::from_utf8(path).unwrap());
        let value: Vec<u8> = value.into_iter().filter(|&byte| byte == b'\t' || (byte >= b' ' && byte != 127)).collect();
        let name = format!("x-{name}");
        let Ok(uri) = Uri::try_from(uri) else { return Ok(()) };

        let mut capture = get("/");
        capture.request.method = Method::from_bytes(method.as_bytes()).unwrap();
        capture.request.uri = uri.clone();
        capture.request.headers.insert(
            HeaderName::try_from(name.as_str()).unwrap(), HeaderValue::from_bytes(&value).unwrap(),
        );
        capture.request.body = whole(Bytes::from(body.clone()));
        let (arguments, input) = run(&command(&capture).unwrap());

        let header = if value.is_empty() { format!("{name};").into_bytes() } else { [name.as_bytes(), b": ", &value].concat() };
        let url = format!("http://h:8080{uri}");
        let mut expected: Vec<&[u8]> = vec![
            b"--globoff", b"--path-as-is", b"--http1.1", b"--request", method.as_bytes(), b"--url", url.as_bytes(),
            b"--header", b"accept: */*", b"--header", b"user-agent: x", b"--header", &header,
        ];
        if !body.is_empty() {
            expected.extend([&b"--header"[..], b"content-type:", b"--header", b"expect:"]);
        }
        if input.is_empty() {
            if !body.is_empty() {
                expected.extend([&b"--data-raw"[..], &body]);
            }
        } else {
            expected.extend([&b"--data-binary"[..], b"@-"]);
            prop_assert_eq!(&input, &body);
        }
        prop_assert_eq!(arguments, expected);
    }
}

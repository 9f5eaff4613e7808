//! Wherever a secret stands, and however it is written, cut and sent: it is in nothing that shows a
//! capture.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http_body_util::combinators::UnsyncBoxBody;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tower::service_fn;

use super::*;
use crate::debug_dump::samples::{Output, descriptors, field, framed, headers};
use crate::redact::Redaction;
use crate::testing::ScriptError;

type Own = UnsyncBoxBody<Bytes, ScriptError>;

const SECRET: &str = "SECRETQZXJKW0123456789";

/// A request, answered by what it is.
#[derive(Clone, Debug)]
struct Case {
    uri: String,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: bool,
    /// Where frames end.
    splits: Vec<Index>,
    cap: usize,
    /// Whether one who hides nothing would see it.
    is_plain: bool,
}

/// The ways to write a secret that is read back as itself.
fn written() -> impl Strategy<Value = (String, bool)> {
    let percent = || SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let json = || SECRET.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<String>();
    select(vec![
        (SECRET.to_owned(), true),
        (percent(), true),
        (json(), true),
        (STANDARD.encode(SECRET), true),
    ])
}

/// A key that the policy of the test hides, as several write it.
fn key() -> impl Strategy<Value = &'static str> {
    select(vec!["password", "api_key", "userToken", "client-secret", "loyalty", "corp.badge"])
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Headers of a content type, and a body.
fn body() -> impl Strategy<Value = (HeaderMap, Vec<u8>, bool)> {
    let of = |kind: &str| headers(&[("content-type", kind.as_bytes())]);
    let form = (key(), written()).prop_map(move |(key, (secret, _))| {
        let body = format!("a=1&{key}={secret}&b=2");
        (of("application/x-www-form-urlencoded"), body.into_bytes(), true)
    });
    let nested = (key(), written(), 0..4).prop_map(move |(key, (secret, _), depth)| {
        let mut body = format!(r#"{{"{key}":["{secret}",{{"x":"{secret}"}}],"z":1}}"#);
        for level in 0..depth {
            body = match level % 2 {
                0 => format!(r#"{{"n":[null,{body}],"o":"é\n"}}"#),
                _ => format!(r#"{{"text":{}}}"#, serde_json::to_string(&body).unwrap()),
            };
        }
        (of("application/json"), body.into_bytes(), true)
    });
    let nested = nested.boxed();
    let truncated = (nested.clone(), any::<Index>()).prop_map(|((headers, body, _), at)| {
        (headers, body[..at.index(body.len())].to_vec(), false)
    });
    let malformed = (nested.clone(), any::<Index>(), select(vec!["}", "]", ",", "\0", "{", ":"]))
        .prop_map(|((headers, body, _), at, piece)| {
            // after the key, as one whose letters are changed is another key
            let from = body.windows(2).rposition(|part| part == b":[").unwrap();
            let at = from + at.index(body.len() - from);
            (headers, [&body[..at], piece.as_bytes(), &body[at..]].concat(), false)
        });
    let zipped = nested.clone().prop_map(|(mut headers, body, _)| {
        headers.insert("content-encoding", "gzip".parse().unwrap());
        (headers, gzip(&body), true)
    });
    let parts = (key(), written()).prop_map(move |(key, (secret, _))| {
        let part = "\r\n--b\r\nContent-Disposition: form-data; name=";
        let body =
            format!("{}\"a\"\r\n\r\n1{part}\"{key}\"\r\n\r\n{secret}\r\n--b--\r\n", &part[2..]);
        (of("multipart/form-data; boundary=b"), body.into_bytes(), true)
    });
    prop_oneof![form, nested, truncated, malformed, zipped, parts, messages()]
}

/// A body of gRPC.
fn messages() -> impl Strategy<Value = (HeaderMap, Vec<u8>, bool)> {
    let of = || headers(&[("content-type", b"application/grpc"), ("grpc-encoding", b"gzip")]);
    let entry = |key: &[u8], value: &[u8]| [field(1, key), field(2, value)].concat();
    let value = (written(), 0..8).prop_map(move |((secret, _), form)| {
        let secret = secret.as_bytes();
        match form {
            0 => (field(2, secret), true),
            1 => (field(5, &entry(b"access_token", secret)), true),
            2 => (field(8, secret), true),
            3 => (field(9, &field(1, &entry(b"password", &field(3, secret)))), true),
            // hidden for other reasons than the policy's names
            4 => (field(6, secret), false),
            5 => (field(7, secret), false),
            6 => (field(99, secret), false),
            _ => (field(1, &[b"{\"password\":\"", secret, b"\"}"].concat()), true),
        }
    });
    (value, 0..4, any::<bool>()).prop_map(move |((mut message, is_plain), depth, is_zipped)| {
        for level in 0..depth {
            message = match level % 3 {
                0 => field(3, &message),
                1 => field(4, &message),
                _ => field(10, &entry(b"type.googleapis.com/shop.v1.Order", &message)),
            };
        }
        let first = framed(false, &field(1, b"two lamps"));
        let second = match is_zipped {
            true => framed(true, &gzip(&message)),
            false => framed(false, &message),
        };
        (of(), [first, second].concat(), is_plain)
    })
}

fn case() -> impl Strategy<Value = Case> {
    let seeded =
        select(vec!["authorization", "cookie", "x-corp-badge", "x-api-key", "referer", ""]);
    let frames = prop::collection::vec(any::<Index>(), 0..5);
    let cap = prop_oneof![Just(1 << 20), 0..300usize];
    (body(), key(), written(), seeded, frames, cap, any::<bool>()).prop_map(
        |((mut headers, body, is_plain), key, (secret, _), seeded, splits, cap, trailers)| {
            let secret = secret.replace('\\', "%5c");
            let value = match seeded {
                "referer" => format!("https://example.com/?{key}={SECRET}"),
                "cookie" => format!("a=1; session={SECRET}"),
                _ => format!("Bearer {SECRET}"),
            };
            if !seeded.is_empty() {
                headers.insert(seeded, value.parse().unwrap());
            }
            let is_plain = is_plain && cap > 300;
            let uri = format!("/shop.v1.Store/Buy?a=1&{key}={secret}");
            Case { uri, headers, body, trailers, splits, cap, is_plain }
        },
    )
}

impl Case {
    fn frames(&self) -> ScriptBody {
        let mut ends: Vec<_> = self.splits.iter().map(|at| at.index(self.body.len() + 1)).collect();
        ends.extend([0, self.body.len()]);
        ends.sort_unstable();
        let pieces = ends.windows(2).map(|ends| self.body[ends[0]..ends[1]].to_vec());
        let body = pieces.fold(ScriptBody::new(), |body, piece| body.data(piece));
        match self.trailers {
            true => body.trailers(&[("x-api-key", SECRET), ("grpc-status-details-bin", SECRET)]),
            false => body,
        }
    }
}

/// Everything that shows the capture of an exchange, each with its name.
fn shown(case: &Case, redaction: Redaction, opaque: Opaque) -> Vec<(&'static str, String)> {
    let (lines, events) = (Output::default(), Output::default());
    let control = DumpControl::builder()
        .sink(sink::NdJson::new(lines.clone()).sink())
        .sink(sink::event())
        .keeps_bytes(64 << 20)
        .build();
    let rule = rule().bytes(64 << 20).unwrap().body_cap(case.cap).unwrap();
    control.arm(rule);
    let mut live = control.live().unwrap();
    let layer = DebugDumpLayer::server(&control)
        .redaction(redaction)
        .opaque_bodies(opaque)
        .grpc_messages(descriptors())
        .request_body(|body: Own, tap| Own::new(tap.wrap(body)));
    let answers = service_fn(async |request: Request<Own>| {
        let _ = request.into_body().collect().await;
        let mut response = Response::new(case.frames());
        *response.headers_mut() = case.headers.clone();
        Ok::<_, std::convert::Infallible>(response)
    });
    let mut request = Request::post(&case.uri).body(Own::new(case.frames())).unwrap();
    *request.headers_mut() = case.headers.clone();
    request.headers_mut().insert("host", "example.com".parse().unwrap());
    let writer = events.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let response = layer.layer(answers).call(request).now_or_never().unwrap().unwrap();
        let _ = response.into_body().collect().now_or_never().unwrap();
    });
    let [capture] = &control.captures()[..] else { panic!("one capture") };
    let mut shown = vec![
        ("Debug", format!("{capture:?}")),
        ("text", render::text(capture)),
        ("JSON", String::from_utf8(render::json(capture)).unwrap()),
        ("HAR", har::log(&[Capture::clone(capture)]).to_string()),
        ("NDJSON", lines.text()),
        ("event", events.text()),
        ("live", format!("{:?}", live.next().now_or_never().flatten().unwrap())),
    ];
    shown.extend(curl::command(capture).map(|command| ("curl", command)));
    shown
}

/// Pieces of the secret, and of what it is when it is written otherwise.
fn needles() -> Vec<String> {
    let mut needles = Vec::new();
    for at in [0, 8, 16] {
        let piece = &SECRET[at..at + 6];
        let each = |form: fn(u8) -> String| piece.bytes().map(form).collect::<String>();
        needles.extend([
            piece.to_owned(),
            each(|byte| format!("%{byte:02x}")),
            each(|byte| format!("%25{byte:02x}")),
            each(|byte| format!("\\u{byte:04x}")),
            each(|byte| format!("{byte:02x}")),
            each(|byte| format!("\\{byte:03o}")),
            each(|byte| format!(" {byte:02x}")),
        ]);
    }
    // base64 of any bytes around it: the characters that depend on the secret alone
    for before in 0..3 {
        let encoded = STANDARD.encode([&[b' '; 2][..before], SECRET.as_bytes()].concat());
        needles.push(encoded[4..16].to_owned());
    }
    // what was base64 already, in base64
    let twice = STANDARD.encode(STANDARD.encode(SECRET));
    needles.push(twice[4..16].to_owned());
    needles
}

fn found(text: &str) -> Option<String> {
    // a text within a text has as many backslashes as it is deep
    // and curl's bodies come from printf, which writes these two in octal
    let mut text = text.replace(r"\134", r"\").replace(r"\045", "%");
    while text.contains(r"\\") {
        text = text.replace(r"\\", r"\");
    }
    let lower = text.to_ascii_lowercase();
    needles().into_iter().find(|needle| {
        // hexadecimal digits may be large; letters of base64 may not
        text.contains(needle) || (needle.contains(['%', '\\']) && lower.contains(needle))
    })
}

fn policy() -> Redaction {
    let policy = Redaction::default().key("loyalty").unwrap().key("corp.badge").unwrap();
    policy.header("x-corp-badge").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_is_nowhere(case in case()) {
        for (name, text) in shown(&case, policy(), Opaque::Withheld) {
            let found = found(&text);
            prop_assert!(found.is_none(), "{found:?} in {name}: {text}");
        }
    }

    /// The same without a policy: what looks for secrets finds them.
    #[test]
    fn it_is_everywhere_where_nothing_is_hidden(case in case()) {
        let bare = Case {
            uri: "/shop.v1.Store/Buy".to_owned(),
            headers: ["content-type", "content-encoding", "grpc-encoding"]
                .iter()
                .filter_map(|name| Some((name.parse().unwrap(), case.headers.get(*name)?.clone())))
                .collect(),
            trailers: false,
            ..case.clone()
        };
        for case in [case, bare] {
            if !case.is_plain {
                continue;
            }
            for (name, text) in shown(&case, Redaction::none(), Opaque::Kept) {
                prop_assert!(found(&text).is_some(), "none in {name}: {text}");
            }
        }
    }
}

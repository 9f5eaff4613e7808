//! Whatever a caller sends and a handler annotates, an exchange is one line: in both sinks, and in
//! what is logged and stamped meanwhile.
#![no_main]

use std::io;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use libfuzzer_sys::fuzz_target;
use tower::{Layer, Service, service_fn};
use tower_observability::access_log::{AccessLogLayer, JsonLines, Schema, stamp};
use tower_observability::exchange::annotate;
use tower_observability::request_id::RequestIdLayer;
use tracing_subscriber::layer::SubscriberExt;

#[derive(Arbitrary, Debug)]
struct Input {
    method: Vec<u8>,
    path_and_query: Vec<u8>,
    user_agent: Vec<u8>,
    request_id: Vec<u8>,
    header: Vec<u8>,
    key: String,
    value: String,
    logged: String,
    schema: u8,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).expect("lines are UTF-8")
    }
}

fn sinks() -> &'static (Shared, Shared) {
    static SINKS: OnceLock<(Shared, Shared)> = OnceLock::new();
    SINKS.get_or_init(|| {
        let (json, text) = (Shared::default(), Shared::default());
        let (to_json, to_text) = (json.clone(), text.clone());
        let subscriber = tracing_subscriber::registry()
            .with(
                stamp::json()
                    .with_writer(move || to_json.clone())
                    .map_event_format(|stamp| stamp.attribute("fuzzed")),
            )
            .with(stamp::text().with_writer(move || to_text.clone()));
        tracing::subscriber::set_global_default(subscriber).expect("the first one");
        (json, text)
    })
}

/// Each line is whole and printable; returns how many there are.
fn lines(written: &str) -> usize {
    assert!(written.is_empty() || written.ends_with('\n'));
    for line in written.lines() {
        assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{line:?}");
    }
    written.matches('\n').count()
}

fn objects(written: &str) -> usize {
    for line in written.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        assert!(object.is_object());
    }
    lines(written)
}

fuzz_target!(|input: Input| {
    let (json, text) = sinks();
    let Ok(uri) = Uri::from_maybe_shared(input.path_and_query.clone()) else { return };
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    if let Ok(method) = http::Method::from_bytes(&input.method) {
        *request.method_mut() = method;
    }
    for (name, value) in [
        ("user-agent", &input.user_agent),
        ("x-request-id", &input.request_id),
        ("x-fuzzed", &input.header),
    ] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    let schema = match input.schema % 3 {
        0 => Schema::OpenTelemetry,
        1 => Schema::Ecs,
        _ => Schema::Gcp { project: None },
    };
    let direct = Shared::default();
    let layer = AccessLogLayer::server()
        .json_lines(JsonLines::new(direct.clone()).schema(schema))
        .tracing_events(true)
        .request_header("x-fuzzed")
        .expect("a header name");
    let handler = service_fn(|_: Request<()>| {
        let Input { key, value, logged, .. } = &input;
        annotate(key.clone(), value.clone());
        annotate("fuzzed", value.clone());
        tracing::info!(field = %logged, other = ?value, "{logged}");
        std::future::ready(Ok::<_, io::Error>(Response::new(String::new())))
    });
    let mut service = RequestIdLayer::server().layer(layer.layer(handler));
    let answered = pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(response)) = answered else { panic!("it answers at once") };
    drop(response);

    assert_eq!(objects(&direct.take()), 1);
    assert_eq!(objects(&json.take()), 2, "the handler's event and the access log's");
    assert_eq!(lines(&text.take()), 2);
});

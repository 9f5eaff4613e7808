//! The global provider and propagator, which may be installed after a layer was built and used. A
//! process has one of each, so there is one test.
#![cfg(all(feature = "testing", feature = "telemetry"))]

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use http::{Request, Response};
use opentelemetry::global;
use opentelemetry::trace::TraceId;
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::testing::{ScriptBody, SpanRecorder};
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;
use tracing_subscriber::fmt::MakeWriter;

const CALLER: &str = "00-000000000000000000000000000000aa-00000000000000bb-01";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn warnings(&self) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains("no propagator is installed")).count()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // where logs go, there may be a client with such a layer
        let transport = service_fn(|_: Request<()>| {
            std::future::ready(Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end())))
        });
        let client = TraceLayer::client().filter(|_| false).layer(transport);
        let asked = client.oneshot(Request::get("http://logs.example.com/").body(()).unwrap());
        asked.now_or_never().unwrap().unwrap();
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Asks a client behind a server; which `traceparent` the client sent.
async fn ask(server: &TraceLayer, client: &TraceLayer) -> Option<String> {
    let (tell, told) = std::sync::mpsc::channel();
    let transport = service_fn(move |request: Request<()>| {
        let sent = request.headers().get("traceparent");
        tell.send(sent.map(|value| value.to_str().unwrap().to_owned())).unwrap();
        let answer = Response::new(ScriptBody::new().claims_end());
        std::future::ready(Ok::<_, Infallible>(answer))
    });
    let client = client.layer(transport);
    let server = server.layer(service_fn(move |_: Request<()>| {
        client.clone().oneshot(Request::get("http://shop.example.com/").body(()).unwrap())
    }));
    server
        .oneshot(Request::get("/").header("traceparent", CALLER).body(()).unwrap())
        .await
        .unwrap();
    told.recv().unwrap()
}

#[tokio::test]
async fn what_is_installed_late_is_used_and_a_missing_propagator_is_warned_of_once() {
    let written = Written::default();
    tracing_subscriber::fmt().with_writer(written.clone()).init();
    let (server, client) = (TraceLayer::server(), TraceLayer::client());
    assert_eq!(written.warnings(), 0);
    assert_eq!(ask(&server, &client).await, None);
    assert_eq!(written.warnings(), 1);
    assert_eq!(ask(&server, &client).await, None);
    assert_eq!(written.warnings(), 1);

    // a propagator without a provider hands the caller's trace on as it is
    global::set_text_map_propagator(W3cPropagator::new());
    assert_eq!(ask(&server, &client).await, Some(CALLER.to_owned()));

    let spans = SpanRecorder::new();
    global::set_tracer_provider(spans.provider().clone());
    assert_eq!(spans.spans(), []);
    let sent = ask(&server, &client).await;
    let [inner, outer] = &spans.spans()[..] else { panic!("{:#?}", spans.spans()) };
    assert_eq!(sent, Some(format!("00-{}-{}-01", inner.trace_id, inner.span_id)));
    assert_eq!((inner.trace_id, inner.parent), (TraceId::from(0xaa_u128), Some(outer.span_id)));
    assert_eq!((outer.trace_id, outer.parent_is_remote), (TraceId::from(0xaa_u128), true));
    assert_eq!(written.warnings(), 1);

    // a layer stays with the provider it found
    let later = SpanRecorder::new();
    global::set_tracer_provider(later.provider().clone());
    ask(&server, &client).await;
    assert_eq!((spans.spans().len(), later.spans()), (4, vec![]));
    let [server, client] = [TraceLayer::server(), TraceLayer::client()];
    ask(&server, &client).await;
    assert_eq!((spans.spans().len(), later.spans().len()), (4, 2));
}

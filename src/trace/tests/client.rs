//! What a client's layer records of each attempt, and what it sends.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceState};
use tower::retry::{Policy, RetryLayer};
use tower::{BoxError, ServiceBuilder};

use super::*;
use crate::route::Route;
use crate::trace::{DoNotPropagate, ResendCountLayer};

const URL: &str = "http://shop.example.com/items";

/// Keeps the headers of each request that is sent, and then lets a script answer.
#[derive(Clone)]
struct Transport {
    sent: Arc<Mutex<Vec<HeaderMap>>>,
    then: Script,
}

impl Transport {
    fn new(then: Script) -> Self {
        Self { sent: Arc::default(), then }
    }

    /// The `traceparent` of each request.
    fn told(&self) -> Vec<Option<String>> {
        let value = |headers: &HeaderMap| {
            let told: Vec<_> = headers.get_all("traceparent").iter().collect();
            assert!(told.len() < 2, "{told:?}");
            told.first().map(|value| value.to_str().unwrap().to_owned())
        };
        self.sent.lock().unwrap().iter().map(value).collect()
    }
}

impl Service<Request<()>> for Transport {
    type Response = <Script as Service<Request<()>>>::Response;
    type Error = <Script as Service<Request<()>>>::Error;
    type Future = <Script as Service<Request<()>>>::Future;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        self.sent.lock().unwrap().push(request.headers().clone());
        self.then.call(request)
    }
}

fn ok() -> Transport {
    Transport::new(Script::status(StatusCode::OK))
}

/// What is recorded of a GET of [`URL`] that was answered 200 at once.
fn sent(attributes: &[(&str, Value)]) -> SpanRecord {
    let mut all = vec![
        ("server.address", "shop.example.com".into()),
        ("server.port", 80.into()),
        ("url.full", URL.into()),
    ];
    for (key, value) in attributes {
        all.retain(|(known, _)| known != key);
        all.push((key, value.clone()));
    }
    let mut record = served(&all);
    record.attributes.retain(|(key, _)| key != "url.path" && key != "url.scheme");
    SpanRecord { kind: SpanKind::Client, ..record }
}

fn error(record: SpanRecord) -> SpanRecord {
    SpanRecord { status: Status::error(""), ..record }
}

fn traceparent(span: &SpanRecord, flags: &str) -> Option<String> {
    Some(format!("00-{}-{}-{flags}", span.trace_id, span.span_id))
}

async fn ask(layer: &TraceLayer, transport: &Transport, request: request::Builder) {
    let _ = layer.layer(transport.clone()).oneshot(request.body(()).unwrap()).await;
}

/// What is recorded of this request.
async fn record(request: request::Builder) -> SpanRecord {
    let bench = Bench::new();
    ask(&bench.client(), &ok(), request).await;
    bench.spans.only()
}

#[tokio::test]
async fn a_span_for_an_attempt_which_the_server_is_told_of() {
    let (bench, transport) = (Bench::new(), ok());
    let layer = bench.client();
    assert_eq!((bench.spans.spans(), transport.told()), (vec![], vec![]));
    // what stood there, as in a request that is handed on, is replaced
    ask(&layer, &transport, get(URL).header("traceparent", CALLER)).await;
    assert_eq!(bench.spans.only(), sent(&[]));
    assert_eq!(transport.told(), [traceparent(&sent(&[]), "01")]);
}

/// Asks again until it was answered 200, or three times.
#[derive(Clone)]
struct Thrice(u32);

impl<B, E> Policy<Request<()>, Response<B>, E> for Thrice {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<()>,
        answer: &mut Result<Response<B>, E>,
    ) -> Option<Ready<()>> {
        let failed = !answer.as_ref().is_ok_and(|answer| answer.status() == 200);
        self.0 += 1;
        (failed && self.0 < 3).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn each_attempt_of_a_retry_has_a_span_and_tells_how_often_it_was_sent_before() {
    let attempt = |number: u64, attributes: &[(&str, Value)]| {
        let status = ("http.response.status_code", 503.into());
        let attributes = [&[("error.type", "503".into()), status][..], attributes].concat();
        let (trace_id, span_id) = (TraceId::from(u128::from(number)), SpanId::from(number));
        error(SpanRecord { trace_id, span_id, ..sent(&attributes) })
    };
    let resent = |count: i64| ("http.request.resend_count", Value::from(count));
    let (plain, second, third) =
        (attempt(1, &[]), attempt(2, &[resent(1)]), attempt(3, &[resent(2)]));
    for outside in [true, false] {
        let bench = Bench::new();
        let transport = Transport::new(Script::status(StatusCode::SERVICE_UNAVAILABLE));
        let client = ServiceBuilder::new()
            .option_layer(outside.then(ResendCountLayer::new))
            .layer(RetryLayer::new(Thrice(0)))
            .layer(bench.client())
            .service(transport.clone());
        assert_eq!(bench.spans.spans(), []);
        client.clone().oneshot(get(URL).body(()).unwrap()).await.unwrap();
        let expected = match outside {
            true => [plain.clone(), second.clone(), third.clone()],
            false => [plain.clone(), attempt(2, &[]), attempt(3, &[])],
        };
        assert_eq!(bench.spans.spans(), expected);
        assert_eq!(transport.told(), expected.each_ref().map(|span| traceparent(span, "01")));
        // the next request is counted anew
        client.oneshot(get(URL).body(()).unwrap()).await.unwrap();
        assert_eq!(bench.spans.spans()[3], attempt(4, &[]));
    }
}

#[tokio::test]
async fn two_layers_around_a_client_count_an_attempt_once() {
    let bench = Bench::new();
    let client = ServiceBuilder::new()
        .layer(ResendCountLayer::new())
        .layer(RetryLayer::new(Thrice(1)))
        .layer(bench.client())
        .layer(bench.client())
        .service(Transport::new(Script::status(StatusCode::SERVICE_UNAVAILABLE)));
    client.oneshot(get(URL).body(()).unwrap()).await.unwrap();
    let counts = bench.spans.spans();
    let counts: Vec<_> =
        counts.iter().map(|span| span.attribute("http.request.resend_count")).collect();
    assert_eq!(counts, [None, Some(&1.into())]);
}

#[tokio::test]
async fn a_request_can_keep_its_trace_to_itself() {
    let (bench, transport) = (Bench::new(), ok());
    ask(&bench.client(), &transport, get(URL).extension(DoNotPropagate)).await;
    assert_eq!(bench.spans.only(), sent(&[]));
    assert_eq!(transport.told(), [None]);
}

#[tokio::test]
async fn only_the_listed_hosts_are_told() {
    for (url, is_told) in [
        ("http://api.example.com/", true),
        ("http://API.example.com:8080/", true),
        ("http://a.b.internal/", true),
        ("http://[::1]:8080/", true),
        ("http://user:pass@api.example.com/", true),
        ("http://internal/", false),
        ("http://api.example.com.evil.test/", false),
        ("http://evil.test/api.example.com", false),
        ("http://api.example.com@evil.test/", false),
        ("/api.example.com", false),
    ] {
        let (bench, transport) = (Bench::new(), ok());
        let hosts = ["api.example.com", "*.internal", "::1"];
        ask(&bench.client().inject_to(hosts).unwrap(), &transport, get(url)).await;
        let told = is_told.then(|| traceparent(&bench.spans.only(), "01")).flatten();
        assert_eq!(transport.told(), [told], "{url}");
    }
}

#[tokio::test]
async fn a_configured_server_is_on_the_list_by_its_name() {
    for (host, is_told) in [("api.internal", true), ("api.example.com", false)] {
        let (bench, transport) = (Bench::new(), ok());
        let layer = bench.client().inject_to(["*.internal"]).unwrap();
        ask(&layer.server_address(host, 50051).unwrap(), &transport, get("/pkg.Svc/Method")).await;
        let expected = sent(&[
            ("server.address", host.into()),
            ("server.port", 50051.into()),
            ("url.full", "/pkg.Svc/Method".into()),
        ]);
        assert_eq!(bench.spans.only(), expected);
        let told = is_told.then(|| traceparent(&expected, "01")).flatten();
        assert_eq!(transport.told(), [told]);
    }
}

#[tokio::test]
async fn a_filtered_request_hands_on_the_trace_around_it() {
    use opentelemetry::context::FutureExt;

    let (bench, transport) = (Bench::new(), ok());
    let layer = bench.client().filter(|_| false);
    ask(&layer, &transport, get(URL)).await;
    assert_eq!(transport.told(), [None]);
    let around = Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(0xaa_u128),
        SpanId::from(0xbb_u64),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    ));
    ask(&layer, &transport, get(URL)).with_context(around).await;
    assert_eq!(transport.told(), [None, Some(CALLER.to_owned())]);
    assert_eq!(bench.spans.spans(), []);
}

#[tokio::test]
async fn a_filtered_request_is_told_of_under_the_trace_around_it() {
    use crate::exchange::Facts;

    let bench = Bench::new();
    let (tell, told) = std::sync::mpsc::channel();
    let client = bench.client().filter(|_| false).layer(tower::service_fn(move |_: Request<()>| {
        tell.send(Facts::current().unwrap().trace().copied()).unwrap();
        ready(Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end())))
    }));
    let request = get("/").header("traceparent", CALLER).body(()).unwrap();
    bench.server().layer(asking(client)).oneshot(request).await.unwrap();
    assert_eq!(told.recv().unwrap(), crate::id::TraceIdentity::new(0xaa, 1, true));
}

#[tokio::test]
async fn what_the_server_answers_stays_as_it_is() {
    use crate::trace::TraceResponse;

    for how in [TraceResponse::TraceResponse, TraceResponse::ServerTiming] {
        let bench = Bench::new();
        let script = Script::status(StatusCode::OK).with_header("traceresponse", "the server's");
        let client = bench.client().trace_response(how).layer(script);
        let answer = client.oneshot(get(URL).body(()).unwrap()).await.unwrap();
        assert_eq!(answer.headers()["traceresponse"], "the server's");
        assert_eq!(answer.headers().len(), 1);
    }
}

#[tokio::test]
async fn the_callers_own_cancel_is_no_error() {
    let bench = Bench::new();
    let mut client = bench.client().layer(Transport::new(Script::pends()));
    let mut call = Box::pin(client.call(get(URL).body(()).unwrap()));
    assert!(futures_util::poll!(&mut call).is_pending());
    bench.time.advance(Duration::from_millis(7));
    assert_eq!(bench.spans.spans(), []);
    drop(call);
    let mut expected = sent(&[("error.type", "cancelled".into())]);
    let unanswered = ["http.response.status_code", "network.protocol.version"];
    expected.attributes.retain(|(key, _)| !unanswered.contains(&key.as_str()));
    expected.duration = Duration::from_millis(7);
    assert_eq!(bench.spans.only(), expected);
}

#[tokio::test]
async fn everything_but_success_is_an_error() {
    for status in [404, 500] {
        let bench = Bench::new();
        let script = Script::status(StatusCode::from_u16(status).unwrap());
        ask(&bench.client(), &Transport::new(script), get(URL)).await;
        let expected = error(sent(&[
            ("error.type", status.to_string().into()),
            ("http.response.status_code", i64::from(status).into()),
        ]));
        assert_eq!(bench.spans.only(), expected);
    }
}

#[tokio::test]
async fn secrets_of_the_url_are_hidden() {
    for key in [
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "AWSAccessKeyId",
        "Signature",
        "sig",
        "X-Goog-Signature",
    ] {
        let url = |value: &str| format!("{URL}?a=1&{key}={value}&b=2");
        let expected = sent(&[("url.full", url("REDACTED").into())]);
        assert_eq!(record(get(&url("hunter2"))).await, expected);
    }
    for (url, shown) in [
        (
            "https://bob:hunter2@shop.example.com/items",
            "https://REDACTED:REDACTED@shop.example.com/items",
        ),
        ("https://bob@shop.example.com/items", "https://REDACTED:REDACTED@shop.example.com/items"),
    ] {
        let expected = sent(&[("url.full", shown.into()), ("server.port", 443.into())]);
        assert_eq!(record(get(url)).await, expected);
    }
}

#[tokio::test]
async fn server_and_port_are_those_of_the_url() {
    for (url, address, port) in [
        ("https://shop.example.com/", "shop.example.com", 443),
        ("http://shop.example.com:8080/", "shop.example.com", 8080),
        ("http://[2001:db8::1]:81/", "2001:db8::1", 81),
        ("http://192.0.2.7/", "192.0.2.7", 80),
    ] {
        let expected = sent(&[
            ("server.address", address.into()),
            ("server.port", port.into()),
            ("url.full", url.into()),
        ]);
        assert_eq!(record(get(url)).await, expected);
    }
}

#[tokio::test]
async fn a_template_that_the_caller_tells_is_part_of_the_name() {
    let request = get(URL).extension(Route::from("/{things}"));
    let expected = sent(&[("url.template", "/{things}".into())]);
    assert_eq!(record(request).await, SpanRecord { name: "GET /{things}".into(), ..expected });
}

#[tokio::test]
async fn a_failure_is_told_without_its_text_unless_that_is_asked_for() {
    for asked in [false, true] {
        let bench = Bench::new();
        let layer = if asked { bench.client().error_text() } else { bench.client() };
        let script = Script::fails("no route to db7");
        // only errors of types that are known can be read: a boxed one, for instance
        let client = layer.layer(ServiceBuilder::new().map_err(BoxError::from).service(script));
        let _ = client.oneshot(get(URL).body(()).unwrap()).await;
        let mut expected = error(sent(&[("error.type", "failed".into())]));
        let unanswered = ["http.response.status_code", "network.protocol.version"];
        expected.attributes.retain(|(key, _)| !unanswered.contains(&key.as_str()));
        let mut attributes = vec![("exception.type".to_owned(), Value::from("failed"))];
        if asked {
            expected.status = Status::error("no route to db7");
            attributes.push(("exception.message".to_owned(), "no route to db7".into()));
        }
        expected.events = vec![SpanEvent {
            name: "exception".into(),
            after: Duration::ZERO,
            attributes: attributes.into_iter().collect(),
        }];
        assert_eq!(bench.spans.only(), expected);
    }
}

/// Asks a client in the handler's stead, and answers what that says.
fn asking<S>(client: S) -> impl Service<Request<()>, Response = S::Response, Error = Infallible>
where
    S: Service<Request<()>> + Clone,
    S::Error: std::fmt::Debug,
{
    tower::service_fn(move |_: Request<()>| {
        let call = client.clone().oneshot(get(URL).body(()).unwrap());
        async { Ok::<_, Infallible>(call.await.unwrap()) }
    })
}

#[tokio::test]
async fn a_client_that_a_handler_asks_goes_on_from_its_span() {
    let (bench, transport) = (Bench::new(), ok());
    let server = bench.server().layer(asking(bench.client().layer(transport.clone())));
    let request = get("/").header("traceparent", CALLER).body(()).unwrap();
    server.oneshot(request).await.unwrap();
    let trace_id = TraceId::from(0xaa_u128);
    let (server, client) = (SpanId::from(1_u64), SpanId::from(2_u64));
    let client = SpanRecord { trace_id, span_id: client, parent: Some(server), ..sent(&[]) };
    let parent = Some(SpanId::from(0xbb_u64));
    let server = SpanRecord { trace_id, parent, parent_is_remote: true, ..served(&[]) };
    assert_eq!(transport.told(), [traceparent(&client, "01")]);
    assert_eq!(bench.spans.spans(), [client, server]);
}

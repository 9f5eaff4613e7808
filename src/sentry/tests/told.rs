//! What an event tells.

use std::backtrace::Backtrace;
use std::convert::Infallible;
use std::time::Duration;

use http::request;
use sentry_core::Level;
use sentry_core::protocol::Context;
use tower::service_fn;

use super::*;
use crate::classify::Side::Server;
use crate::exchange::{CaughtPanic, End, Facts, ObserveLayer, Observer, PanicBacktrace, annotate};
use crate::id::{RequestId, TraceIdentity};
use crate::redact::Redaction;

/// Identifies every exchange.
#[derive(Clone)]
struct Identified;

impl Observer for Identified {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, facts: &Arc<Facts>) {
        facts.set_route("/users/{id}");
        facts.set_request_id(RequestId::from_bytes(b"r-1").unwrap());
        facts.set_trace(TraceIdentity::new(0xabc, 7, true).unwrap());
    }

    fn end(&self, (): (), _: &End<'_>) {}
}

/// The exception of an event, in parts that can be compared.
fn of(event: &Event<'_>) -> (String, Option<String>, String, Option<bool>) {
    let [exception] = event.exception.values.as_slice() else { panic!("one, not {event:#?}") };
    let mechanism = exception.mechanism.clone().unwrap();
    (exception.ty.clone(), exception.value.clone(), mechanism.ty, mechanism.handled)
}

#[test]
fn a_panic_that_was_caught_is_told_with_all_that_is_known_and_no_secret() {
    let kept = Kept::default();
    let service = service_fn(async |_: Request<()>| {
        assert!(annotate("user.id", 7));
        let mut panic = CaughtPanic::new();
        panic.message = Some("no stock, token=s3cret".into());
        panic.location = Some("src/stock.rs:12:34".into());
        panic.backtrace = Some(PanicBacktrace::new(Backtrace::force_capture()));
        assert!(Facts::current().unwrap().set_caught_panic(panic));
        let body = ScriptBody::new().data("sorry");
        Ok::<_, Infallible>(Response::builder().status(500).body(body).unwrap())
    });
    let request = Request::get("/users/7?token=s3cret&tab=orders")
        .header("host", "shop.example")
        .header("authorization", "Bearer s3cret")
        .header("cookie", "session=s3cret")
        .header("accept", "*/*")
        .body(())
        .unwrap();
    let layer = ObserveLayer::new(Server, (Identified, SentryLayer::server().into_observer()));
    let mut service = layer.clock(ManualClock::new().clock()).layer(service);
    Hub::run(Arc::clone(&kept.hub), || {
        let response = service.call(request).now_or_never().unwrap().unwrap();
        assert_eq!(kept.events().len(), 0, "not before its end");
        assert_eq!(
            response.into_body().collect().now_or_never().unwrap().unwrap().to_bytes(),
            "sorry"
        );
    });
    let event = kept.event();
    assert_eq!(event.level, Level::Error);
    assert_eq!(event.transaction.as_deref(), Some("GET /users/{id}"));
    let told =
        ("panic".into(), Some("no stock, token=REDACTED".into()), "panic".into(), Some(true));
    assert_eq!(of(&event), told);
    let frames = &event.exception.values[0].stacktrace.as_ref().unwrap().frames;
    let places: Vec<_> =
        frames.iter().map(|frame| (frame.filename.as_deref(), frame.lineno, frame.colno)).collect();
    assert_eq!(places, [(Some("src/stock.rs"), Some(12), Some(34))]);
    assert_eq!(event.extra["location"], "src/stock.rs:12:34");
    assert!(event.extra["backtrace"].as_str().unwrap().contains("sentry::tests::told"));
    let trace = "00000000000000000000000000000abc";
    let expected = [
        ("error_type", "panic"),
        ("outcome", "panicked"),
        ("request_id", "r-1"),
        ("route", "/users/{id}"),
        ("status_code", "500"),
        ("trace_id", trace),
    ];
    assert_eq!(tags(&event), pairs(&expected));
    let Context::Trace(context) = &event.contexts["trace"] else { panic!("{event:#?}") };
    assert_eq!(context.trace_id.to_string(), trace);
    assert_eq!(context.span_id.to_string(), "0000000000000007");
    let Context::Response(response) = &event.contexts["response"] else { panic!("{event:#?}") };
    assert_eq!((response.status_code, response.body_size), (Some(500), Some(5)));
    let request = event.request.as_ref().unwrap();
    let url = request.url.as_ref().unwrap().as_str();
    assert_eq!(url, "http://shop.example/users/7?token=REDACTED&tab=orders");
    assert_eq!(request.method.as_deref(), Some("GET"));
    assert_eq!(request.headers["accept"], "*/*");
    assert_eq!(event.user, None, "nobody asked for it");
    assert!(!format!("{event:?}").contains("s3cret"), "{event:#?}");
}

#[test]
fn a_panic_that_nothing_caught_is_fatal() {
    let kept = Kept::default();
    kept.ask(&layer(), Script::panics("no stock"), get());
    let event = kept.event();
    assert_eq!(event.level, Level::Fatal);
    let told = ("panic".into(), Some("no stock".into()), "panic".into(), Some(false));
    assert_eq!(of(&event), told);
    assert_eq!(tags(&event), pairs(&[("error_type", "panic"), ("outcome", "panicked")]));
}

#[test]
fn what_went_wrong_is_told_by_where_it_did() {
    let kept = Kept::default();
    let status = http::StatusCode::SERVICE_UNAVAILABLE;
    kept.ask(&layer(), Script::status(status), get());
    let event = kept.event();
    assert_eq!(exceptions(&event), [("503".into(), None)]);
    let expected = [("error_type", "503"), ("outcome", "completed"), ("status_code", "503")];
    assert_eq!(tags(&event), pairs(&expected));

    let io = service_fn(async |_: Request<()>| {
        Err::<Response<ScriptBody>, _>(std::io::Error::other("gone: password=s3cret"))
    });
    kept.ask(&layer(), io, get());
    let event = kept.event();
    assert_eq!(exceptions(&event), [("failed".into(), Some("gone: password=REDACTED".into()))]);
    assert_eq!(tags(&event), pairs(&[("error_type", "failed"), ("outcome", "failed")]));

    kept.ask(&layer(), Script::body(ScriptBody::new().data("abc").error("gone")), get());
    let event = kept.event();
    let expected = [("error_type", "failed"), ("outcome", "failed"), ("status_code", "200")];
    assert_eq!(tags(&event), pairs(&expected));

    let call = Request::post("/shop.Cart/Add").header("content-type", "application/grpc");
    let trailers = ScriptBody::new().trailers(&[("grpc-status", "14")]);
    let script = Script::body(trailers).with_header("content-type", "application/grpc");
    kept.ask(&layer(), script, call.body(()).unwrap());
    let event = kept.event();
    assert_eq!(event.transaction.as_deref(), Some("POST _OTHER"));
    let expected = [
        ("error_type", "UNAVAILABLE"),
        ("grpc_status", "UNAVAILABLE"),
        ("outcome", "completed"),
        ("route", "_OTHER"),
        ("status_code", "200"),
    ];
    assert_eq!(tags(&event), pairs(&expected));
}

#[test]
fn what_a_program_tells_beside_is_scrubbed_as_well() {
    let kept = Kept::default();
    let tells = service_fn(async |_: Request<()>| {
        sentry_core::configure_scope(|scope| {
            scope.set_tag("url", "/in?token=s3cret");
            scope.set_tag("password", "s3cret");
            scope.set_extra("asked", vec!["api_key=s3cret", "page=2"].into());
            scope.set_extra("secret", "s3cret".into());
        });
        Ok::<_, Infallible>(Response::builder().status(500).body(ScriptBody::new()).unwrap())
    });
    let forwarded = get().map(|()| ());
    let (mut head, body) = forwarded.into_parts();
    head.headers.insert("x-forwarded-for", "203.0.113.7".parse().unwrap());
    kept.ask(&layer(), tells, Request::from_parts(head, body));
    let event = kept.event();
    assert_eq!((&*event.tags["url"], &*event.tags["password"]), ("/in?token=REDACTED", "REDACTED"));
    assert_eq!(event.extra["asked"], serde_json::json!(["api_key=REDACTED", "page=2"]));
    assert_eq!(event.extra["secret"], "REDACTED");
    let headers = &event.request.as_ref().unwrap().headers;
    assert_eq!(headers.keys().map(String::as_str).collect::<Vec<_>>(), ["host"], "no address");
}

#[test]
fn a_methods_name_is_no_word_of_the_callers() {
    let kept = Kept::default();
    let layer = ObserveLayer::new(Server, (Identified, layer().into_observer()));
    let mut service = layer.layer(Script::status(http::StatusCode::BAD_GATEWAY));
    let request = Request::builder().method("BREW7").uri("/users/7").body(()).unwrap();
    Hub::run(Arc::clone(&kept.hub), || drop(service.call(request).now_or_never()));
    assert_eq!(kept.event().transaction.as_deref(), Some("_OTHER /users/{id}"));
}

#[test]
fn settings_fill_what_an_event_does_not_tell() {
    let kept = Kept::default();
    let fails = service_fn(async |_: Request<()>| {
        assert!(annotate("user.id", "u-7"));
        sentry_core::capture_message("in the handler", Level::Warning);
        Ok::<_, Infallible>(Response::builder().status(500).body(ScriptBody::new()).unwrap())
    });
    let layer = layer()
        .users()
        .environment("production")
        .release("shop@1.2.3")
        .redaction(Redaction::default().header("accept").unwrap());
    let request = Request::get("/").header("host", "h").header("accept", "a/b").body(()).unwrap();
    kept.ask(&layer, fails, request);
    let events = kept.events();
    let levels: Vec<_> = events.iter().map(|event| event.level).collect();
    assert_eq!(levels, [Level::Warning, Level::Error]);
    for event in events {
        assert_eq!(event.environment.as_deref(), Some("production"));
        assert_eq!(event.release.as_deref(), Some("shop@1.2.3"));
        assert_eq!(event.user.as_ref().unwrap().id.as_deref(), Some("u-7"));
        assert_eq!(event.request.as_ref().unwrap().headers["accept"], "REDACTED");
    }
    let client = ClientOptions::new().environment("staging").release("shop@1");
    let kept = Kept::new(client);
    kept.ask(&super::layer(), Script::status(http::StatusCode::BAD_GATEWAY), get());
    let event = kept.event();
    assert_eq!(event.environment.as_deref(), Some("staging"), "the client's");
    assert_eq!(event.release.as_deref(), Some("shop@1"));
}

#[test]
fn the_status_is_that_of_the_end_and_not_of_the_headers() {
    let kept = Kept::default();
    let clock = ManualClock::new();
    let body = ScriptBody::new().data("abc").pass(&clock, Duration::from_secs(2)).error("late");
    kept.ask(&SentryLayer::server().clock(clock.clock()), Script::body(body), get());
    let event = kept.event();
    let Context::Response(response) = &event.contexts["response"] else { panic!("{event:#?}") };
    assert_eq!((response.status_code, response.body_size), (Some(200), Some(3)));
    assert_eq!(event.tags["outcome"], "failed");
}

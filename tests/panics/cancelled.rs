//! Requests that run beside each other on one thread have hubs of their own, cancelled or not.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use http::{Request, Response};
use sentry::{Hub, Level, capture_message, configure_scope};
use serde_json::{Value, json};
use tower::{Layer, Service, service_fn};
use tower_observability::catch_panic::CatchPanicLayer;
use tower_observability::request_id::{Generator, RequestIdLayer};
use tower_observability::sentry::SentryLayer;

use crate::endpoint::Endpoint;
use crate::mines::*;
use crate::signals::{hub, options, sent};

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Says whose hub is current when it is dropped.
struct Last(String);

impl Drop for Last {
    fn drop(&mut self) {
        capture_message(&format!("{} is dropped", self.0), Level::Info);
    }
}

/// A request under way, of which the scope is told the name. It goes on when polled, and drops what it
/// is given to drop in the middle.
fn begin(name: &str, drops: Arc<Mutex<Option<Running>>>) -> Running {
    let id = name.parse().unwrap();
    let ids = RequestIdLayer::server().generator(Generator::new(move || id));
    let name = name.to_owned();
    let handler = service_fn(move |_: Request<String>| {
        let (name, drops) = (name.clone(), drops.clone());
        async move {
            configure_scope(|scope| scope.set_tag("whose", &name));
            let _last = Last(name.clone());
            tokio::task::yield_now().await;
            let dropped = drops.lock().unwrap().take();
            drop(dropped);
            capture_message(&format!("{name} goes on"), Level::Info);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    });
    let mut service = (ids, SentryLayer::server()).layer(handler);
    let answering = service.call(Request::new(String::new()));
    Box::pin(async move {
        answering.await.unwrap();
    })
}

fn poll(running: &mut Running) -> bool {
    running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Messages, and whose they were by their tags.
fn told(events: &[Value]) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or("nobody").to_owned();
    let tell = |event: &Value| {
        let tags = &event["tags"];
        [text(&event["message"]), text(&tags["whose"]), text(&tags["request_id"])]
    };
    events.iter().map(tell).collect()
}

#[test]
fn a_cancelled_request_touches_no_other_ones_hub() {
    let endpoint = Endpoint::start();
    let hub = hub(options(&endpoint.dsn(1)));
    Hub::run(hub.clone(), || {
        let (nothing, slot) = (Arc::default(), Arc::new(Mutex::new(None)));
        let mut one = begin("one", nothing);
        let mut two = begin("two", slot.clone());
        let mut three = begin("three", Arc::default());
        assert_eq!([poll(&mut one), poll(&mut two), poll(&mut three)], [false; 3]);
        // cancelled beside two others
        drop(one);
        capture_message("outside", Level::Info);
        // cancelled within another one
        *slot.lock().unwrap() = Some(three);
        assert!(!poll(&mut two));
        capture_message("outside again", Level::Info);
        assert!(poll(&mut two));
        drop(two);
        assert!(Arc::ptr_eq(&Hub::current(), &hub));
        capture_message("outside at last", Level::Info);
    });
    sent(&hub);
    let expected = [
        ["one is dropped", "one", "one"],
        ["outside", "nobody", "nobody"],
        ["three is dropped", "three", "three"],
        ["two goes on", "two", "two"],
        ["outside again", "nobody", "nobody"],
        ["two is dropped", "two", "two"],
        ["outside at last", "nobody", "nobody"],
    ];
    assert_eq!(told(&endpoint.events(1)), expected);
}

#[test]
fn a_panic_while_a_cancelled_request_is_dropped_goes_no_further() {
    hook();
    let endpoint = Endpoint::start();
    let hub = hub(options(&endpoint.dsn(1)));
    Hub::run(hub.clone(), || {
        let handler = service_fn(|_: Request<String>| async {
            wait_to_blow().await;
            Ok::<_, Infallible>(Response::new(String::new()))
        });
        let mut service = (SentryLayer::server(), CatchPanicLayer::server()).layer(handler);
        let answering = service.call(Request::new(String::new()));
        let mut running: Running = Box::pin(async move {
            answering.await.unwrap();
        });
        assert!(!poll(&mut running));
        sent(&hub);
        assert_eq!(endpoint.events(1), [] as [Value; 0]);
        drop(running);
    });
    sent(&hub);
    let [event] = &endpoint.events(1)[..] else { panic!("one event") };
    let exception = &event["exception"]["values"][0];
    let tags = json!({ "error_type": "panic", "outcome": "panicked" });
    assert_eq!((&event["tags"], &exception["value"]), (&tags, &json!(TOLD)));
    assert_eq!(exception["stacktrace"]["frames"][0]["lineno"], LINE);
    assert_eq!(exception["mechanism"], json!({ "type": "panic", "handled": true }));
}

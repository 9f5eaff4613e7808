//! One event for each panic, whatever else tells Sentry of panics; each combination in a process of its
//! own, as panic hooks and subscribers are a process' own.

use std::collections::BTreeMap;
use std::process::Command;

use sentry::ClientOptions;
use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer};
use tower_observability::catch_panic::PanicHook;
use tower_observability::sentry::OneEvent;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::calls::{Caller, Over};
use crate::endpoint::Endpoint;
use crate::mines::*;
use crate::servers::{Hold, http, serve_all};
use crate::signals::Signals;
use crate::support::*;

/// The variable that tells the child what to install.
const COMBINATION: &str = "PANIC_COMBINATION";
const PANIC_INTEGRATION: &str = "panic";
const TRACING_LAYER: &str = "tracing";
const OUR_HOOK: &str = "hook";

#[test]
fn one_event_for_each_panic_whatever_else_is_installed() {
    let mut passed = Vec::new();
    for combination in 0..8 {
        let parts = [PANIC_INTEGRATION, TRACING_LAYER, OUR_HOOK].into_iter().enumerate();
        let installed = parts.filter(|(bit, _)| combination & (1 << bit) != 0);
        let installed: Vec<_> = installed.map(|(_, part)| part).collect();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["once::a_combination", "--exact", "--ignored", "--nocapture"])
            .env(COMBINATION, installed.join(","))
            // the client would send through it
            .env_remove("HTTP_PROXY")
            .env_remove("http_proxy")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        let ran = child.status.success() && said.contains("test result: ok. 1 passed; 0 failed");
        assert!(ran, "{installed:?}: {said}{}", String::from_utf8_lossy(&child.stderr));
        passed.push(installed);
    }
    assert_eq!(passed.len(), 8);
}

#[test]
#[ignore = "installs for the whole process: run by the test above"]
fn a_combination() {
    let told = std::env::var(COMBINATION);
    let told = told.unwrap_or_else(|_| [PANIC_INTEGRATION, TRACING_LAYER, OUR_HOOK].join(","));
    let has = |part: &str| told.split(',').any(|told| told == part);
    let endpoint = Endpoint::start();
    quiet();
    let options = ClientOptions::new()
        .dsn(&endpoint.dsn(1))
        .default_integrations(has(PANIC_INTEGRATION))
        .add_integration(OneEvent);
    let guard = sentry::init(options);
    if has(TRACING_LAYER) {
        let errors = ErrorLayer::new().with_filter(LevelFilter::ERROR);
        let crumbs = BreadcrumbLayer::new().with_filter(LevelFilter::INFO);
        tracing_subscriber::registry().with(errors).with(crumbs).init();
    }
    assert!(!has(OUR_HOOK) || PanicHook::new().install());
    let elsewhere = usize::from(has(PANIC_INTEGRATION));
    panic_elsewhere();
    guard.flush(None);
    assert_eq!(endpoint.events(1).len(), elsewhere, "a panic elsewhere is the integration's own");

    let overs = [Over::Chunked, Over::Two, Over::Unary, Over::Streaming];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let expected = runtime.block_on(async {
        let signals = Signals::with_log_events();
        let address = serve_all(&Hold::default(), signals.layers.clone()).await;
        let (mut number, mut expected) = (0, BTreeMap::new());
        for over in overs {
            // whole exchanges are no events; of gRPC they show that there is such a method
            let mut caller = Caller::open(over, address).await;
            caller.ask(over, None).await;
            number += 1;
            for place in PLACES {
                let mut caller = Caller::open(over, address).await;
                caller.ask(over, Some(place)).await;
                number += 1;
                expected.insert(format!("req-{number}"), (place.name().to_owned(), "error".into()));
                signals.ended(number).await;
            }
        }
        // and where nothing catches them
        let (ids, trace, log, metrics, sentry, _, mines) = signals.layers.clone();
        let layers = (ids, trace, log, metrics, sentry, mines);
        let address = serve(Http::One, http(&Hold::default(), layers)).await;
        for place in PLACES {
            let mut caller = Caller::open(Over::Chunked, address).await;
            assert_ne!(caller.ask(Over::Chunked, Some(place)).await.end, "whole");
            number += 1;
            expected.insert(format!("req-{number}"), (place.name().to_owned(), "fatal".into()));
            signals.ended(number).await;
        }
        expected
    });
    assert_eq!(expected.len(), (overs.len() + 1) * PLACES.len());
    // sends what is left
    drop(guard);
    let (mut got, mut others) = (BTreeMap::new(), 0);
    for event in endpoint.events(1) {
        let [exception] = &event["exception"]["values"].as_array().unwrap()[..] else {
            panic!("one exception: {event}");
        };
        let Some(id) = event["tags"]["request_id"].as_str() else {
            assert_eq!(exception["value"], ELSEWHERE);
            others += 1;
            continue;
        };
        assert_eq!(exception["value"], TOLD);
        let location = event["extra"]["location"].as_str();
        let level = event["level"].as_str().unwrap_or("error").to_owned();
        // where it was is known to what catches it
        let is_located = has(OUR_HOOK) && level == "error";
        let line = location.map(|it| it.rsplit(':').nth(1).unwrap().parse::<u32>().unwrap());
        assert_eq!(line, is_located.then_some(LINE), "{location:?}");
        let frames = exception["stacktrace"]["frames"].as_array().map_or(0, Vec::len);
        assert_eq!(frames > 1, has("panic"), "the integration's calls");
        let place = event["request"]["headers"][PANIC].as_str().unwrap().to_owned();
        assert_eq!(got.insert(id.to_owned(), (place, level)), None, "a second event: {event}");
    }
    assert_eq!(got, expected);
    assert_eq!(others, elsewhere);
    endpoint.is_clean();
}

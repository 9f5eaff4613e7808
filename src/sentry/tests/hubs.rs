//! To whom what is captured belongs.

use std::convert::Infallible;
use std::panic;
use std::pin::pin;
use std::task::{Context, Waker};

use sentry::integrations::panic::PanicIntegration;
use sentry_core::protocol::Breadcrumb;
use sentry_core::{Integration, Level};
use tower::service_fn;

use super::*;

#[test]
fn without_a_client_nothing_is_captured_and_everything_passes() {
    let hub = Arc::new(Hub::new(None, Arc::default()));
    Hub::run(hub, || {
        let mut service = layer().layer(Script::body(ScriptBody::new().data("abc")));
        let response = service.call(get()).now_or_never().unwrap().unwrap();
        let body = response.into_body().collect().now_or_never().unwrap().unwrap();
        assert_eq!(body.to_bytes(), "abc");
        assert_eq!(
            sentry_core::capture_message("lost", Level::Error),
            sentry_core::types::Uuid::nil()
        );
    });
}

#[test]
fn what_an_exchange_sets_stays_in_it_also_when_it_is_cancelled_between_others() {
    let kept = Kept::default();
    let handler = service_fn(async |request: Request<()>| {
        let tag = request.uri().path().to_owned();
        sentry_core::configure_scope(|scope| scope.set_tag("of", tag));
        if request.uri().path() == "/left" {
            std::future::pending::<()>().await;
        }
        // one that goes on after another was dropped
        let mut polls = 0;
        std::future::poll_fn(|_| {
            polls += 1;
            if polls > 1 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        sentry_core::capture_message("mine", Level::Info);
        Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end()))
    });
    let layer = layer();
    let request = |path: &str| Request::get(path).header("host", "h").body(()).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    Hub::run(Arc::clone(&kept.hub), || {
        let mut service = layer.layer(handler);
        let mut stays = pin!(service.call(request("/stays")));
        let mut left = Box::pin(service.call(request("/left")));
        assert!(stays.as_mut().poll(&mut context).is_pending());
        assert!(left.as_mut().poll(&mut context).is_pending());
        drop(left);
        assert!(stays.as_mut().poll(&mut context).is_ready());
        sentry_core::capture_message("outside", Level::Info);
    });
    let told: Vec<_> = kept
        .events()
        .into_iter()
        .map(|event| (event.message.unwrap(), event.tags.get("of").cloned()))
        .collect();
    assert_eq!(told, [("mine".into(), Some("/stays".into())), ("outside".into(), None)]);
}

#[test]
fn the_panic_integration_sends_nothing_of_an_exchange_and_all_of_the_rest() {
    let kept = Kept::new(ClientOptions::new().add_integration(PanicIntegration::new()));
    let layer = layer();
    for _ in 0..3 {
        kept.ask(&layer, Script::panics("in an exchange"), get());
        let event = kept.event();
        assert_eq!(exceptions(&event), [("panic".into(), Some("in an exchange".into()))]);
        assert_eq!(event.tags["outcome"], "panicked");
    }
    Hub::run(Arc::clone(&kept.hub), || {
        assert!(panic::catch_unwind(|| panic!("outside")).is_err());
    });
    assert_eq!(exceptions(&kept.event()), [("panic".into(), Some("outside".into()))]);
}

#[test]
fn a_panic_that_the_handler_catches_itself_is_the_integrations_and_sent_at_the_end() {
    let kept = Kept::new(ClientOptions::new().add_integration(PanicIntegration::new()));
    let catches = service_fn(async |_: Request<()>| {
        assert!(panic::catch_unwind(|| panic!("caught")).is_err());
        Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end()))
    });
    kept.ask(&layer(), catches, get());
    let event = kept.event();
    assert_eq!(exceptions(&event), [("panic".into(), Some("caught".into()))]);
    assert_eq!(event.request.unwrap().url.unwrap().as_str(), "http://shop.example/users/7");

    let then_panics = service_fn(async |_: Request<()>| {
        assert!(panic::catch_unwind(|| panic!("caught")).is_err());
        panic!("not caught");
        #[allow(unreachable_code)]
        Ok::<_, Infallible>(Response::new(ScriptBody::new()))
    });
    kept.ask(&layer(), then_panics, get());
    let told: Vec<_> = kept.events().iter().flat_map(exceptions).collect();
    let expected = ["caught", "not caught"].map(|text| ("panic".into(), Some(text.into())));
    assert_eq!(told, expected);
}

/// Captures an error when it is dropped.
struct Complains;

impl Drop for Complains {
    fn drop(&mut self) {
        sentry_core::capture_message("rolled back", Level::Error);
    }
}

#[test]
fn what_is_said_of_a_panic_while_it_unwinds_is_no_second_report() {
    let kept = Kept::default();
    let complains = |panics: bool| {
        service_fn(move |_: Request<()>| async move {
            let _complains = Complains;
            assert!(!panics, "on purpose");
            let answer = Response::builder().status(500).body(ScriptBody::new());
            Ok::<_, Infallible>(answer.unwrap())
        })
    };
    kept.ask(&layer(), complains(true), get());
    assert_eq!(exceptions(&kept.event()), [("panic".into(), Some("on purpose".into()))]);
    kept.ask(&layer(), complains(false), get());
    assert_eq!(kept.event().message.as_deref(), Some("rolled back"), "as nothing panicked");
}

#[test]
fn of_two_panics_the_one_that_came_through_is_the_layers_and_both_are_told() {
    let kept = Kept::new(ClientOptions::new().add_integration(PanicIntegration::new()));
    struct Catches;
    impl Drop for Catches {
        fn drop(&mut self) {
            assert!(panic::catch_unwind(|| panic!("in a drop")).is_err());
        }
    }
    let twice = service_fn(async |_: Request<()>| {
        let _catches = Catches;
        panic!("came through");
        #[allow(unreachable_code)]
        Ok::<_, Infallible>(Response::new(ScriptBody::new()))
    });
    kept.ask(&layer(), twice, get());
    let told: Vec<_> = kept
        .events()
        .iter()
        .map(|event| (exceptions(event).remove(0).1.unwrap(), event.tags.get("outcome").cloned()))
        .collect();
    let expected = [("in a drop".into(), None), ("came through".into(), Some("panicked".into()))];
    assert_eq!(told, expected);
}

#[test]
fn a_panic_that_another_layer_answers_is_one_event() {
    let kept = Kept::new(ClientOptions::new().add_integration(PanicIntegration::new()));
    let answers = service_fn(async |_: Request<()>| {
        assert!(panic::catch_unwind(|| panic!("answered by another")).is_err());
        Ok::<_, Infallible>(Response::builder().status(500).body(ScriptBody::new()).unwrap())
    });
    kept.ask(&layer(), answers, get());
    assert_eq!(exceptions(&kept.event()), [("panic".into(), Some("answered by another".into()))]);
}

#[test]
fn exchanges_in_one_another_tell_each_of_its_own() {
    let kept = Kept::new(ClientOptions::new().add_integration(PanicIntegration::new()));
    let outer = service_fn(async |_: Request<()>| {
        let inside = Request::get("/inside").header("host", "h").body(()).unwrap();
        let mut service = layer().layer(Script::panics("the inner one"));
        let asked = panic::AssertUnwindSafe(|| service.call(inside).now_or_never());
        assert!(panic::catch_unwind(asked).is_err());
        panic!("the outer one");
        #[allow(unreachable_code)]
        Ok::<_, Infallible>(Response::new(ScriptBody::new()))
    });
    kept.ask(&layer(), outer, get());
    let told: Vec<_> = kept
        .events()
        .into_iter()
        .map(|event| {
            let text = exceptions(&event).remove(0).1.unwrap();
            (text, event.request.unwrap().url.unwrap().path().to_owned())
        })
        .collect();
    let expected = [("the inner one", "/inside"), ("the outer one", "/users/7")];
    assert_eq!(told, expected.map(|(text, path)| (text.to_owned(), path.to_owned())));
}

#[test]
fn what_is_said_while_a_panic_unwinds_that_nobody_reports_is_sent() {
    let kept = Kept::default();
    let catches = service_fn(async |_: Request<()>| {
        let caught = panic::catch_unwind(|| {
            let _complains = Complains;
            panic!("caught, and seen by no integration");
        });
        assert!(caught.is_err());
        Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end()))
    });
    kept.ask(&layer(), catches, get());
    assert_eq!(kept.event().message.as_deref(), Some("rolled back"));
}

#[test]
fn breadcrumbs_are_those_of_the_exchange_alone() {
    let kept = Kept::default();
    let crumb =
        |message: &str| Breadcrumb { message: Some(message.into()), ..Breadcrumb::default() };
    let leaves = service_fn(async |_: Request<()>| {
        sentry_core::add_breadcrumb(crumb("mine, token=s3cret"));
        Ok::<_, Infallible>(Response::builder().status(500).body(ScriptBody::new()).unwrap())
    });
    Hub::run(Arc::clone(&kept.hub), || sentry_core::add_breadcrumb(crumb("of another one")));
    kept.ask(&layer(), leaves, get());
    let told = kept.event().breadcrumbs;
    let told: Vec<_> = told.iter().map(|crumb| crumb.message.as_deref().unwrap()).collect();
    assert_eq!(told, ["mine, token=REDACTED"]);
}

#[test]
fn a_layer_serves_the_client_that_is_bound_now() {
    let layer = layer();
    let options = || ClientOptions::new().add_integration(PanicIntegration::new());
    let (one, other) = (Kept::new(options()), Kept::new(options()));
    for kept in [&one, &other, &one, &other] {
        kept.ask(&layer, Script::panics("no"), get());
        kept.event();
    }
    assert_eq!((one.events(), other.events()), (vec![], vec![]));
}

#[test]
fn layers_in_one_another_report_once() {
    let kept = Kept::default();
    let (outer, inner) = (layer(), layer());
    let mut service = outer.layer(inner.layer(Script::panics("no")));
    Hub::run(Arc::clone(&kept.hub), || {
        let asked = panic::AssertUnwindSafe(|| service.call(get()).now_or_never());
        assert!(panic::catch_unwind(asked).is_err());
    });
    kept.event();
}

#[test]
fn the_access_logs_own_events_are_left_out() {
    let options = ClientOptions::new();
    let event = |logger: &str| Event { logger: Some(logger.into()), ..Event::default() };
    let access_log = event(super::client::ACCESS_LOG);
    #[cfg(feature = "access-log")]
    assert_eq!(super::client::ACCESS_LOG, crate::access_log::TARGET);
    assert_eq!(OneEvent.process_event(access_log, &options), None);
    // nor does one that is left out keep the layer from reporting
    let kept = Kept::new(ClientOptions::new().add_integration(OneEvent));
    let logs = service_fn(async |_: Request<()>| {
        let logger = Some(super::client::ACCESS_LOG.to_owned());
        sentry_core::capture_event(Event { level: Level::Error, logger, ..Event::default() });
        Ok::<_, Infallible>(Response::builder().status(502).body(ScriptBody::new()).unwrap())
    });
    kept.ask(&layer(), logs, get());
    assert_eq!(kept.event().tags["error_type"], "502");
    let own = event("shop");
    assert_eq!(OneEvent.process_event(own.clone(), &options), Some(own));
}

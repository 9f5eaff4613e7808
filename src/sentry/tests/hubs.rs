//! To whom what is captured belongs.

use std::convert::Infallible;
use std::panic;
use std::pin::pin;
use std::task::{Context, Waker};

use sentry::integrations::panic::PanicIntegration;
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
    let own = event("shop");
    assert_eq!(OneEvent.process_event(own.clone(), &options), Some(own));
}

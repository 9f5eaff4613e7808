//! What is captured, by a real client whose transport keeps it.

mod chosen;
mod hubs;
mod told;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use sentry_core::protocol::Event;
use sentry_core::test::TestTransport;
use sentry_core::{Client, ClientOptions, Hub};
use tower::{Layer, Service};

use super::*;
use crate::testing::{ManualClock, Script, ScriptBody};

/// A client whose events are kept.
struct Kept {
    transport: Arc<TestTransport>,
    hub: Arc<Hub>,
}

impl Kept {
    fn new(options: ClientOptions) -> Self {
        let transport = TestTransport::new();
        let options =
            options.dsn("http://public@sentry.invalid/1").transport(Arc::clone(&transport));
        let client = Client::with_options(options);
        Self { transport, hub: Arc::new(Hub::new(Some(Arc::new(client)), Arc::default())) }
    }

    /// What was captured since.
    fn events(&self) -> Vec<Event<'static>> {
        self.transport.fetch_and_clear_events()
    }

    /// The only one.
    #[track_caller]
    fn event(&self) -> Event<'static> {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }

    /// Asks a service in a layer, and reads what comes; panics go no further.
    fn ask<S>(&self, layer: &SentryLayer, service: S, request: Request<()>)
    where
        S: Service<Request<()>, Response = Response<ScriptBody>>,
        S::Error: std::fmt::Debug + 'static,
    {
        let mut service = layer.layer(service);
        Hub::run(Arc::clone(&self.hub), || {
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let Some(answer) = service.call(request).now_or_never() else { return };
                let Ok(response) = answer else { return };
                let mut body = response.into_body();
                while let Some(Some(Ok(_))) = body.frame().now_or_never() {}
            }));
        });
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self::new(ClientOptions::new())
    }
}

fn get() -> Request<()> {
    Request::get("/users/7").header("host", "shop.example").body(()).unwrap()
}

/// A layer whose clock stands still.
fn layer() -> SentryLayer {
    SentryLayer::server().clock(ManualClock::new().clock())
}

/// What an event says went wrong.
fn exceptions(event: &Event<'_>) -> Vec<(String, Option<String>)> {
    let values = event.exception.values.iter();
    values.map(|exception| (exception.ty.clone(), exception.value.clone())).collect()
}

fn tags(event: &Event<'_>) -> Vec<(String, String)> {
    event.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

//! The service alone: nothing but somebody who polls it.

mod access;
mod bodies;
#[cfg(feature = "debug-dump")]
mod dumps;
mod fields;
mod log;
mod paths;
#[cfg(feature = "debug-dump")]
mod rules;
mod table;

use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower_service::Service;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use super::{Admin, BearerToken, LogControl};

pub(super) const TOKEN: &str = "the-token-of-the-operators";
pub(super) const READER: &str = "the-token-of-the-readers";

pub(super) fn bearer() -> BearerToken {
    BearerToken::new(TOKEN).unwrap().reader(READER).unwrap()
}

/// What was answered, whole.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Told {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(super) async fn ask<B: Body>(admin: &Admin, request: Request<B>) -> Told {
    let response: Response<_> = admin.clone().call(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Told { status: head.status, headers: head.headers, body }
}

pub(super) fn request(
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

/// The events that pass the filter of a subscriber, each as its target and its fields.
#[derive(Clone, Default)]
pub(super) struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    pub(super) fn wait_for_one(&self) -> Vec<String> {
        loop {
            let events = self.take();
            if !events.is_empty() {
                return events;
            }
            std::thread::yield_now();
        }
    }
}

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Fields(String);
        impl Visit for Fields {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() != "message" {
                    self.0.push_str(&format!(" {}={value:?}", field.name()));
                }
            }
        }
        let mut fields = Fields(event.metadata().target().to_owned());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
}

/// A subscriber of this filter that is the thread's own, what passes it, and the control.
pub(super) struct Logged {
    pub(super) events: Events,
    pub(super) control: LogControl,
    pub(super) handle: reload::Handle<EnvFilter, Registry>,
    _guard: tracing::subscriber::DefaultGuard,
}

pub(super) fn logged(filter: &str) -> Logged {
    let events = Events::default();
    let (layer, handle) = reload::Layer::new(EnvFilter::new(filter));
    let subscriber = tracing_subscriber::registry().with(layer).with(events.clone());
    let guard = tracing::subscriber::set_default(subscriber);
    let control = LogControl::reload(handle.clone()).unwrap();
    Logged { events, control, handle, _guard: guard }
}

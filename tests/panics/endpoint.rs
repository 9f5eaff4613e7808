//! Where the real client of Sentry sends its envelopes to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::support::listen;

/// The secrets of every request, none of which may come out anywhere.
pub(crate) const SECRETS: [&str; 6] =
    ["s3cret-query", "s3cret-bearer", "s3cret-session", "s3cret-key", "s3cret-sig", "s3cret-text"];

/// Headers with secrets in them.
pub(crate) fn secret_headers() -> HeaderMap {
    let pairs = [
        ("authorization", "Bearer s3cret-bearer"),
        ("cookie", "theme=dark; session=s3cret-session"),
        ("x-api-key", "s3cret-key"),
        ("referer", "http://shop.example/cart?sig=s3cret-sig"),
    ];
    pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).into_iter().collect()
}

#[derive(Clone)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    received: Received,
}

/// Projects, and what was sent to them.
type Received = Arc<Mutex<Vec<(u64, Bytes)>>>;

impl Endpoint {
    /// Serves on a thread of its own: a test may wait for a client that waits for this.
    pub(crate) fn start() -> Self {
        let received = Received::default();
        let app = Router::new()
            .route("/api/{project}/envelope/", post(receive))
            .with_state(received.clone());
        let (told, address) = oneshot::channel();
        thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let (listener, address) = listen().await;
                told.send(address).unwrap();
                axum::serve(listener, app).await
            })
        });
        Self { address: address.blocking_recv().unwrap(), received }
    }

    pub(crate) fn dsn(&self, project: u64) -> String {
        format!("http://public@{}/{project}", self.address)
    }

    /// The events that a project was sent.
    pub(crate) fn events(&self, project: u64) -> Vec<Value> {
        let received = self.received.lock().unwrap();
        let its = received.iter().filter(|(of, _)| *of == project);
        its.flat_map(|(_, envelope)| parse(envelope)).collect()
    }

    /// No secret came here.
    #[track_caller]
    pub(crate) fn is_clean(&self) {
        let received = self.received.lock().unwrap();
        let all = received.iter().map(|(_, envelope)| String::from_utf8_lossy(envelope));
        let all: String = all.collect();
        let leaked: Vec<_> = SECRETS.iter().filter(|secret| all.contains(**secret)).collect();
        assert_eq!(leaked, [] as [&&str; 0]);
        assert!(all.contains("REDACTED"), "there was something to hide");
    }
}

async fn receive(
    State(received): State<Received>,
    Path(project): Path<u64>,
    envelope: Bytes,
) -> &'static str {
    received.lock().unwrap().push((project, envelope));
    "{}"
}

/// The events in an envelope.
fn parse(envelope: &[u8]) -> Vec<Value> {
    let mut events = Vec::new();
    let (head, mut rest) = line(envelope);
    assert!(json(head).is_object(), "the envelope's head");
    while !rest.is_empty() {
        let (head, from) = line(rest);
        let head = json(head);
        let length = head["length"].as_u64().unwrap() as usize;
        let (item, after) = from.split_at(length);
        match head["type"].as_str().unwrap() {
            "event" => events.push(json(item)),
            // the client tells of what `OneEvent` left out
            kind => assert_eq!(kind, "client_report"),
        }
        rest = after.strip_prefix(b"\n").unwrap_or(after);
    }
    events
}

fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n').unwrap();
    (&text[..end], &text[end + 1..])
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

/// An event without what each run has anew, and without what each has alike: who sent it.
pub(crate) fn lasting(mut event: Value) -> Value {
    let members = event.as_object_mut().unwrap();
    for name in ["event_id", "timestamp", "sdk"] {
        assert!(members.remove(name).is_some(), "{name}");
    }
    event
}

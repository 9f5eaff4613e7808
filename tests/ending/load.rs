//! Many connections at once, each of which asks until it is refused.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::StatusCode;
use tokio::task::JoinSet;

use crate::kit::{http1, http2, order, within};

#[derive(Default)]
pub(crate) struct Seen {
    /// Requests whose answer was read to its end.
    answered: AtomicUsize,
    /// A probe was told that the service is not ready.
    not_ready: AtomicBool,
    /// Connections that were refused before that.
    too_early: AtomicUsize,
}

impl Seen {
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    pub(crate) fn too_early(&self) -> usize {
        self.too_early.load(Ordering::SeqCst)
    }

    /// Asks the probe until it says that the service is not ready; how many requests had been answered
    /// by then.
    pub(crate) async fn not_ready(&self, admin: SocketAddr) -> usize {
        let client = http1();
        loop {
            let asked = client.get(format!("http://{admin}/readyz")).send().await;
            match asked.expect("probes are answered to the end").status() {
                StatusCode::OK => {}
                status => {
                    self.not_ready.store(true, Ordering::SeqCst);
                    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
                    return self.answered();
                }
            }
        }
    }
}

/// Clients under way, half of them over HTTP/2.
pub(crate) struct Clients(JoinSet<()>);

impl Clients {
    pub(crate) fn start(shop: SocketAddr, count: usize, seen: &Arc<Seen>) -> Self {
        let mut clients = JoinSet::new();
        for number in 0..count {
            let client = if number % 2 == 0 { http1() } else { http2() };
            let seen = Arc::clone(seen);
            clients.spawn(async move {
                while let Ok(status) = order(&client, shop, number).await {
                    assert_eq!(status, StatusCode::OK);
                    seen.answered.fetch_add(1, Ordering::SeqCst);
                }
                if !seen.not_ready.load(Ordering::SeqCst) {
                    seen.too_early.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self(clients)
    }

    /// Waits until all were refused.
    pub(crate) async fn refused(mut self) {
        while let Some(client) = within(self.0.join_next()).await {
            client.unwrap();
        }
    }
}

//! Something takes connections.

use tokio::net::TcpStream;

use crate::health::{Check, Report};

/// Connects by TCP, and closes again: refused, unreachable and unknown names are failures.
///
/// ```
/// use tower_observability::health::{Component, TcpCheck};
///
/// let broker = Component::new("broker", TcpCheck::new("broker.internal:9092"));
/// ```
#[derive(Clone, Debug)]
pub struct TcpCheck {
    address: String,
}

impl TcpCheck {
    /// Connects to `host:port`; the name is looked up at each run, and its addresses are tried in turn.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into() }
    }
}

impl Check for TcpCheck {
    async fn run(&self) -> Report {
        TcpStream::connect(&*self.address).await.map(drop).into()
    }
}

//! What a program holds.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::board::Board;
use super::{Group, HealthBuilder, HealthService, Snapshot, Status};

/// The health of a service: looked after in the background, read by probes. Clones are the same.
///
/// The checks run until the last clone, [service](HealthService) and collector of it is gone, or
/// [`stop`](Self::stop) is called. A check that holds a clone keeps itself running.
#[derive(Clone)]
pub struct Health(Arc<Tasks>);

struct Tasks {
    board: Arc<Board>,
    tasks: Vec<AbortHandle>,
}

impl Health {
    /// Sets up what is looked after.
    pub fn builder() -> HealthBuilder {
        HealthBuilder::default()
    }

    pub(super) fn new(board: Arc<Board>, tasks: Vec<AbortHandle>) -> Self {
        Self(Arc::new(Tasks { board, tasks }))
    }

    pub(super) fn board(&self) -> &Arc<Board> {
        &self.0.board
    }

    /// All results as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.board().snapshot()
    }

    /// How a group is now.
    #[must_use]
    pub fn status(&self, group: Group) -> Status {
        self.snapshot().group(group)
    }

    /// Waits until a group is healthy. It never is where the service drains before it is ready.
    pub async fn until_healthy(&self, group: Group) {
        let mut changes = self.board().subscribe();
        while !self.status(group).is_healthy() {
            // the sender is in the board, which is held here
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// A service that answers probes, without [details](super::Details).
    #[must_use]
    pub fn service(&self) -> HealthService {
        HealthService::new(self)
    }

    /// From now on the service is not ready, whatever the checks find: `/readyz` answers 503 and gRPC
    /// `NOT_SERVING`, and every open `Watch` ends. It stays live. There is no way back. (A probe that leaves it out, by
    /// `?exclude=drain`, is answered as it asked.)
    pub fn drain(&self) {
        self.board().drain();
    }

    /// The beginning of an orderly end: [`drain`](Self::drain), and the time that it takes load balancers
    /// to notice. Start the graceful shutdown of servers when it is over.
    ///
    /// With Kubernetes that time is the readiness probe's `periodSeconds * failureThreshold`, and a few
    /// seconds for endpoints to spread; all of it must fit in `terminationGracePeriodSeconds`.
    ///
    /// ```no_run
    /// # async fn example(health: tower_observability::health::Health) -> std::io::Result<()> {
    /// use std::time::Duration;
    ///
    /// let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
    /// let ending = health.clone();
    /// let shutdown = async move {
    ///     let _ = tokio::signal::ctrl_c().await; // or SIGTERM
    ///     ending.drain_for(Duration::from_secs(10)).await;
    /// };
    /// axum::serve(listener, axum::Router::new()).with_graceful_shutdown(shutdown).await?;
    /// health.stop();
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain_for(&self, wait: Duration) -> impl Future<Output = ()> + Send + 'static {
        self.drain();
        async move { tokio::time::sleep(wait).await }
    }

    /// Drains, and runs no check any more; a run under way is dropped at its next `await`. What was found
    /// grows stale.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.snapshot()).finish()
    }
}

impl Tasks {
    fn stop(&self) {
        for task in &self.tasks {
            task.abort();
        }
        self.board.drain();
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.stop();
    }
}

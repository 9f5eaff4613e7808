//! The orderly end of a program.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use crate::access_log::JsonLines;
use crate::telemetry::{Beside, Delivery, Telemetry, Undelivered};

/// The orderly end of a program (feature `stack`).
impl Telemetry {
    /// Tells probes that the service is not ready any more; there is no way back. Servers go on:
    /// [`shutdown`](Self::shutdown) and [`serve_until`](Self::serve_until), which begin with this
    /// themselves, tell them to [stop](Self::draining).
    pub fn drain(&self) {
        self.stack().drain();
    }

    /// Waits until servers are to stop taking requests: give it to the graceful shutdown of each server. It is
    /// over in a [`shutdown`](Self::shutdown) or [`serve_until`](Self::serve_until) that is under way, not
    /// before: a server that is awaited first, and shut down after, waits for ever.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        // held, so that it is not over because nobody holds the telemetry any more
        let sender = Arc::clone(&self.stack().draining);
        async move {
            let mut told = sender.subscribe();
            let _ = told.wait_for(|draining| *draining).await;
        }
    }

    /// How many exchanges are under way in what [`server`](Self::server) wraps: from the request to the end
    /// of the response body.
    pub fn under_way(&self) -> u64 {
        self.stack().under_way.exchanges()
    }

    /// Serves until `signal` comes, and ends in order, all of it within `deadline`:
    ///
    /// 1. probes are told that the service is not ready, and the
    ///    [notice](crate::telemetry::TelemetryBuilder::drain_notice) is given;
    /// 2. servers are told to [stop](Self::draining), and the exchanges under way end and are recorded;
    /// 3. at the latest when three quarters of the time are over, the exporters send what waits, and the
    ///    access log's lines are written.
    ///
    /// Where the server ends by itself, there is no notice and the rest is done at once.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use axum::{Router, routing::get};
    /// use tower_observability::stack::termination;
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let telemetry = Telemetry::builder("shop").from_env().install()?;
    /// let app = Router::new().route("/", get(|| async { "hello" })).layer(telemetry.server());
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// let server = axum::serve(listener, app).with_graceful_shutdown(telemetry.draining());
    /// let told = telemetry.serve_until(termination(), server, Duration::from_secs(25)).await?;
    /// if let Err(lost) = told {
    ///     eprintln!("{lost}"); // a collector that is down need not fail the program
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The server's own. What came of the [`shutdown`](Self::shutdown) is the answer inside: what was
    /// delivered, or what was lost, and how many exchanges had not ended. Where the server failed, a further
    /// `shutdown` answers it.
    pub async fn serve_until<S, E>(
        &self,
        signal: impl Future<Output = ()>,
        server: S,
        deadline: Duration,
    ) -> Result<Result<Delivery, Undelivered>, E>
    where
        S: IntoFuture<Output = Result<(), E>>,
    {
        let serving = self.stack().under_way.serving();
        let mut server = pin!(async {
            let ended = server.into_future().await;
            drop(serving);
            ended
        });
        let mut signal = pin!(signal);
        let mut ended = poll_fn(|cx| match server.as_mut().poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending => signal.as_mut().poll(cx).map(|()| None),
        })
        .await;
        if ended.is_some() {
            self.stack().under_way.note_ended_by_itself();
        }
        let mut shutdown = pin!(self.shutdown(deadline));
        let delivered = poll_fn(|cx| {
            if ended.is_none()
                && let Poll::Ready(result) = server.as_mut().poll(cx)
            {
                ended = Some(result);
            }
            shutdown.as_mut().poll(cx)
        })
        .await;
        match (ended, delivered) {
            (Some(Err(error)), _) => Err(error),
            (_, delivered) => Ok(delivered),
        }
    }

    /// Drains, and blocks until nothing is under way or three quarters of the time are over; tells what had
    /// not ended.
    pub(crate) fn drain_until(&self, began: Instant, timeout: Duration, beside: &mut Beside) {
        let stack = self.stack();
        self.drain();
        let patience = timeout / 4 * 3;
        if !stack.under_way.ended_by_itself() {
            // what is under way needs time, too
            let longest = patience / 2;
            let notice = stack.drain_notice;
            if notice > longest {
                tracing::warn!(
                    ?notice,
                    ?longest,
                    "the deadline is too short for the notice of a drain"
                );
            }
            thread::sleep(notice.min(longest));
        }
        stack.draining.send_replace(true);
        let deadline = began.checked_add(patience);
        (beside.unfinished, beside.still_serving) = stack.under_way.wait_until(deadline);
    }

    /// Writes what is queued of the access log, which goes on for whoever else writes there; answers how
    /// many lines were not written in time.
    pub(crate) fn write_lines(&self, timeout: Duration) -> u64 {
        self.stack().json_lines.as_ref().map_or(0, |lines| lines.flush(timeout))
    }

    /// How many lines of the access log were lost so far.
    pub(crate) fn lost_lines(&self) -> u64 {
        self.stack().json_lines.as_ref().map_or(0, JsonLines::lost_lines)
    }
}

/// Waits for SIGTERM, as an orchestrator sends it, or for Ctrl-C; where the system has no SIGTERM, for
/// Ctrl-C alone.
///
/// From its first poll on neither of them ends the process by itself.
pub async fn termination() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            let mut interrupt = pin!(interrupt());
            let either = |cx: &mut Context<'_>| match terminate.poll_recv(cx) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => interrupt.as_mut().poll(cx),
            };
            return poll_fn(either).await;
        }
    }
    interrupt().await;
}

async fn interrupt() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!("Ctrl-C cannot be heard: {error}");
        std::future::pending().await
    }
}

//! OTLP: one sender over gRPC or HTTP, for whatever signal.
//!
//! The messages are OpenTelemetry's own (`opentelemetry-proto`); what is done here is to send them
//! so that nothing of the program is held up, and to read what the receiver says it rejected.

mod grpc;
mod http;
mod io;
mod metrics;
mod signals;
mod target;

use std::collections::hash_map::RandomState;
use std::error::Error;
use std::future::poll_fn;
use std::hash::BuildHasher;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout};

pub(super) use io::Io;
pub(super) use metrics::OtlpMetrics;
pub(super) use signals::{OtlpLogs, OtlpSpans};
pub(super) use target::{Signal, Target, endpoint, told};

pub use target::Protocol;

use super::health::{Health, Receiver};
use crate::config::ConfigError;

/// How long the first retry waits; each further one waits twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest that a retry waits, unless the receiver asks for more.
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// What the requests say they come from.
const USER_AGENT: &str = concat!("tower-observability/", env!("CARGO_PKG_VERSION"));

/// Sends the messages of one signal.
#[derive(Debug)]
pub(super) struct Sender {
    io: Arc<Io>,
    transport: Transport,
    receiver: Receiver,
    /// For one message, all its retries included.
    timeout: Duration,
}

#[derive(Debug)]
enum Transport {
    Grpc(grpc::Grpc),
    Http(http::Http),
}

/// Why a message was not taken.
#[derive(Debug)]
struct Failure {
    reason: String,
    /// Whether it may be sent again, and the least that the receiver asks to wait.
    retry: Option<Duration>,
}

impl Failure {
    fn last(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), retry: None }
    }

    fn passing(reason: impl Into<String>, wait: Duration) -> Self {
        Self { reason: reason.into(), retry: Some(wait) }
    }
}

impl Sender {
    pub(super) fn new(io: Arc<Io>, target: Target) -> Result<Self, ConfigError> {
        let (timeout, receiver) = (target.timeout, target.receiver());
        let transport = match target.protocol {
            Protocol::Grpc => Transport::Grpc(grpc::Grpc::new(&io, target)?),
            Protocol::HttpProtobuf => Transport::Http(http::Http::new(target)?),
        };
        Ok(Self { io, transport, receiver, timeout })
    }

    fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Sends a message, and waits on this thread for the answer. The thread must not be one of an
    /// async runtime. `health` is told of each attempt that fails.
    fn send(&self, message: &Bytes, health: &Health) -> Result<Bytes, String> {
        // nothing is begun that nobody waits for; what kept it waiting is why
        if self.io.is_stopped() {
            return Err(health
                .cause()
                .unwrap_or_else(|| "shut down before it was sent".to_owned()));
        }
        // what is given up between two attempts is lost for what the first of them met
        let given_up = |why: String| match health.attempt() {
            Some(cause) => Err(format!("{cause}; {why}")),
            None => Err(why),
        };
        self.io.block_on(async {
            let mut stopped = pin!(self.io.stopped());
            let mut sent = pin!(timeout(self.timeout, self.attempts(message, health)));
            poll_fn(|context| {
                // a message that is stopped was never acknowledged, so the answer comes first
                if let Poll::Ready(sent) = sent.as_mut().poll(context) {
                    return Poll::Ready(match sent {
                        Ok(answer) => answer.map_err(|failure| failure.reason),
                        Err(_) => given_up(format!("no answer within {:?}", self.timeout)),
                    });
                }
                let given_up = || given_up("no answer before the shutdown".to_owned());
                stopped.as_mut().poll(context).map(|()| given_up())
            })
            .await
        })
    }

    async fn attempts(&self, message: &Bytes, health: &Health) -> Result<Bytes, Failure> {
        let deadline = Instant::now().checked_add(self.timeout);
        let mut delay = FIRST_RETRY;
        loop {
            let sent = match &self.transport {
                Transport::Grpc(grpc) => grpc.send(message.clone()).await,
                Transport::Http(http) => http.send(message.clone()).await,
            };
            let Err(failure) = sent else { return sent };
            health.attempt_failed(&failure.reason);
            let Some(asked) = failure.retry else { return Err(failure) };
            let wait = jittered(delay).max(asked);
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // a wait that outlasts the time-out would only hold up what comes next
            if left.is_some_and(|left| wait >= left) {
                return Err(failure);
            }
            sleep(wait).await;
            delay = delay.saturating_mul(2).min(LONGEST_RETRY);
        }
    }
}

/// What is told where a receiver answers HTTP/1 with HTTP/2's frames, or as gRPC.
const SPEAKS_GRPC: &str = "; is this a gRPC port? Then set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or \
                           otlp_protocol(Protocol::Grpc)";
/// What is told where a receiver answers gRPC with HTTP alone.
const SPEAKS_HTTP: &str = "; is this an HTTP port? Then set \
                           OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or \
                           otlp_protocol(Protocol::HttpProtobuf)";

/// Adds to `reason` what an error says, and what is behind it, each text once.
fn tell_chain(reason: &mut String, mut error: Option<&(dyn Error + 'static)>) {
    while let Some(inner) = error {
        let text = inner.to_string();
        if !reason.contains(&text) {
            reason.push_str(": ");
            reason.push_str(&text);
        }
        error = inner.source();
    }
}

/// Between half of `delay` and all of it, so that many senders do not come back at once.
fn jittered(delay: Duration) -> Duration {
    // a new hasher's keys differ each time
    let random = RandomState::new().hash_one(0u8) % 1000;
    let share = 0.5 + random as f64 / 2000.0;
    delay.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_errors_tells_each_text_once() {
        let inner = std::io::Error::other("refused");
        let outer = std::io::Error::other(Box::new(Chain("cannot connect", Some(inner))));
        let mut reason = "Unavailable: cannot connect".to_owned();
        tell_chain(&mut reason, Some(&outer));
        assert_eq!(reason, "Unavailable: cannot connect: refused");
    }

    #[derive(Debug)]
    struct Chain(&'static str, Option<std::io::Error>);

    impl std::fmt::Display for Chain {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Chain {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_ref().map(|error| error as _)
        }
    }

    #[test]
    fn a_wait_is_between_half_and_all_of_the_delay() {
        for _ in 0..1000 {
            let wait = jittered(Duration::from_secs(2));
            assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&wait), "{wait:?}");
        }
    }
}

//! Whether an exporter gets through, told once at each change, and why it does not.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use super::otlp::Protocol;
use crate::exchange::isolated;

/// The most bytes that are told of why an exporter fails.
const LONGEST_REASON: usize = 512;

/// What a receiver took of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) count: usize,
    /// What it said about the rest.
    pub(super) rejected: Option<String>,
}

impl Accepted {
    pub(super) fn all(size: usize) -> Self {
        Self { count: size, rejected: None }
    }

    /// All but `rejected`, which a receiver may say to be anything.
    pub(super) fn part(size: usize, rejected: i64, message: String) -> Self {
        let rejected = usize::try_from(rejected).unwrap_or_default().min(size);
        let message = (rejected > 0).then(|| format!("{rejected} rejected: {message}"));
        Self { count: size - rejected, rejected: message }
    }
}

/// What an exporter answers; a panic is a failure, and ends neither its thread nor the books.
pub(super) async fn caught(
    deliver: impl Future<Output = Result<Accepted, String>>,
) -> Result<Accepted, String> {
    let mut deliver = pin!(deliver);
    poll_fn(|context| {
        isolated(|| deliver.as_mut().poll(context))
            .unwrap_or_else(|| Poll::Ready(Err("the exporter panicked".to_owned())))
    })
    .await
}

/// Where an exporter sends to, as far as this crate knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Receiver {
    /// A URL without a query, which may hold a secret.
    pub(super) endpoint: String,
    pub(super) protocol: Protocol,
}

/// Whether an exporter gets through, and why not.
#[derive(Debug)]
pub(super) struct Health {
    exporter: &'static str,
    /// `spans`, `log records` or `data points`.
    what: &'static str,
    receiver: Option<Receiver>,
    failing: AtomicBool,
    causes: Mutex<Causes>,
}

/// Why nothing got through.
#[derive(Debug, Default)]
struct Causes {
    /// Of the attempt before the one under way; none once a batch got through.
    attempt: Option<String>,
    /// Of the last batch that was lost.
    loss: Option<String>,
}

impl Health {
    pub(super) fn new(
        exporter: &'static str,
        what: &'static str,
        receiver: Option<Receiver>,
    ) -> Self {
        let failing = AtomicBool::new(false);
        Self { exporter, what, receiver, failing, causes: Mutex::default() }
    }

    /// An attempt failed, after which others may come. The first one since a success is logged.
    pub(super) fn attempt_failed(&self, reason: &str) {
        let reason = start(reason);
        self.causes().attempt = Some(reason.to_owned());
        self.warn(reason);
    }

    /// A batch is done with: the first failure since a success is logged, and the first success
    /// since a failure.
    pub(super) fn settled(&self, result: &Result<Accepted, String>) {
        let reason = match result {
            Ok(accepted) => accepted.rejected.as_deref(),
            Err(reason) => Some(reason.as_str()),
        };
        let reason = reason.map(start);
        let mut causes = self.causes();
        causes.attempt = None;
        if let Some(reason) = reason {
            causes.loss = Some(reason.to_owned());
        }
        drop(causes);
        match reason {
            Some(reason) => self.warn(reason),
            None if self.failing.swap(false, Ordering::Relaxed) => {
                tracing::info!(exporter = self.exporter, "{} are being exported again", self.what);
            }
            None => {}
        }
    }

    /// `spans`, `log records` or `data points`.
    pub(super) fn what(&self) -> &'static str {
        self.what
    }

    /// The last known cause of a failure.
    pub(super) fn cause(&self) -> Option<String> {
        let causes = self.causes();
        causes.attempt.as_ref().or(causes.loss.as_ref()).cloned()
    }

    /// Why the attempt before the one under way failed, if there was one.
    pub(super) fn attempt(&self) -> Option<String> {
        self.causes().attempt.clone()
    }

    fn warn(&self, reason: &str) {
        if self.failing.swap(true, Ordering::Relaxed) {
            return;
        }
        let exporter = self.exporter;
        match &self.receiver {
            Some(Receiver { endpoint, protocol }) => {
                let protocol = protocol.name();
                tracing::warn!(
                    exporter,
                    endpoint,
                    protocol,
                    reason,
                    "{} are not being exported",
                    self.what
                );
            }
            None => tracing::warn!(exporter, reason, "{} are not being exported", self.what),
        }
    }

    fn causes(&self) -> MutexGuard<'_, Causes> {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The exporter, and where it sends to.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.exporter)?;
        match &self.receiver {
            Some(Receiver { endpoint, protocol }) => {
                write!(f, " ({} to {endpoint})", protocol.name())
            }
            None => Ok(()),
        }
    }
}

/// The start of what may be a receiver's text, of any length.
fn start(reason: &str) -> &str {
    reason.get(..reason.floor_char_boundary(LONGEST_REASON)).unwrap_or(reason)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Counts events by level.
    #[derive(Clone, Default)]
    struct Events(Arc<Mutex<Vec<tracing::Level>>>);

    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Events {
        fn on_event(
            &self,
            event: &tracing::Event<'_>,
            _: tracing_subscriber::layer::Context<'_, S>,
        ) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }
    }

    /// Lines, kept.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_changes_are_told() {
        use tracing::Level;
        use tracing_subscriber::layer::SubscriberExt;
        let (health, events) = (Health::new("otlp", "spans", None), Events::default());
        let subscriber = tracing_subscriber::registry().with(events.clone());
        tracing::subscriber::with_default(subscriber, || {
            let taken = || std::mem::take(&mut *events.0.lock().unwrap());
            let tell = |result| {
                health.settled(&result);
                taken()
            };
            let none: Vec<Level> = Vec::new();
            assert_eq!(tell(Ok(Accepted::all(2))), none);
            assert_eq!(tell(Err("down".to_owned())), [Level::WARN]);
            assert_eq!(tell(Err("down".to_owned())), none);
            assert_eq!(tell(Ok(Accepted::part(2, 1, "old".to_owned()))), none);
            assert_eq!(tell(Ok(Accepted::all(2))), [Level::INFO]);
            assert_eq!(tell(Ok(Accepted::part(2, 1, "old".to_owned()))), [Level::WARN]);
            assert_eq!(tell(Ok(Accepted::all(2))), [Level::INFO]);
            // the first attempt is told, not only the last one
            health.attempt_failed("down");
            assert_eq!(taken(), [Level::WARN]);
            health.attempt_failed("down");
            assert_eq!(tell(Err("down".to_owned())), none);
            assert_eq!(tell(Ok(Accepted::all(2))), [Level::INFO]);
        });
    }

    #[test]
    fn the_cause_is_that_of_the_attempt_under_way_or_else_of_the_last_loss() {
        let health = Health::new("otlp", "spans", None);
        assert_eq!(health.cause(), None);
        health.attempt_failed("busy");
        assert_eq!(health.cause().as_deref(), Some("busy"));
        // nothing was lost
        health.settled(&Ok(Accepted::all(2)));
        assert_eq!(health.cause(), None);
        health.settled(&Err("down".to_owned()));
        health.settled(&Ok(Accepted::all(2)));
        assert_eq!(health.cause().as_deref(), Some("down"));
        health.attempt_failed(&"e".repeat(1000));
        assert_eq!(health.cause(), Some("e".repeat(LONGEST_REASON)));
    }

    #[test]
    fn an_exporter_is_told_with_its_receiver() {
        assert_eq!(Health::new("memory", "spans", None).to_string(), "memory");
        let receiver = Receiver { endpoint: "http://c:4317/".to_owned(), protocol: Protocol::Grpc };
        let health = Health::new("otlp", "spans", Some(receiver));
        assert_eq!(health.to_string(), "otlp (grpc to http://c:4317/)");
    }

    #[test]
    fn a_warning_tells_where_it_fails_and_why() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let receiver =
                Receiver { endpoint: "http://c:4317/".to_owned(), protocol: Protocol::Grpc };
            Health::new("otlp", "spans", Some(receiver)).attempt_failed("refused");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let told = "spans are not being exported exporter=\"otlp\" endpoint=\"http://c:4317/\" \
                    protocol=\"grpc\" reason=\"refused\"\n";
        assert!(text.ends_with(told), "{text}");
    }

    #[test]
    fn a_reason_is_told_to_a_length() {
        assert_eq!(start("down"), "down");
        assert_eq!(start(&"é".repeat(1000)), "é".repeat(LONGEST_REASON / 2));
        assert_eq!(start(&format!("a{}", "é".repeat(1000))).len(), LONGEST_REASON - 1);
    }

    #[test]
    fn a_receiver_cannot_reject_more_than_it_was_sent() {
        for (rejected, count) in [(0, 3), (2, 1), (3, 0), (4, 0), (i64::MAX, 0), (-1, 3)] {
            assert_eq!(Accepted::part(3, rejected, String::new()).count, count, "{rejected}");
        }
    }
}

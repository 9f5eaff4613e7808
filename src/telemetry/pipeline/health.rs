//! Whether an exporter gets through, told once at each change.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use crate::exchange::isolated;

/// The most bytes that are told of why an exporter fails.
const LONGEST_REASON: usize = 512;

/// What a receiver took of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::telemetry) struct Accepted {
    pub(super) count: usize,
    /// What it said about the rest.
    rejected: Option<String>,
}

impl Accepted {
    pub(in crate::telemetry) fn all(size: usize) -> Self {
        Self { count: size, rejected: None }
    }

    /// All but `rejected`, which a receiver may say to be anything.
    pub(in crate::telemetry) fn part(size: usize, rejected: i64, message: String) -> Self {
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

/// Whether the last batch got through.
#[derive(Debug, Default)]
pub(super) struct Health {
    failing: AtomicBool,
}

impl Health {
    /// Logs the first failure after a success, and the first success after a failure.
    pub(super) fn tell(&self, exporter: &str, what: &str, result: &Result<Accepted, String>) {
        let reason = match result {
            Ok(accepted) => accepted.rejected.as_deref(),
            Err(reason) => Some(reason.as_str()),
        };
        let reason = reason.map(start);
        let failing = reason.is_some();
        if self.failing.swap(failing, Ordering::Relaxed) == failing {
            return;
        }
        match reason {
            Some(reason) => tracing::warn!(exporter, reason, "{what} are not being exported"),
            None => tracing::info!(exporter, "{what} are being exported again"),
        }
    }
}

/// The start of what may be a receiver's text, of any length.
fn start(reason: &str) -> &str {
    reason.get(..reason.floor_char_boundary(LONGEST_REASON)).unwrap_or(reason)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

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

    #[test]
    fn only_changes_are_told() {
        use tracing::Level;
        use tracing_subscriber::layer::SubscriberExt;
        let (health, events) = (Health::default(), Events::default());
        let subscriber = tracing_subscriber::registry().with(events.clone());
        tracing::subscriber::with_default(subscriber, || {
            let tell = |result| {
                health.tell("otlp", "spans", &result);
                std::mem::take(&mut *events.0.lock().unwrap())
            };
            let none: Vec<Level> = Vec::new();
            assert_eq!(tell(Ok(Accepted::all(2))), none);
            assert_eq!(tell(Err("down".to_owned())), [Level::WARN]);
            assert_eq!(tell(Err("down".to_owned())), none);
            assert_eq!(tell(Ok(Accepted::part(2, 1, "old".to_owned()))), none);
            assert_eq!(tell(Ok(Accepted::all(2))), [Level::INFO]);
            assert_eq!(tell(Ok(Accepted::part(2, 1, "old".to_owned()))), [Level::WARN]);
        });
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

//! Flushing and shutting down, without blocking a runtime, and in time.

use std::sync::mpsc;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use tokio::sync::oneshot;

use super::deadline::Deadline;
use super::delivery::{Beside, loss};
use super::health::Health;
use super::{Delivery, Ledger, Parts, PointLedger, Telemetry, Undelivered};

/// The part of a shutdown's time in which what is still being sent is given up in order, so that
/// the books are closed when it returns: a tenth, and this at most.
const LONGEST_GRACE: Duration = Duration::from_millis(100);

/// What takes the SDK so long is a wait, not a failure.
const SDK_PATIENCE: Duration = Duration::from_secs(4);

/// How far a shutdown is.
#[derive(Debug)]
pub(super) enum Closing {
    Open,
    /// What is served ends; the exporters go on.
    Draining,
    UnderWay,
    Done(Result<Delivery, Undelivered>),
}

impl Telemetry {
    /// Exports what waits, and stops. With the feature `stack` it begins with the end of what the program
    /// serves, as [`serve_until`](Self::serve_until) does: [drains](Self::drain), waits for the exchanges
    /// under way, and at the end writes what is queued of the access log. Returns within `timeout`, give or take the scheduler, whatever
    /// a receiver does; what could not be sent by then is given up. Spans that end later are not
    /// made, and what is measured later is not told. A second call answers as the first one does, if that ends within the time of both.
    ///
    /// It needs no runtime, and blocks none.
    ///
    /// # Errors
    ///
    /// When anything was lost since the start, or the time ran out; the error tells how much.
    pub async fn shutdown(&self, timeout: Duration) -> Result<Delivery, Undelivered> {
        self.aside("telemetry-shutdown", move |telemetry| telemetry.close(timeout)).await
    }

    /// Exports what waits and what was measured, and goes on.
    ///
    /// # Errors
    ///
    /// When something that waited could not be exported, or the time ran out.
    pub async fn flush(&self, timeout: Duration) -> Result<Delivery, Undelivered> {
        self.aside("telemetry-flush", move |telemetry| telemetry.flush_blocking(timeout)).await
    }

    /// Does what blocks on a thread of its own.
    async fn aside(
        &self,
        name: &str,
        work: impl FnOnce(&Self) -> Result<Delivery, Undelivered> + Send + 'static,
    ) -> Result<Delivery, Undelivered> {
        let (tell, told) = oneshot::channel();
        let telemetry = self.clone();
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _ = tell.send(work(&telemetry));
        });
        match spawned {
            Ok(_) => told.await.unwrap_or_else(|_| self.undelivered(false)),
            Err(_) => self.undelivered(false),
        }
    }

    fn undelivered(&self, timed_out: bool) -> Result<Delivery, Undelivered> {
        Err(self.what_is_lost(self.delivery(), timed_out))
    }

    fn what_is_lost(&self, delivery: Delivery, timed_out: bool) -> Undelivered {
        let tallies = delivery.spans().iter().chain(delivery.logs()).chain(delivery.metrics());
        let losses = tallies.zip(self.export_health());
        let losses = losses.filter_map(|(tally, health)| loss(*tally, health));
        let losses = losses.chain(self.uncollected()).collect();
        Undelivered::new(self.0.service_name.clone(), delivery, losses, timed_out)
    }

    fn close(&self, timeout: Duration) -> Result<Delivery, Undelivered> {
        let deadline = Deadline::after(timeout);
        let mut closing = self.closing();
        if !matches!(*closing, Closing::Open) {
            return self.closed(closing, deadline);
        }
        *closing = Closing::Draining;
        drop(closing);
        let mut beside = Beside::default();
        #[cfg(feature = "stack")]
        let timeout = {
            self.drain_until(Instant::now(), timeout, &mut beside);
            deadline.left().unwrap_or(timeout)
        };
        *self.closing() = Closing::UnderWay;
        let spans = self.run(move |parts| parts.tracer_provider.shutdown_with_timeout(timeout));
        let logs = self.run(move |parts| match &parts.logger_provider {
            Some(provider) => provider.shutdown_with_timeout(timeout),
            None => Ok(()),
        });
        let metrics = self.run(move |parts| parts.close_meters(timeout));
        #[cfg(feature = "stack")]
        let lines = self.run_on(move |telemetry| telemetry.write_lines(timeout));
        let grace = LONGEST_GRACE.min(timeout / 10);
        // the SDK gives up by itself, too, at about the same moment
        let ended = |done: OTelSdkResult| done.is_ok() || self.waiting() == 0;
        let [spans_in_time, logs_in_time] =
            [&spans, &logs].map(|done| deadline.before(grace).wait(done).is_ok_and(ended));
        // a failure is in the books
        let metrics_in_time = deadline.before(grace).wait(&metrics).is_ok();
        let mut timed_out = !(spans_in_time && logs_in_time && metrics_in_time);
        if let Some(io) = &self.0.io {
            io.stop();
        }
        if timed_out {
            for done in [&spans, &logs, &metrics] {
                let _ = deadline.wait(done);
            }
        }
        if let Some(ledger) = self.points().filter(|ledger| !ledger.is_closed()) {
            ledger.set_uncollected();
        }
        #[cfg(feature = "stack")]
        {
            // a writer may be stuck
            let unwritten = deadline.wait(&lines);
            timed_out |= unwritten.is_err();
            beside.lost_lines = self.lost_lines() + unwritten.unwrap_or_default();
        }
        #[cfg(not(feature = "stack"))]
        let _ = (&mut timed_out, &mut beside);
        let delivery = self.delivery();
        let lost = [delivery.lost_spans(), delivery.lost_logs(), delivery.lost_metrics()];
        let lost = lost.iter().any(|lost| *lost > 0) || self.uncollected().is_some();
        let result = match timed_out || lost || beside != Beside::default() {
            true => {
                let undelivered = self.what_is_lost(delivery, timed_out);
                Err(undelivered.beside(beside))
            }
            false => Ok(delivery),
        };
        *self.closing() = Closing::Done(result.clone());
        self.0.closed.notify_all();
        result
    }

    /// What the first shutdown answers, which may still be under way.
    fn closed(
        &self,
        closing: MutexGuard<'_, Closing>,
        deadline: Deadline,
    ) -> Result<Delivery, Undelivered> {
        let mut closing = closing;
        loop {
            if let Closing::Done(result) = &*closing {
                return result.clone();
            }
            if deadline.is_over() {
                drop(closing);
                return self.undelivered(true);
            }
            let left = deadline.left().unwrap_or(Duration::MAX);
            let woken = self.0.closed.wait_timeout(closing, left);
            closing = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn closing(&self) -> MutexGuard<'_, Closing> {
        self.0.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush_blocking(&self, timeout: Duration) -> Result<Delivery, Undelivered> {
        let deadline = Deadline::after(timeout);
        let before = self.failed();
        let metrics = self.run(Parts::flush_meters);
        loop {
            let began = Instant::now();
            let done = self.run(|parts| {
                let spans = parts.tracer_provider.force_flush();
                let logs = parts.logger_provider.as_ref().map_or(Ok(()), |logs| logs.force_flush());
                spans.and(logs)
            });
            match deadline.wait(&done) {
                Ok(Ok(())) => break,
                Err(_) => return self.undelivered(true),
                // there is nothing to flush any more
                Ok(Err(_)) if self.is_closed() => break,
                // the SDK gives up after 5 s; there may be more time than that
                Ok(Err(_)) if began.elapsed() >= SDK_PATIENCE => match self.waiting() {
                    0 => break,
                    _ if deadline.is_over() => return self.undelivered(true),
                    _ => {}
                },
                Ok(Err(_)) => return self.undelivered(false),
            }
        }
        match deadline.wait(&metrics) {
            Err(_) => return self.undelivered(true),
            Ok(Err(_)) if !self.is_closed() => return self.undelivered(false),
            Ok(_) => {}
        }
        match self.failed() == before {
            true => Ok(self.delivery()),
            false => self.undelivered(false),
        }
    }

    /// Does what may block for longer than there is time on a thread that is left to itself then.
    fn run(
        &self,
        work: impl FnOnce(&Parts) -> OTelSdkResult + Send + 'static,
    ) -> mpsc::Receiver<OTelSdkResult> {
        self.run_on(move |telemetry| work(&telemetry.0))
    }

    fn run_on<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> R + Send + 'static,
    ) -> mpsc::Receiver<R> {
        let (tell, told) = mpsc::channel();
        let telemetry = self.clone();
        // without a thread nothing is told, which is a failure, too
        let _ = thread::Builder::new().name("telemetry-drain".to_owned()).spawn(move || {
            let _ = tell.send(work(&telemetry));
        });
        told
    }

    fn ledgers(&self) -> impl Iterator<Item = &Arc<Ledger>> {
        self.0.span_ledgers.iter().chain(&self.0.log_ledgers)
    }

    fn points(&self) -> Option<&Arc<PointLedger>> {
        self.0.point_ledger.as_ref()
    }

    /// In the order of the tallies.
    fn export_health(&self) -> impl Iterator<Item = &Health> {
        let items = self.ledgers().map(|ledger| ledger.health());
        items.chain(self.points().map(|ledger| ledger.health()))
    }

    fn uncollected(&self) -> Option<String> {
        self.points().and_then(|ledger| ledger.uncollected())
    }

    fn waiting(&self) -> u64 {
        self.ledgers().map(|ledger| ledger.waiting()).sum()
    }

    fn failed(&self) -> u64 {
        let items: u64 = self.ledgers().map(|ledger| ledger.failed()).sum();
        items + self.points().map_or(0, |ledger| ledger.failed())
    }

    /// Whether the exporters are to stop.
    fn is_closed(&self) -> bool {
        matches!(*self.closing(), Closing::UnderWay | Closing::Done(_))
    }
}

impl Parts {
    /// Exports what was measured; a failure that is none of the receiver's is put into the books.
    fn flush_meters(&self) -> OTelSdkResult {
        let Some(ledger) = &self.point_ledger else { return Ok(()) };
        let before = ledger.failed();
        let result = self.meter_provider.force_flush();
        let closed = || ledger.is_closed() || matches!(result, Err(OTelSdkError::AlreadyShutdown));
        if result.is_err() && ledger.failed() == before && !closed() {
            ledger.set_uncollected();
        }
        result
    }

    /// Exports what was measured, and stops; returns when that is done, which the SDK does not wait
    /// for.
    fn close_meters(&self, timeout: Duration) -> OTelSdkResult {
        let began = Instant::now();
        let result = self.meter_provider.shutdown_with_timeout(timeout);
        match &self.point_ledger {
            Some(ledger) if result.is_err() && began.elapsed() >= SDK_PATIENCE => {
                ledger.wait_closed();
                Ok(())
            }
            _ => result,
        }
    }
}

//! What was delivered, and what was lost.

use std::fmt;

use super::health::Health;

/// What became of the spans, the log records or the data points given to one exporter.
///
/// A data point is what one export tells of one set of attributes. One that was not taken is in the
/// tally as long as it is lost: see [`Delivery::metrics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    exporter: &'static str,
    ended: u64,
    exported: u64,
    dropped: u64,
}

impl Tally {
    pub(super) fn new(exporter: &'static str, ended: u64, exported: u64, dropped: u64) -> Self {
        Self { exporter, ended, exported, dropped }
    }

    /// `otlp`, or the name that was given with the exporter.
    pub fn exporter(&self) -> &'static str {
        self.exporter
    }

    /// How many sampled spans ended, records were logged, or data points were to be exported.
    pub fn ended(&self) -> u64 {
        self.ended
    }

    /// How many of them the receiver acknowledged. One that took a batch and never answered is
    /// not counted, nor is what it said it rejected (OTLP's partial success).
    pub fn exported(&self) -> u64 {
        self.exported
    }

    /// How many found the queue full, and were dropped at once; part of [`lost`](Self::lost).
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many were not acknowledged: the difference of [`ended`](Self::ended) and
    /// [`exported`](Self::exported).
    pub fn lost(&self) -> u64 {
        self.ended.saturating_sub(self.exported)
    }
}

impl Tally {
    fn tell(&self, what: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} exported {} of {} {what}", self.exporter, self.exported, self.ended)?;
        match self.dropped {
            0 => Ok(()),
            dropped => write!(f, " and dropped {dropped}"),
        }
    }
}

/// What was delivered since the start, by exporter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    spans: Vec<Tally>,
    logs: Vec<Tally>,
    metrics: Vec<Tally>,
}

impl Delivery {
    pub(super) fn new(spans: Vec<Tally>, logs: Vec<Tally>, metrics: Vec<Tally>) -> Self {
        Self { spans, logs, metrics }
    }

    /// The spans, exporter by exporter.
    pub fn spans(&self) -> &[Tally] {
        &self.spans
    }

    /// The log records, exporter by exporter.
    pub fn logs(&self) -> &[Tally] {
        &self.logs
    }

    /// The data points, exporter by exporter. What was measured since the last export is none yet.
    ///
    /// A cumulative data point that was not taken is lost until the next export gets through, which
    /// tells what it told and more; it is in no number then. What is lost of these is therefore what
    /// the last export did not deliver. A delta that was not taken is lost for good, and so is a
    /// gauge's value where deltas are [preferred]: the SDK tells it once. Where a receiver rejects
    /// some of a batch and does not say which, they are taken to be deltas first.
    ///
    /// [preferred]: crate::telemetry::TelemetryBuilder::metric_temporality
    pub fn metrics(&self) -> &[Tally] {
        &self.metrics
    }

    /// The most spans that any one exporter lost.
    pub fn lost_spans(&self) -> u64 {
        worst(&self.spans).lost()
    }

    /// The most log records that any one exporter lost.
    pub fn lost_logs(&self) -> u64 {
        worst(&self.logs).lost()
    }

    /// The most data points that any one exporter lost.
    pub fn lost_metrics(&self) -> u64 {
        worst(&self.metrics).lost()
    }
}

fn worst(tallies: &[Tally]) -> Tally {
    let none = Tally::new("", 0, 0, 0);
    tallies.iter().copied().max_by_key(Tally::lost).unwrap_or(none)
}

/// Exporter by exporter: `otlp exported 7 of 10 spans and dropped 2`.
impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = self.spans.iter().map(|tally| (tally, "spans"));
        let logs = self.logs.iter().map(|tally| (tally, "log records"));
        let metrics = self.metrics.iter().map(|tally| (tally, "data points"));
        let mut separator = "";
        for (tally, what) in spans.chain(logs).chain(metrics) {
            f.write_str(separator)?;
            tally.tell(what, f)?;
            separator = ", ";
        }
        match separator {
            "" => f.write_str("there is no exporter"),
            _ => Ok(()),
        }
    }
}

/// Something was lost, or was still under way when the time ran out.
///
/// Its text names the service and, of each exporter that lost something, where it sends to and the
/// last failure: `telemetry of checkout: otlp (grpc to http://localhost:4317/) lost 3 of 3 spans:`
/// and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    service: String,
    /// Boxed, to keep the error of a `Result` small.
    delivery: Box<Delivery>,
    losses: Vec<String>,
    timed_out: bool,
    beside: Beside,
}

/// What a program's layers and servers had not done at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beside {
    pub(crate) unfinished: u64,
    pub(crate) still_serving: usize,
    pub(crate) lost_lines: u64,
}

impl Undelivered {
    pub(super) fn new(
        service: String,
        delivery: Delivery,
        losses: Vec<String>,
        timed_out: bool,
    ) -> Self {
        Self { service, delivery: Box::new(delivery), losses, timed_out, beside: Beside::default() }
    }

    /// The same, and what a program's layers could not tell.
    pub(super) fn beside(self, beside: Beside) -> Self {
        Self { beside, ..self }
    }

    /// What was delivered and what was not.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// Whether the time ran out before every exporter was done.
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }

    /// How many exchanges of the program's servers had not ended when a shutdown gave them up: what becomes
    /// of them may be in the log, but is in no span; 0 without the feature `stack`.
    pub fn unfinished(&self) -> u64 {
        self.beside.unfinished
    }

    /// How many servers, of those that `serve_until` ran, had not stopped by then, perhaps as they were
    /// not given `draining`; 0 without the feature `stack`.
    pub fn still_serving(&self) -> usize {
        self.beside.still_serving
    }

    /// How many lines of the access log were lost since the start; 0 without the feature `stack`.
    pub fn lost_lines(&self) -> u64 {
        self.beside.lost_lines
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What an exporter lost of its tally, and why; none if it lost nothing.
pub(super) fn loss(tally: Tally, health: &Health) -> Option<String> {
    if tally.lost() == 0 {
        return None;
    }
    let lost = format!("{health} lost {} of {} {}", tally.lost(), tally.ended(), health.what());
    Some(match (health.cause(), tally.dropped()) {
        (Some(cause), _) => format!("{lost}: {cause}"),
        (None, 0) => lost,
        (None, dropped) => format!("{lost}: {dropped} found the queue full"),
    })
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "telemetry of {}: ", self.service)?;
        let beside = self.beside;
        let Beside { unfinished, still_serving, lost_lines } = beside;
        let lines = (lost_lines > 0)
            .then(|| format!("the access log lost {}", counted(lost_lines, "line")));
        let unfinished =
            (unfinished > 0).then(|| format!("{} had not ended", counted(unfinished, "exchange")));
        // one whose exchanges have not ended cannot have stopped
        let serving = (still_serving > 0 && beside.unfinished == 0).then(|| {
            let servers = counted(still_serving as u64, "server");
            format!("{servers} had not stopped: is it to stop when draining() is over?")
        });
        let others = [lines, unfinished, serving].into_iter().flatten();
        let losses: Vec<_> = self.losses.iter().cloned().chain(others).collect();
        match losses.as_slice() {
            [] => f.write_str("nothing was lost")?,
            losses => f.write_str(&losses.join(", "))?,
        }
        if self.timed_out {
            f.write_str("; the time ran out")?;
        }
        Ok(())
    }
}

impl std::error::Error for Undelivered {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_exporter_tells_the_loss() {
        let one = |ended, exported| vec![Tally::new("otlp", ended, exported, 0)];
        let spans = vec![Tally::new("otlp", 10, 7, 2), Tally::new("memory", 10, 10, 0)];
        let delivery = Delivery::new(spans, one(1, 1), one(6, 4));
        let lost = (delivery.lost_spans(), delivery.lost_logs(), delivery.lost_metrics());
        assert_eq!(lost, (3, 0, 2));
        let text = "otlp exported 7 of 10 spans and dropped 2, memory exported 10 of 10 spans, \
                    otlp exported 1 of 1 log records, otlp exported 4 of 6 data points";
        assert_eq!(delivery.to_string(), text);
        assert_eq!(Delivery::default().to_string(), "there is no exporter");
    }

    #[test]
    fn an_error_names_the_service_the_exporters_and_the_causes() {
        let tell = |tallies: &[Tally], health: &Health, timed_out| {
            let losses = tallies.iter().filter_map(|tally| loss(*tally, health)).collect();
            let service = "checkout".to_owned();
            Undelivered::new(service, Delivery::default(), losses, timed_out).to_string()
        };
        let health = Health::new("otlp", "spans", None);
        let lossy = [Tally::new("otlp", 10, 7, 2), Tally::new("otlp", 2, 2, 0)];
        let text = "telemetry of checkout: otlp lost 3 of 10 spans: 2 found the queue full";
        assert_eq!(tell(&lossy, &health, false), text);
        health.attempt_failed("down");
        let text = "telemetry of checkout: otlp lost 3 of 10 spans: down; the time ran out";
        assert_eq!(tell(&lossy, &health, true), text);
        let text = "telemetry of checkout: nothing was lost; the time ran out";
        assert_eq!(tell(&[], &health, true), text);
        let beside = |unfinished, still_serving, lost_lines| {
            let lost = Undelivered::new("shop".to_owned(), Delivery::default(), vec![], false);
            lost.beside(Beside { unfinished, still_serving, lost_lines }).to_string()
        };
        let text = "telemetry of shop: the access log lost 2 lines, 3 exchanges had not ended";
        assert_eq!(beside(3, 1, 2), text);
        let text =
            "telemetry of shop: 1 server had not stopped: is it to stop when draining() is over?";
        assert_eq!(beside(0, 1, 0), text);
    }
}

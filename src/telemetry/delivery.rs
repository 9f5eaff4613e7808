//! What was delivered, and what was lost.

use std::fmt;

/// What became of the spans, or the log records, given to one exporter.
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

    /// How many sampled spans ended, or records were logged.
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

/// What was delivered since the start, by exporter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    spans: Vec<Tally>,
    logs: Vec<Tally>,
}

impl Delivery {
    pub(super) fn new(spans: Vec<Tally>, logs: Vec<Tally>) -> Self {
        Self { spans, logs }
    }

    /// The spans, exporter by exporter.
    pub fn spans(&self) -> &[Tally] {
        &self.spans
    }

    /// The log records, exporter by exporter.
    pub fn logs(&self) -> &[Tally] {
        &self.logs
    }

    /// The most spans that any one exporter lost.
    pub fn lost_spans(&self) -> u64 {
        worst(&self.spans).lost()
    }

    /// The most log records that any one exporter lost.
    pub fn lost_logs(&self) -> u64 {
        worst(&self.logs).lost()
    }
}

fn worst(tallies: &[Tally]) -> Tally {
    let none = Tally::new("", 0, 0, 0);
    tallies.iter().copied().max_by_key(Tally::lost).unwrap_or(none)
}

/// Something was lost, or was still under way when the time ran out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    delivery: Delivery,
    timed_out: bool,
}

impl Undelivered {
    pub(super) fn new(delivery: Delivery, timed_out: bool) -> Self {
        Self { delivery, timed_out }
    }

    /// What was delivered and what was not.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// Whether the time ran out before every exporter was done.
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spans, logs) = (worst(&self.delivery.spans), worst(&self.delivery.logs));
        write!(f, "lost {} of {} spans", spans.lost(), spans.ended())?;
        write!(f, " and {} of {} log records", logs.lost(), logs.ended())?;
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
        let spans = vec![Tally::new("otlp", 10, 7, 2), Tally::new("memory", 10, 10, 0)];
        let delivery = Delivery::new(spans, vec![]);
        assert_eq!((delivery.lost_spans(), delivery.lost_logs()), (3, 0));
        let error = Undelivered::new(delivery, true);
        let text = "lost 3 of 10 spans and 0 of 0 log records; the time ran out";
        assert_eq!(error.to_string(), text);
    }
}

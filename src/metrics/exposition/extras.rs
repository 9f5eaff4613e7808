//! What `prometheus`' model of a metric has no place for, carried past it.
//!
//! A registry merges, sorts, renames and relabels what its collectors collect, but hands timestamps
//! on as they are: the extras of a metric are told out of band, and its timestamp says which they
//! are. Nobody but [`gather`] ever sees such a mark, with one exception that no collector can know of:
//! while `gather` runs, another collector gathers a second registry with means of its own, and writes
//! that out instead of handing it on.

use std::cell::RefCell;
use std::time::SystemTime;

use prometheus::Registry;
use prometheus::proto::{Metric, MetricFamily};

use crate::metrics::instrument::bounds::Unit;
use crate::metrics::instrument::exemplar::Exemplar;
use crate::metrics::instrument::native::Native;

/// What a collector knows of a metric beyond the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Extras {
    pub(crate) created: SystemTime,
    /// In which the exemplars are recorded.
    pub(crate) unit: Unit,
    /// One place for each bucket, the one above all bounds included; or none at all.
    pub(crate) exemplars: Vec<Option<Exemplar>>,
    /// The same values in exponential buckets.
    pub(crate) native: Option<Native>,
}

impl Extras {
    /// Of what has no exemplars.
    pub(crate) fn created(created: SystemTime) -> Self {
        Self { created, unit: Unit::Seconds, exemplars: Vec::new(), native: None }
    }
}

thread_local! {
    /// What the collectors of a scrape on this thread have told, while somebody listens.
    static TOLD: RefCell<Option<Vec<Extras>>> = const { RefCell::new(None) };
}

/// The timestamp that stands for the first of the extras; no clock ever shows it.
const FIRST: i64 = i64::MIN;

/// Adds the extras to a metric, if this scrape can tell them.
pub(crate) fn attach(metric: &mut Metric, extras: impl FnOnce() -> Extras) {
    if TOLD.with_borrow(Option::is_none) {
        return;
    }
    // not under the borrow: it is its caller's code
    let extras = extras();
    TOLD.with_borrow_mut(|told| {
        if let Some(told) = told {
            metric.set_timestamp_ms(FIRST.saturating_add_unsigned(told.len() as u64));
            told.push(extras);
        }
    });
}

/// Gathers a registry's metrics with their extras.
pub(crate) fn gather(registry: &Registry) -> (Vec<MetricFamily>, Told) {
    let listening = Listening { outer: TOLD.replace(Some(Vec::new())) };
    let families = registry.gather();
    let told = TOLD.take().unwrap_or_default();
    drop(listening);
    (families, Told(told))
}

/// Gives the thread back to the scrape that this one runs in, also when a collector panics.
struct Listening {
    outer: Option<Vec<Extras>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        TOLD.set(self.outer.take());
    }
}

/// The extras of a scrape.
pub(crate) struct Told(Vec<Extras>);

impl Told {
    /// The extras of a metric, if it has some.
    pub(crate) fn of(&self, metric: &Metric) -> Option<&Extras> {
        let place = metric.timestamp_ms().checked_sub(FIRST)?;
        self.0.get(usize::try_from(place).ok()?)
    }

    /// When a metric was measured, in milliseconds of the Unix epoch, if its collector said so.
    pub(crate) fn timestamp(&self, metric: &Metric) -> Option<i64> {
        let timestamp = metric.timestamp_ms();
        // the model without Protobuf has no other way to say none
        (timestamp != 0 && self.of(metric).is_none()).then_some(timestamp)
    }
}

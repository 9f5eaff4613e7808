//! What `prometheus`' model of a metric has no place for, carried past it.

use std::cell::RefCell;
use std::time::SystemTime;

use prometheus::Registry;
use prometheus::proto::{Metric, MetricFamily};

use crate::metrics::instrument::bounds::Unit;
use crate::metrics::instrument::exemplar::Exemplar;

/// What a collector knows of a metric beyond the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Extras {
    pub(crate) created: SystemTime,
    /// In which the exemplars are recorded.
    pub(crate) unit: Unit,
    /// One place for each bucket, the one above all bounds included; or none at all.
    pub(crate) exemplars: Vec<Option<Exemplar>>,
}

impl Extras {
    /// Of what has no exemplars.
    pub(crate) fn created(created: SystemTime) -> Self {
        Self { created, unit: Unit::Seconds, exemplars: Vec::new() }
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
    TOLD.with_borrow_mut(|told| {
        if let Some(told) = told {
            // a registry hands timestamps on as they are
            metric.set_timestamp_ms(FIRST + told.len() as i64);
            told.push(extras());
        }
    });
}

/// Gathers a registry's metrics with their extras.
pub(crate) fn gather(registry: &Registry) -> (Vec<MetricFamily>, Told) {
    TOLD.set(Some(Vec::new()));
    let families = registry.gather();
    (families, Told(TOLD.take().unwrap_or_default()))
}

/// The extras of a scrape.
pub(crate) struct Told(Vec<Extras>);

impl Told {
    /// The extras of a metric, if it has some.
    pub(crate) fn of(&self, metric: &Metric) -> Option<&Extras> {
        let place = metric.timestamp_ms().checked_sub(FIRST)?;
        self.0.get(usize::try_from(place).ok()?)
    }
}

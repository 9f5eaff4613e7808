//! Feature flags: how often they were evaluated, and how long the exchanges took, by variant.

use prometheus::core::Desc;
use prometheus::proto::{MetricFamily, MetricType};

use super::collect::Described;
use super::instrument::bounds::Bounds;
use super::instrument::counter::Counter;
use super::instrument::family::Family;
use super::names::{ConstantLabels, prefixed};
use super::series::store::Measured;
use crate::classify::ErrorType;
use crate::config::ConfigError;
use crate::exchange::End;
use crate::shard::Shard;

/// The labels of the durations; evaluations have the first two.
pub(super) const LABELS: [&str; 3] =
    ["feature_flag_key", "feature_flag_result_variant", "error_type"];

/// What is recorded of the flags of all exchanges.
pub(super) struct Flags {
    evaluations: Family<2, Counter>,
    durations: Family<3>,
}

impl Flags {
    /// With this many series of each metric; what comes after them has the key and the variant
    /// `_overflow`.
    pub(super) fn new(durations: Bounds, most: usize) -> Self {
        Self {
            evaluations: Family::counters(most, [false; 2]),
            durations: Family::histograms(durations, most, [false, false, true]),
        }
    }

    /// Records the flags of an exchange, each result once; costs a load where there are none.
    #[inline]
    pub(super) fn record(&self, end: &End<'_>, measured: &Measured, shard: Shard) {
        let Measured { duration, sampled, .. } = measured;
        end.facts.with_flags(|flags| {
            for flag in flags {
                let (key, variant, now) = (&*flag.key, &*flag.variant, end.facts.started_at());
                let count = |counter: &Counter| counter.add(shard, flag.evaluations);
                self.evaluations.with([key, variant], now, count);
                let error_type = end.error_type.as_ref().map_or("", ErrorType::as_str);
                self.durations.with([key, variant, error_type], now, |histogram| {
                    histogram.record_sampled(shard, *duration, sampled.as_ref());
                });
            }
        });
    }
}

/// Shows a registry what was recorded.
pub(super) struct FlagsDescribed {
    evaluations: Described,
    durations: Described,
}

impl FlagsDescribed {
    /// # Errors
    /// When the prefix or a label is not one.
    pub(super) fn new(prefix: &str, constant_labels: &ConstantLabels) -> Result<Self, ConfigError> {
        let labels = |count| LABELS.into_iter().take(count).map(str::to_owned).collect();
        Ok(Self {
            evaluations: Described::new(
                prefixed(prefix, "feature_flag_evaluations_total"),
                "Evaluations of feature flags in exchanges, by variant.",
                MetricType::COUNTER,
                labels(2),
                constant_labels,
            )?,
            durations: Described::new(
                prefixed(prefix, "feature_flag_exchange_duration_seconds"),
                "Duration of the exchanges in which a feature flag was evaluated, by variant.",
                MetricType::HISTOGRAM,
                labels(3),
                constant_labels,
            )?,
        })
    }

    pub(super) fn descs(&self) -> [&Desc; 2] {
        [self.evaluations.desc(), self.durations.desc()]
    }

    pub(super) fn collect(
        &self,
        flags: &Flags,
        constant_labels: &ConstantLabels,
    ) -> impl Iterator<Item = MetricFamily> {
        let pairs = |values: &[&str]| {
            let own = LABELS.into_iter().zip(values.iter().copied());
            constant_labels.pairs_with(own)
        };
        let (mut evaluations, mut durations) = (Vec::new(), Vec::new());
        flags.evaluations.each(|values, counter| {
            evaluations.push(self.evaluations.counter(pairs(&values), counter));
        });
        flags.durations.each(|values, histogram| {
            durations.extend(self.durations.histogram(pairs(&values), histogram));
        });
        let families = [self.evaluations.family(evaluations), self.durations.family(durations)];
        families.into_iter().flatten()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;

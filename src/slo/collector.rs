//! What Prometheus is told of the objectives.

use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::objective::Objective;
use super::report::{AlertState, ObjectiveReport};
use super::tracker::SloTracker;
use crate::metrics::RegisterError;
use crate::metrics::collect::Described;
use crate::metrics::exposition::extras::{Extras, attach};
use crate::metrics::names::ConstantLabels;
use crate::metrics::register::register;

impl SloTracker {
    /// Tells a registry of it: the counter `slo_events_total{slo,outcome}`, from which rules know the fleet,
    /// and as gauges what this instance knows: `slo_target_ratio`, and `slo_instance_...`
    /// (`budget_remaining_ratio`, absent where the data does not suffice; `coverage_ratio`; `burn_rate`;
    /// `alert_state`, 0 of inactive, 1 of pending, 2 of firing).
    ///
    /// # Errors
    /// Where the registry has one of them already.
    pub fn register(&self, registry: &Registry) -> Result<(), RegisterError> {
        register(registry, SloCollector::new(self)?, "one tracker can have all objectives")
    }
}

struct SloCollector {
    tracker: SloTracker,
    constant: ConstantLabels,
    events: Described,
    target: Described,
    budget: Described,
    coverage: Described,
    burn: Described,
    alert: Described,
}

impl SloCollector {
    fn new(tracker: &SloTracker) -> Result<Self, RegisterError> {
        let constant = ConstantLabels::default();
        let described = |name: &str, help, kind, labels: &[&str]| {
            let labels = labels.iter().map(|&label| label.to_owned()).collect();
            Described::new(name.to_owned(), help, kind, labels, &constant)
        };
        let gauge = MetricType::GAUGE;
        Ok(Self {
            tracker: tracker.clone(),
            events: described(
                "slo_events_total",
                "Exchanges that an objective counted, by whether they were good or bad.",
                MetricType::COUNTER,
                &["slo", "outcome"],
            )?,
            target: described(
                "slo_target_ratio",
                "The share of exchanges that should be good.",
                gauge,
                &["slo"],
            )?,
            budget: described(
                "slo_instance_budget_remaining_ratio",
                "What remains of the period's error budget, as this instance sees it.",
                gauge,
                &["slo"],
            )?,
            coverage: described(
                "slo_instance_coverage_ratio",
                "The share of the period in which this instance was there to count.",
                gauge,
                &["slo"],
            )?,
            burn: described(
                "slo_instance_burn_rate",
                "How many times as fast as allowed the error budget burns, as this instance sees it.",
                gauge,
                &["slo", "window"],
            )?,
            alert: described(
                "slo_instance_alert_state",
                "Where a condition of alarm stands: 0 inactive, 1 pending, 2 firing.",
                gauge,
                &["slo", "severity", "window"],
            )?,
            constant,
        })
    }

    fn events(&self) -> Vec<Metric> {
        let of = |(objective, tally): (&Objective, super::Tally)| {
            [("good", tally.good), ("bad", tally.bad)].map(|(outcome, count)| {
                let labels = [("slo", objective.name()), ("outcome", outcome)];
                let mut metric = self.events.value(self.constant.pairs_with(labels), count as f64);
                attach(&mut metric, || Extras::created(self.tracker.created()));
                metric
            })
        };
        self.tracker.tallies().flat_map(of).collect()
    }

    fn burn(&self, report: &ObjectiveReport) -> Vec<Metric> {
        let burn = report.burn.iter().filter_map(|burn| Some((burn.window, burn.rate?)));
        burn.map(|(window, rate)| {
            let window = super::window::duration_text(window);
            let labels = [("slo", report.objective.name()), ("window", &*window)];
            self.burn.value(self.constant.pairs_with(labels), rate)
        })
        .collect()
    }

    fn alerts(&self, report: &ObjectiveReport) -> Vec<Metric> {
        let alerts = report.alerts.iter().map(|alert| {
            let window = alert.severity.window_text(report.objective.window());
            let state = match alert.state {
                AlertState::Inactive => 0.0,
                AlertState::Pending => 1.0,
                AlertState::Firing => 2.0,
            };
            let labels = [
                ("slo", report.objective.name()),
                ("severity", alert.severity.urgency().as_str()),
                ("window", &*window),
            ];
            self.alert.value(self.constant.pairs_with(labels), state)
        });
        alerts.collect()
    }
}

impl Collector for SloCollector {
    fn desc(&self) -> Vec<&Desc> {
        let all =
            [&self.events, &self.target, &self.budget, &self.coverage, &self.burn, &self.alert];
        all.map(Described::desc).to_vec()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let reports = self.tracker.reports();
        let each = |described: &Described, value: &dyn Fn(&ObjectiveReport) -> Option<f64>| {
            let metrics = reports.iter().filter_map(|report| {
                let labels = self.constant.pairs_with([("slo", report.objective.name())]);
                Some(described.value(labels, value(report)?))
            });
            metrics.collect()
        };
        let families = [
            (&self.events, self.events()),
            (&self.target, each(&self.target, &|of| Some(of.objective.target().ratio()))),
            (&self.budget, each(&self.budget, &|of| of.budget.remaining)),
            (&self.coverage, each(&self.coverage, &|of| Some(of.budget.coverage))),
            (&self.burn, reports.iter().flat_map(|report| self.burn(report)).collect()),
            (&self.alert, reports.iter().flat_map(|report| self.alerts(report)).collect()),
        ];
        families.into_iter().filter_map(|(described, metrics)| described.family(metrics)).collect()
    }
}

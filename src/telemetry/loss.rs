//! What was lost of telemetry, as a metric.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};

use super::Telemetry;
use super::ledger::Ledger;
use super::point_ledger::PointLedger;
#[cfg(feature = "access-log")]
use crate::access_log::JsonLines;
use crate::config::ConfigError;
use crate::metrics::collect::Described;
use crate::metrics::saturation::CollectorBuilder;
use crate::metrics::saturation::builder::{FromSettings, NameSettings, Names};

/// Shows how much telemetry was lost for good, as `telemetry_lost_total{signal,exporter}`: items that
/// found a full queue, and items that their receiver did not take.
///
/// | `signal` | what is counted |
/// |---|---|
/// | `spans`, `logs` | spans that ended and records that were logged |
/// | `metrics` | data points that no later export made up for: see [`Delivery::metrics`](super::Delivery::metrics) |
/// | `access_log` | lines of the [`JsonLines`](crate::access_log::JsonLines) that were given, feature `access-log`; `exporter` is `lines` |
///
/// What still waits is not lost. Each begins at 0, so that `increase()` sees the first loss.
///
/// ```
/// use prometheus::Registry;
/// use tower_observability::telemetry::{LossCollector, Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let telemetry = Telemetry::builder("checkout").build()?;
/// LossCollector::of(&telemetry).register(&registry)?;
/// # Ok(())
/// # }
/// ```
///
/// Its metric has a prefix and constant labels, if wanted: see [`CollectorBuilder`].
pub struct LossCollector {
    sources: Vec<Source>,
    names: Names,
    lost: Described,
}

/// What a collector of losses is told.
pub struct LossSettings {
    sources: Vec<Source>,
}

enum Source {
    Items(&'static str, Arc<Ledger>),
    Points(Arc<PointLedger>),
    #[cfg(feature = "access-log")]
    Lines(JsonLines),
}

impl Source {
    /// The signal, the exporter, and how much was lost.
    fn told(&self) -> (&'static str, &'static str, u64) {
        match self {
            Self::Items(signal, ledger) => (signal, ledger.exporter(), ledger.lost_for_good()),
            Self::Points(ledger) => ("metrics", ledger.exporter(), ledger.lost_for_good()),
            #[cfg(feature = "access-log")]
            Self::Lines(lines) => ("access_log", "lines", lines.lost_lines()),
        }
    }
}

impl LossCollector {
    /// Sets up a collector of what this telemetry loses.
    pub fn of(telemetry: &Telemetry) -> CollectorBuilder<Self> {
        let parts = &telemetry.0;
        Self::of_ledgers(&parts.span_ledgers, &parts.log_ledgers, &parts.point_ledger)
    }

    pub(super) fn of_ledgers(
        spans: &[Arc<Ledger>],
        logs: &[Arc<Ledger>],
        points: &Option<Arc<PointLedger>>,
    ) -> CollectorBuilder<Self> {
        let items = |signal, ledgers: &[Arc<Ledger>]| {
            let item = |ledger: &Arc<Ledger>| Source::Items(signal, Arc::clone(ledger));
            ledgers.iter().map(item).collect::<Vec<_>>()
        };
        let mut sources = items("spans", spans);
        sources.extend(items("logs", logs));
        sources.extend(points.clone().map(Source::Points));
        CollectorBuilder::new(LossSettings { sources })
    }
}

#[cfg(feature = "access-log")]
impl CollectorBuilder<LossCollector> {
    /// Shows the lost lines of this access log, too; of several they are added up.
    pub fn access_log(mut self, lines: &JsonLines) -> Self {
        self.settings.sources.push(Source::Lines(lines.clone()));
        self
    }
}

impl FromSettings for LossCollector {
    type Settings = LossSettings;

    const HINT: &str = "a registry takes one collector of losses; others need a constant label";

    fn from_settings(settings: LossSettings, names: NameSettings) -> Result<Self, ConfigError> {
        let labels = ["signal", "exporter"];
        let names = names.check([], &labels)?;
        let help = "Spans, log records, data points and access log lines that were lost for good.";
        let lost = names.describe("telemetry_lost_total", help, MetricType::COUNTER, &labels)?;
        Ok(Self { sources: settings.sources, names, lost })
    }
}

impl Collector for LossCollector {
    fn desc(&self) -> Vec<&Desc> {
        vec![self.lost.desc()]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut told: Vec<(&str, &str, u64)> = Vec::new();
        for (signal, exporter, lost) in self.sources.iter().map(Source::told) {
            match told.iter_mut().find(|(of, by, _)| (*of, *by) == (signal, exporter)) {
                Some((_, _, all)) => *all = all.saturating_add(lost),
                None => told.push((signal, exporter, lost)),
            }
        }
        let metrics = told.iter().map(|(signal, exporter, lost)| {
            let own = [("signal", *signal), ("exporter", *exporter)];
            self.lost.value(self.names.labels.pairs_with(own), *lost as f64)
        });
        self.lost.family(metrics.collect()).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Registry, TextEncoder};

    use super::super::health::{Accepted, Health};
    use super::*;

    fn shown(registry: &Registry) -> Vec<String> {
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn what_waits_is_not_lost_and_what_is_lost_stays_so() {
        let ledger = || Arc::new(Ledger::new("otlp", Health::new("otlp", "spans", None), 2));
        let (one, other) = (ledger(), ledger());
        let items = |ledger: &Arc<Ledger>| Source::Items("spans", Arc::clone(ledger));
        let sources = vec![items(&one), items(&other)];
        let registry = Registry::new();
        CollectorBuilder::<LossCollector>::new(LossSettings { sources })
            .prefix("shop")
            .constant_label("service_name", "checkout")
            .register(&registry)
            .unwrap();
        let lost = |count| {
            let labels = r#"exporter="otlp",service_name="checkout",signal="spans""#;
            vec![format!("shop_telemetry_lost_total{{{labels}}} {count}")]
        };
        assert_eq!(shown(&registry), lost(0));
        assert_eq!([one.admit(), one.admit(), one.admit()], [true, true, false]);
        assert_eq!(shown(&registry), lost(1), "the queue was full");
        let _ = one.close(2, Ok(Accepted::part(2, 1, "full".to_owned())));
        assert_eq!(shown(&registry), lost(2), "one was not taken");
        assert!(other.admit());
        let _ = other.close(1, Err("down".to_owned()));
        assert_eq!(shown(&registry), lost(3));
    }

    #[cfg(feature = "access-log")]
    #[test]
    fn lines_that_cannot_be_written_are_lost() {
        let telemetry = Telemetry::builder("checkout").build().unwrap();
        let registry = Registry::new();
        let lines = JsonLines::new(std::io::sink());
        LossCollector::of(&telemetry).access_log(&lines).register(&registry).unwrap();
        let none = r#"telemetry_lost_total{exporter="lines",signal="access_log"} 0"#;
        assert_eq!(shown(&registry), [none]);
    }
}

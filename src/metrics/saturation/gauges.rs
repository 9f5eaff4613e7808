//! Gauges that a closure reads.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};

use super::builder::{CollectorBuilder, FromSettings, NameSettings, Names};
use crate::config::ConfigError;
use crate::exchange::isolated;
use crate::metrics::collect::Described;
use crate::metrics::names::{label_name, metric_name};

/// Shows numbers of your own that go up and down: each is asked of a closure at each scrape.
///
/// What fills up is a gauge of this kind: the connections of a pool that are in use, a queue, the
/// permits that a concurrency limit has left (`tokio::sync::Semaphore::available_permits`). What
/// only grows, such as requests shed, is better a counter of `prometheus` in the same registry.
///
/// A closure must be quick, must not block, and must not use the registry: it runs while the
/// registry is being read. One that panics leaves its gauge out of that scrape, and nothing else;
/// `gauge_callback_panics_total{gauge}` then tells of it. A gauge may be NaN or infinite.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use tower_observability::metrics::saturation::Gauges;
///
/// # struct Pool(AtomicUsize);
/// # impl Pool { fn in_use(&self) -> usize { self.0.load(Ordering::Relaxed) } }
/// # let (primary, replica) = (Arc::new(Pool(AtomicUsize::new(1))), Arc::new(Pool(AtomicUsize::new(2))));
/// let registry = prometheus::Registry::new();
/// let help = "Connections of the pool that are in use.";
/// Gauges::builder()
///     .gauge_with_labels("db_pool_in_use", help, [("pool", "primary")], {
///         let primary = Arc::clone(&primary);
///         move || primary.in_use() as f64
///     })
///     .gauge_with_labels("db_pool_in_use", help, [("pool", "replica")], {
///         let replica = Arc::clone(&replica);
///         move || replica.in_use() as f64
///     })
///     .register(&registry)?;
/// # Ok::<_, tower_observability::metrics::RegisterError>(())
/// ```
pub struct Gauges {
    gauges: Vec<Gauge>,
}

type Read = Box<dyn Fn() -> f64 + Send + Sync>;

struct Gauge {
    described: Described,
    read: Read,
    panics: AtomicU64,
    panics_described: Described,
}

/// The gauges as given.
#[derive(Default)]
pub struct GaugeSettings {
    gauges: Vec<GaugeSetting>,
}

struct GaugeSetting {
    name: String,
    help: String,
    labels: Vec<(String, String)>,
    read: Read,
}

impl Gauges {
    /// Sets up a collector without a gauge yet.
    pub fn builder() -> CollectorBuilder<Self> {
        CollectorBuilder::new(GaugeSettings::default())
    }
}

impl CollectorBuilder<Gauges> {
    /// Adds a gauge: its name, which ends in its unit if it has one (`_seconds`, `_bytes`), a
    /// sentence on what it tells, and what reads it.
    pub fn gauge(
        self,
        name: impl Into<String>,
        help: impl Into<String>,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        self.gauge_with_labels(name, help, [] as [(String, String); 0], read)
    }

    /// As [`gauge`](Self::gauge), with labels. Gauges of one name need the same help and the same
    /// names of labels, with values that differ.
    pub fn gauge_with_labels<N, V>(
        mut self,
        name: impl Into<String>,
        help: impl Into<String>,
        labels: impl IntoIterator<Item = (N, V)>,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let (name, help, read) = (name.into(), help.into(), Box::new(read));
        self.settings.gauges.push(GaugeSetting { name, help, labels, read });
        self
    }
}

impl FromSettings for Gauges {
    type Settings = GaugeSettings;

    fn from_settings(settings: GaugeSettings, names: NameSettings) -> Result<Self, ConfigError> {
        let mut gauges: Vec<Gauge> = Vec::new();
        for setting in settings.gauges {
            let gauge = Gauge::new(setting, &names)?;
            for other in &gauges {
                gauge.differs_from(other)?;
            }
            gauges.push(gauge);
        }
        Ok(Self { gauges })
    }
}

impl Gauge {
    fn new(setting: GaugeSetting, names: &NameSettings) -> Result<Self, ConfigError> {
        let GaugeSetting { name, help, labels, read } = setting;
        metric_name("gauge", &name)?;
        if help.is_empty() {
            return Err(ConfigError::new("help", help, "a sentence on what the gauge tells"));
        }
        for (label, _) in &labels {
            label_name("gauge label", label)?;
        }
        let own = names.check(labels, &[])?;
        let described = own.describe(&name, &help, MetricType::GAUGE, &[])?;
        let shown = shown(&described.desc().fq_name, &own);
        // nothing but the gauge's own name, so that the labels are the same for every gauge
        let panics_described = names.check_prefix([("gauge".to_owned(), shown)])?.describe(
            "gauge_callback_panics_total",
            "How often the gauge could not be read, as its closure panicked.",
            MetricType::COUNTER,
            &[],
        )?;
        Ok(Self { described, read, panics: AtomicU64::new(0), panics_described })
    }

    fn differs_from(&self, other: &Self) -> Result<(), ConfigError> {
        let (desc, other) = (self.described.desc(), other.described.desc());
        if desc.fq_name != other.fq_name {
            return Ok(());
        }
        let refused = |allowed| Err(ConfigError::new("gauge", &desc.fq_name, allowed));
        if desc.const_label_pairs == other.const_label_pairs {
            return refused("each name with the same labels once");
        }
        if desc.dim_hash != other.dim_hash {
            return refused("the same help and names of labels for each gauge of one name");
        }
        Ok(())
    }

    fn descs(&self) -> [&Desc; 2] {
        [self.described.desc(), self.panics_described.desc()]
    }

    fn collect(&self) -> impl Iterator<Item = MetricFamily> {
        let value = isolated(|| (self.read)());
        if value.is_none() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        let panics = self.panics.load(Ordering::Relaxed);
        let panics = (panics > 0).then(|| self.panics_described.one(panics as f64));
        value.map(|value| self.described.one(value)).into_iter().chain(panics)
    }
}

/// A gauge as Prometheus' queries write it.
fn shown(name: &str, names: &Names) -> String {
    let labels: Vec<_> =
        names.labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

impl Collector for Gauges {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.iter().flat_map(Gauge::descs).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauges.iter().flat_map(Gauge::collect).collect()
    }
}

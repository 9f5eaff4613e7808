//! What the builder of telemetry is told for its layers.

use std::fmt;
use std::time::Duration;

use prometheus::Registry;

use crate::access_log::JsonLines;
use crate::caller::TrustedProxies;
use crate::config::ConfigError;
use crate::debug_dump::DumpControl;
use crate::health::Health;
use crate::live::Board;
use crate::metrics::MetricsBuilder;
use crate::redact::Redaction;
use crate::slo::SloTracker;
use crate::telemetry::TelemetryBuilder;

/// What is said of metrics beyond the defaults.
pub(super) type SetMetrics = Box<dyn FnOnce(MetricsBuilder) -> MetricsBuilder + Send>;

/// What the layers are made of, as far as the program said.
#[derive(Default)]
pub(crate) struct StackSettings {
    pub(super) registry: Option<Registry>,
    pub(super) constant_labels: Vec<(String, String)>,
    pub(super) objectives: Option<SloTracker>,
    pub(super) redaction: Redaction,
    pub(super) dumps: Option<DumpControl>,
    pub(super) health: Option<Health>,
    pub(super) live: Option<Board>,
    pub(super) json_lines: Option<JsonLines>,
    pub(super) trusted_proxies: Option<TrustedProxies>,
    pub(super) server_metrics: Option<SetMetrics>,
    pub(super) client_metrics: Option<SetMetrics>,
    pub(super) drain_notice: Duration,
}

/// What the [layers](crate::stack) and the admin service are made of (feature `stack`).
impl TelemetryBuilder {
    /// The registry that all metrics come out of, beside those of the program; one of its own by default.
    /// It takes those of several services only if a [label](Self::constant_label) tells them apart. A `build`
    /// that fails may leave metrics in it: give the next one another registry.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.stack.registry = Some(registry);
        self
    }

    /// Adds a label to every metric, but not to those of the process, its runtime and objectives; none by
    /// default. With it several services of one process share a registry.
    ///
    /// ```
    /// use prometheus::Registry;
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// let registry = Registry::new();
    /// let service = |name: &'static str| {
    ///     Telemetry::builder(name).registry(registry.clone()).constant_label("service_name", name)
    /// };
    /// let (shop, till) = (service("shop").build()?, service("till").build()?);
    /// # drop((shop, till));
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn constant_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.stack.constant_labels.push((name.into(), value.into()));
        self
    }

    /// What is promised: each exchange is counted by these objectives, which are told at `/slo` and among
    /// the metrics. None by default. A registry takes one set of objectives: where services share one, tell
    /// it to one telemetry, and set [`slo`](crate::stack::ServerParts::slo) in the parts of the others.
    pub fn objectives(mut self, objectives: SloTracker) -> Self {
        self.stack.objectives = Some(objectives);
        self
    }

    /// What is hidden in logs, spans, dumps, the live page and Sentry's events;
    /// [`Redaction::default`] by default.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.stack.redaction = redaction;
        self
    }

    /// Where dumps are kept and switched on; the [default](DumpControl::new) unless told.
    pub fn dumps(mut self, dumps: DumpControl) -> Self {
        self.stack.dumps = Some(dumps);
        self
    }

    /// What an orchestrator is told; see [`set_health`](crate::telemetry::Telemetry::set_health), which sets
    /// it later.
    pub fn health(mut self, health: Health) -> Self {
        self.stack.health = Some(health);
        self
    }

    /// Where what runs, was slow or failed is kept for the live page; the
    /// [default](Board::builder) unless told.
    pub fn live(mut self, board: Board) -> Self {
        self.stack.live = Some(board);
        self
    }

    /// Writes the access log as lines of JSON here, and not as events of the `tracing` crate. That costs an
    /// eighth of what an event formatted as JSON does. [`shutdown`](crate::telemetry::Telemetry::shutdown)
    /// writes what is queued and tells what was lost; clones that others write to go on.
    pub fn json_lines(mut self, lines: JsonLines) -> Self {
        self.stack.json_lines = Some(lines);
        self
    }

    /// The proxies whose word on the client's address and scheme is taken; none by default.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.stack.trusted_proxies = Some(proxies);
        self
    }

    /// Sets up the servers' metrics otherwise, such as their buckets.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// let bounds = [5, 25, 100, 500].map(Duration::from_millis);
    /// let telemetry = Telemetry::builder("shop")
    ///     .server_metrics(move |metrics| metrics.duration_buckets(bounds))
    ///     .build()?;
    /// # drop(telemetry);
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn server_metrics(
        mut self,
        set: impl FnOnce(MetricsBuilder) -> MetricsBuilder + Send + 'static,
    ) -> Self {
        self.stack.server_metrics = Some(Box::new(set));
        self
    }

    /// Sets up the clients' metrics otherwise; see [`server_metrics`](Self::server_metrics).
    pub fn client_metrics(
        mut self,
        set: impl FnOnce(MetricsBuilder) -> MetricsBuilder + Send + 'static,
    ) -> Self {
        self.stack.client_metrics = Some(Box::new(set));
        self
    }

    /// How long, once the program drains, it still takes requests: the time that load balancers need to see
    /// that it is not ready. None by default, at most a day; three eighths of a shutdown's time at most, with a
    /// warning, as what is under way needs time, too.
    ///
    /// With Kubernetes that is the readiness probe's `periodSeconds * failureThreshold` and a few seconds;
    /// all of a shutdown must fit into `terminationGracePeriodSeconds`.
    pub fn drain_notice(mut self, notice: Duration) -> Self {
        const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
        if notice > LONGEST {
            let allowed = "a duration of at most 1 day";
            self.fail(ConfigError::new("drain_notice", format!("{notice:?}"), allowed));
        }
        self.stack.drain_notice = notice;
        self
    }
}

impl fmt::Debug for StackSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackSettings")
            .field("objectives", &self.objectives)
            .field("health", &self.health)
            .field("json_lines", &self.json_lines)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("drain_notice", &self.drain_notice)
            .finish_non_exhaustive()
    }
}

//! A tokio runtime.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};
use tokio::runtime::{Handle, RuntimeFlavor, RuntimeMetrics};

use super::builder::{CollectorBuilder, FromSettings, NameSettings};
use super::utilization::{Interval, Told};
use crate::clock::Clock;
use crate::config::ConfigError;
use crate::metrics::collect::Described;

/// Shows how full a tokio runtime is:
///
/// | metric | what it is |
/// |---|---|
/// | `tokio_workers` | worker threads |
/// | `tokio_alive_tasks` | tasks that have not ended |
/// | `tokio_global_queue_depth` | tasks that wait in the queue all workers share |
/// | `tokio_worker_busy_seconds_total{worker}` | time that a worker spent on tasks |
/// | `tokio_worker_parks_total{worker}` | how often a worker had nothing to do and went to sleep |
/// | `tokio_utilization_ratio` | busy time since the last scrape, divided by workers and time: 0 to 1 |
///
/// All of them have the label `runtime`, so that a process can show several. They are read at the
/// scrape from what tokio counts anyway; nothing unstable is used.
///
/// # Utilization
///
/// `tokio_utilization_ratio` is of the time since it was read last, so two scrapers share it: each
/// sees only the part since the other one. Prometheus can do without it:
///
/// ```promql
/// sum without (worker) (rate(tokio_worker_busy_seconds_total[5m])) / tokio_workers
/// ```
///
/// tokio adds to a worker's busy time when the worker goes to sleep, and else once every 61 polls
/// (the runtime's `event_interval`). Until then a worker in one long poll, which blocks where it
/// should await, has not been busy by the counter; all of it comes at once when the poll ends, and
/// `rate` may pass 1 then. The ratio does not wait for that: on a multi-threaded runtime, a worker
/// that stayed awake all the time while tokio told nothing of it counts as busy, from the first
/// scrape interval on that lies in the poll as a whole. On a `current_thread` runtime that cannot
/// be told from one that nobody runs, so it reads 0 until the poll ends. Time over an interval's
/// length, which such a poll brings, is cut off.
///
/// The collector keeps the runtime's shared state alive, though not its threads and tasks: after a
/// shutdown, the registry shows an idle runtime.
///
/// ```
/// use tower_observability::metrics::saturation::RuntimeCollector;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry = prometheus::Registry::new();
/// let jobs = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
/// RuntimeCollector::of(jobs.handle()).name("jobs").register(&registry)?;
/// # Ok(())
/// # }
/// ```
pub struct RuntimeCollector {
    runtime: RuntimeMetrics,
    clock: Clock,
    /// Whether a worker that is awake is at work, as every worker has a thread of its own.
    runs_by_itself: bool,
    interval: Mutex<Interval>,
    workers: Described,
    alive_tasks: Described,
    global_queue_depth: Described,
    busy: Described,
    parks: Described,
    utilization: Described,
}

/// What a collector of a runtime is told.
pub struct RuntimeSettings {
    handle: Handle,
    name: String,
    clock: Clock,
}

impl RuntimeCollector {
    /// Sets up a collector of the runtime in which this is called, by the name `main`.
    ///
    /// # Errors
    /// Outside of a tokio runtime.
    pub fn current() -> Result<CollectorBuilder<Self>, ConfigError> {
        let allowed = "a call from within a tokio runtime, or a handle of one by `of`";
        let none = |_| ConfigError::new("runtime", "none", allowed);
        Handle::try_current().map(|handle| Self::of(&handle)).map_err(none)
    }

    /// Sets up a collector of a runtime, by the name `main`.
    pub fn of(runtime: &Handle) -> CollectorBuilder<Self> {
        CollectorBuilder::new(RuntimeSettings {
            handle: runtime.clone(),
            name: "main".to_owned(),
            clock: Clock::system(),
        })
    }
}

impl CollectorBuilder<RuntimeCollector> {
    /// The value of the label `runtime`; `main` by default. Runtimes in one registry need names
    /// that differ.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Measures the time between scrapes with this clock; the system's by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }
}

impl FromSettings for RuntimeCollector {
    type Settings = RuntimeSettings;

    const HINT: &str = "runtimes in one registry need names that differ";

    fn from_settings(settings: RuntimeSettings, names: NameSettings) -> Result<Self, ConfigError> {
        let RuntimeSettings { handle, name, clock } = settings;
        if name.is_empty() {
            return Err(ConfigError::new("name", name, "a name for the runtime"));
        }
        let names = names.check([("runtime".to_owned(), name)], &["worker"])?;
        let of_runtime = |name, help| names.describe(name, help, MetricType::GAUGE, &[]);
        let of_worker = |name, help| names.describe(name, help, MetricType::COUNTER, &["worker"]);
        let runtime = handle.metrics();
        Ok(Self {
            interval: Mutex::new(Interval::new(clock.now(), Told::of(&runtime))),
            runs_by_itself: handle.runtime_flavor() != RuntimeFlavor::CurrentThread,
            workers: of_runtime("tokio_workers", "Worker threads of the runtime.")?,
            alive_tasks: of_runtime(
                "tokio_alive_tasks",
                "Tasks of the runtime that have not ended.",
            )?,
            global_queue_depth: of_runtime(
                "tokio_global_queue_depth",
                "Tasks that wait in the queue that all workers of the runtime share.",
            )?,
            busy: of_worker(
                "tokio_worker_busy_seconds_total",
                "Time that the worker spent on tasks, in seconds.",
            )?,
            parks: of_worker(
                "tokio_worker_parks_total",
                "How often the worker had nothing to do and went to sleep.",
            )?,
            utilization: of_runtime(
                "tokio_utilization_ratio",
                "Busy time of the workers since this was read last, divided by workers and time.",
            )?,
            runtime,
            clock,
        })
    }
}

impl Collector for RuntimeCollector {
    fn desc(&self) -> Vec<&Desc> {
        let gauges = [&self.workers, &self.alive_tasks, &self.global_queue_depth];
        let all = gauges.into_iter().chain([&self.busy, &self.parks, &self.utilization]);
        all.map(Described::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let runtime = &self.runtime;
        let workers = runtime.num_workers();
        let tasks = runtime.num_alive_tasks();
        let each = |value: &dyn Fn(usize) -> f64| -> Vec<_> {
            (0..workers).map(|worker| (worker.to_string(), value(worker))).collect()
        };
        let busy = |worker| runtime.worker_total_busy_duration(worker).as_secs_f64();
        let parks = |worker| runtime.worker_park_count(worker) as f64;
        let utilization = self.utilization(if self.runs_by_itself { tasks } else { 0 });
        [
            self.workers.one(workers as f64),
            self.alive_tasks.one(tasks as f64),
            self.global_queue_depth.one(runtime.global_queue_depth() as f64),
            self.busy.each("worker", each(&busy)),
            self.parks.each("worker", each(&parks)),
        ]
        .into_iter()
        .chain(utilization.map(|ratio| self.utilization.one(ratio)))
        .collect()
    }
}

impl RuntimeCollector {
    fn utilization(&self, tasks: usize) -> Option<f64> {
        // only scrapes at the same time wait here, and for these few lines
        let mut interval = self.interval.lock().unwrap_or_else(PoisonError::into_inner);
        interval.next(self.clock.now(), &Told::of(&self.runtime), tasks)
    }
}

impl fmt::Debug for RuntimeCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeCollector").field("workers", &self.runtime.num_workers()).finish()
    }
}

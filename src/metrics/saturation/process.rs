//! The process as its kernel sees it.

use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};

use super::builder::{CollectorBuilder, FromSettings, NameSettings};
use crate::config::ConfigError;
use crate::metrics::collect::Described;

#[cfg(target_os = "linux")]
pub(super) mod linux;
#[cfg(target_os = "linux")]
use linux::Reading;

/// Shows the process in the metrics that Prometheus' client libraries share:
///
/// | metric | what it is |
/// |---|---|
/// | `process_cpu_seconds_total` | CPU time of user and system, to a clock tick (10 ms) |
/// | `process_open_fds` | file descriptors that are open |
/// | `process_max_fds` | how many may be |
/// | `process_virtual_memory_bytes` | the address space |
/// | `process_virtual_memory_max_bytes` | how large it may be |
/// | `process_resident_memory_bytes` | memory that is held in RAM |
/// | `process_start_time_seconds` | when the process began, since the Unix epoch |
/// | `process_threads` | threads of the operating system |
///
/// Their names and meanings are those of
/// <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>. A limit that is
/// none reads 1.8446744073709552e19 (2^64 - 1), as the kernel has it and other clients show it. A container's
/// own limits (cgroups) are not among them.
///
/// Only on Linux is there anything to read; elsewhere the collector shows nothing. What cannot be
/// read, as in a container without `/proc`, is left out of that scrape.
///
/// A registry takes these names once. With its feature `process`, `prometheus` registers a
/// collector of its own in the default registry, which cuts CPU time to whole seconds: registering
/// this one there is an error, and a registry of one's own is the way out.
///
/// ```
/// use tower_observability::metrics::saturation::ProcessCollector;
///
/// let registry = prometheus::Registry::new();
/// ProcessCollector::builder().register(&registry)?;
/// # Ok::<_, tower_observability::metrics::RegisterError>(())
/// ```
pub struct ProcessCollector {
    metrics: Vec<(Metric, Described)>,
    #[cfg(target_os = "linux")]
    start: linux::Start,
}

impl ProcessCollector {
    /// Sets up a collector of this process; under the standard names, unless a prefix is given.
    pub fn builder() -> CollectorBuilder<Self> {
        CollectorBuilder::new(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    CpuSeconds,
    OpenFds,
    MaxFds,
    VirtualMemory,
    VirtualMemoryMax,
    ResidentMemory,
    StartTime,
    Threads,
}

impl Metric {
    const ALL: [Self; 8] = [
        Self::CpuSeconds,
        Self::OpenFds,
        Self::MaxFds,
        Self::VirtualMemory,
        Self::VirtualMemoryMax,
        Self::ResidentMemory,
        Self::StartTime,
        Self::Threads,
    ];

    fn name_and_help(self) -> (&'static str, &'static str) {
        match self {
            Self::CpuSeconds => {
                ("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
            }
            Self::OpenFds => ("process_open_fds", "Number of open file descriptors."),
            Self::MaxFds => ("process_max_fds", "Maximum number of open file descriptors."),
            Self::VirtualMemory => {
                ("process_virtual_memory_bytes", "Virtual memory size in bytes.")
            }
            Self::VirtualMemoryMax => (
                "process_virtual_memory_max_bytes",
                "Maximum amount of virtual memory available in bytes.",
            ),
            Self::ResidentMemory => {
                ("process_resident_memory_bytes", "Resident memory size in bytes.")
            }
            Self::StartTime => (
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
            ),
            Self::Threads => ("process_threads", "Number of OS threads in the process."),
        }
    }
}

impl FromSettings for ProcessCollector {
    type Settings = ();

    const HINT: &str = "a registry takes one process collector, and prometheus has one of its \
                              own in the default registry, with its feature `process`";

    fn from_settings((): (), names: NameSettings) -> Result<Self, ConfigError> {
        let names = names.check([], &[])?;
        let describe = |metric: Metric| {
            let (name, help) = metric.name_and_help();
            let kind = match metric {
                Metric::CpuSeconds => MetricType::COUNTER,
                _ => MetricType::GAUGE,
            };
            Ok((metric, names.describe(name, help, kind, &[])?))
        };
        Ok(Self {
            metrics: Metric::ALL.into_iter().map(describe).collect::<Result<_, ConfigError>>()?,
            #[cfg(target_os = "linux")]
            start: linux::Start::default(),
        })
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.metrics.iter().map(|(_, described)| described.desc()).collect()
    }

    #[cfg(target_os = "linux")]
    fn collect(&self) -> Vec<MetricFamily> {
        let reading = Reading::now(&self.start);
        let metrics = self.metrics.iter();
        metrics
            .filter_map(|(metric, described)| Some(described.one(reading.value(*metric)?)))
            .collect()
    }

    #[cfg(not(target_os = "linux"))]
    fn collect(&self) -> Vec<MetricFamily> {
        Vec::new()
    }
}

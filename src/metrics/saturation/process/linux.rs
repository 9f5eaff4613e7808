//! What Linux tells in `/proc/self`.

use std::fs;
use std::io;
use std::sync::OnceLock;

use procfs::process::{LimitValue, Limits, Process, Stat};

use super::Metric;

/// What could be read of the process at one moment.
pub(in super::super) struct Reading {
    open_fds: Option<u64>,
    stat: Option<Stat>,
    limits: Option<Limits>,
    started: Option<f64>,
}

/// When the process began. It is read once: the kernel tells it by the time of day, and would tell
/// another one when that is set.
#[derive(Default)]
pub(in super::super) struct Start(OnceLock<f64>);

impl Reading {
    pub(in super::super) fn now(start: &Start) -> Self {
        // before anything else is opened
        let open_fds = open_fds().ok();
        let process = Process::myself().ok();
        let stat = process.as_ref().and_then(|process| process.stat().ok());
        let limits = process.as_ref().and_then(|process| process.limits().ok());
        let started = stat.as_ref().and_then(|stat| start.of(stat));
        Self { open_fds, stat, limits, started }
    }

    pub(in super::super) fn value(&self, metric: Metric) -> Option<f64> {
        let limit = |limit: &LimitValue| match limit {
            LimitValue::Value(most) => *most as f64,
            LimitValue::Unlimited => u64::MAX as f64,
        };
        let (stat, limits) = (self.stat.as_ref(), self.limits.as_ref());
        match metric {
            Metric::CpuSeconds => {
                stat.and_then(|stat| seconds(stat.utime.saturating_add(stat.stime)))
            }
            Metric::OpenFds => self.open_fds.map(|count| count as f64),
            Metric::MaxFds => limits.map(|limits| limit(&limits.max_open_files.soft_limit)),
            Metric::VirtualMemory => stat.map(|stat| stat.vsize as f64),
            Metric::VirtualMemoryMax => {
                limits.map(|limits| limit(&limits.max_address_space.soft_limit))
            }
            Metric::ResidentMemory => {
                stat.map(|stat| stat.rss.saturating_mul(procfs::page_size()) as f64)
            }
            Metric::StartTime => self.started,
            Metric::Threads => stat.map(|stat| stat.num_threads as f64),
        }
    }
}

impl Start {
    fn of(&self, stat: &Stat) -> Option<f64> {
        if let Some(started) = self.0.get() {
            return Some(*started);
        }
        let started = procfs::boot_time_secs().ok()? as f64 + seconds(stat.starttime)?;
        Some(*self.0.get_or_init(|| started))
    }
}

/// Seconds of clock ticks.
fn seconds(ticks: u64) -> Option<f64> {
    let a_second = procfs::ticks_per_second();
    (a_second != 0).then(|| ticks as f64 / a_second as f64)
}

const OPEN: &str = "/proc/self/fd";

/// How many file descriptors are open: what Linux 6.2 and later tell at once, else counted.
fn open_fds() -> io::Result<u64> {
    match fs::metadata(OPEN)?.len() {
        0 => counted_fds(),
        open => Ok(open),
    }
}

/// As many as there are, without the one that counting takes.
pub(in super::super) fn counted_fds() -> io::Result<u64> {
    Ok((fs::read_dir(OPEN)?.count() as u64).saturating_sub(1))
}

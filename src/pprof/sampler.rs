//! Sampling, by the `pprof` crate.

use std::ffi::c_int;
use std::time::{Duration, SystemTime};

use ::pprof::{Error, Frames, ProfilerGuard, ProfilerGuardBuilder, Symbol};

use super::cpu::Frequency;
use super::error::ProfileError;
use super::profile::Profile;
use super::proto::{Function, Label, Line, Location};
use super::tables::{Sign, Tables};

/// Where a stack cannot be unwound safely: whoever was interrupted there may hold the loader's lock.
///
/// Parts of the paths of libraries, strict enough not to match the executable's.
const UNSAFE_TO_UNWIND: [&str; 11] = [
    "/libc.",
    "/libc-",
    "/libgcc_s",
    "/libpthread",
    "/libunwind.",
    "linux-vdso",
    "/ld-linux",
    "/ld-musl",
    "/libsystem_",
    "/libdyld",
    "/usr/lib/dyld",
];

/// How deep the profiler's own frames reach into a stack.
const OWN_DEPTH: usize = 12;

/// Samples as long as it lives.
pub(super) struct Sampler {
    guard: ProfilerGuard<'static>,
    frequency: Frequency,
}

impl Sampler {
    pub(super) fn start(frequency: Frequency) -> Result<Self, ProfileError> {
        let hertz = c_int::try_from(frequency.hertz()).unwrap_or(99);
        let builder = ProfilerGuardBuilder::default().frequency(hertz);
        let guard = builder.blocklist(&UNSAFE_TO_UNWIND).build().map_err(told)?;
        Ok(Self { guard, frequency })
    }

    /// Stops, then names what was sampled; `None` when nobody waits for that any more.
    pub(super) fn finish(
        self,
        nobody_waits: impl Fn() -> bool,
    ) -> Result<Option<Profile>, ProfileError> {
        let Self { guard, frequency } = self;
        let report = guard.report().build_unresolved().map_err(told)?;
        drop(guard);

        let mut tables = Tables::new();
        let period = 1_000_000_000 / i64::from(frequency.hertz());
        for (frames, count) in report.data {
            if nobody_waits() {
                return Ok(None);
            }
            let frames = Frames::from(frames);
            let count = count as i64;
            let stack = stack(&mut tables, &frames);
            let (key, str) = (tables.string("thread"), tables.string(&frames.thread_name_or_id()));
            let label = Label { key, str, ..Label::default() };
            let values = [count, count.saturating_mul(period)];
            tables.sample((stack, vec![label]), &values, Sign::Plus);
        }
        let types =
            [tables.value_type("samples", "count"), tables.value_type("cpu", "nanoseconds")];
        let mut profile = tables.finish();
        let started = report.timing.start_time.duration_since(SystemTime::UNIX_EPOCH);
        profile.time_nanos = nanoseconds(started.unwrap_or_default());
        profile.duration_nanos = nanoseconds(report.timing.duration);
        profile.sample_type = types.to_vec();
        profile.period_type = types.last().copied();
        profile.period = period;
        Ok(Some(Profile::new(profile)))
    }
}

/// The locations of a stack, the leaf first, without the profiler's own frames.
fn stack(tables: &mut Tables, frames: &Frames) -> Vec<u64> {
    let own = |symbols: &Vec<Symbol>| symbols.iter().any(|symbol| is_own(&symbol.name()));
    let skipped = frames.frames.iter().take(OWN_DEPTH).rposition(own).map_or(0, |last| last + 1);
    let stack = frames.frames.iter().skip(skipped);
    stack.map(|symbols| location(tables, symbols)).collect()
}

/// Whether a function is the profiler's, of the `pprof` and `backtrace` crates.
fn is_own(name: &str) -> bool {
    const OWN: [&str; 3] = ["pprof::profiler::", "pprof::backtrace::", "backtrace::backtrace::"];
    let name = name.strip_prefix('<').unwrap_or(name);
    OWN.iter().any(|own| name.starts_with(own))
}

fn location(tables: &mut Tables, symbols: &[Symbol]) -> u64 {
    let mut lines = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        let filename = symbol.filename.as_ref().map(|path| path.to_string_lossy());
        let function = Function {
            id: 0,
            name: tables.string(&symbol.name()),
            system_name: tables.string(&symbol.sys_name()),
            filename: tables.string(filename.as_deref().unwrap_or_default()),
            start_line: 0,
        };
        let function_id = tables.function(function);
        lines.push(Line { function_id, line: symbol.lineno().into(), column: 0 });
    }
    tables.location(Location { line: lines, ..Location::default() }, 0)
}

fn told(error: Error) -> ProfileError {
    match error {
        // somebody who uses the `pprof` crate directly
        Error::Running => ProfileError::Busy,
        other => ProfileError::Failed(other.to_string()),
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

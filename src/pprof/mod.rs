//! Profiles of the running process, in the format of [pprof].
//!
//! | what | with |
//! |---|---|
//! | where the CPU time goes | [`CpuProfiler`] |
//! | what holds memory | [`heap_profile`], under jemalloc (feature `pprof-jemalloc`) |
//! | what grew between two profiles | [`Profile::diff`] |
//! | a profile every few minutes, in a directory | [`ProfileScheduler`] |
//! | over HTTP, for `go tool pprof` and its like | [`PprofService`] |
//!
//! # CPU profiles
//!
//! The process's CPU clock (`ITIMER_PROF`) interrupts a thread that runs, by `SIGPROF`, and the stack
//! of that thread is kept: time spent waiting costs and shows nothing. Functions are named from the
//! symbols of the executable; with `debug = "line-tables-only"` inlined ones and lines are told too.
//!
//! What it cannot do:
//!
//! - Unwinding inside of libc, the dynamic loader or the vDSO may deadlock, so no sample is taken
//!   there: time in system calls, `malloc` and `memcpy` does not show. Where libc is linked statically
//!   there is no such guard; profile such an executable in a test environment first.
//! - Linux and macOS on x86-64 and ARM64 only; elsewhere [`ProfileError::Unavailable`].
//! - A program that uses `SIGPROF` or `ITIMER_PROF` itself must not profile.
//! - Samples wait in a temporary file when memory for them is full, so the directory for temporary
//!   files must be writable.
//!
//! # Heap profiles
//!
//! jemalloc samples allocations itself. The program makes it the global allocator
//! (`tikv-jemallocator`) and starts with `prof:true` among jemalloc's options, for example in the
//! environment: `_RJEM_MALLOC_CONF=prof:true,lg_prof_sample:19`. With every other allocator
//! [`heap_profile`] is [`ProfileError::Unavailable`].
//!
//! [pprof]: https://github.com/google/pprof/blob/main/proto/profile.proto

#[cfg(any(test, all(feature = "pprof-jemalloc", any(target_os = "linux", target_os = "macos"))))]
mod callers;
mod check;
mod cpu;
mod error;
mod heap;
mod offload;
mod profile;
mod proto;
#[cfg(all(
    any(target_os = "linux", target_os = "macos"),
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[path = "sampler.rs"]
mod sampler;
#[cfg(not(all(
    any(target_os = "linux", target_os = "macos"),
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "no_sampler.rs"]
mod sampler;
mod scheduler;
mod service;
mod store;
mod tables;

#[cfg(test)]
mod tests;

pub use cpu::{CpuProfiler, Frequency};
pub use error::{DecodeError, DiffError, ProfileError};
pub use heap::heap_profile;
pub use profile::{FunctionValue, Profile};
pub use scheduler::{ProfileScheduler, ProfileSchedulerBuilder, SchedulerStatus};
pub use service::{PprofFuture, PprofService};

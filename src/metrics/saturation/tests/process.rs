use std::fs::File;
use std::process::Command;
use std::time::SystemTime;

use prometheus::Registry;

use super::{sample, samples};
use crate::metrics::saturation::ProcessCollector;
use crate::metrics::saturation::process::linux::counted_fds;

fn registry() -> Registry {
    let registry = Registry::new();
    ProcessCollector::builder().register(&registry).unwrap();
    registry
}

/// Looks until two readings that other tests disturb agree; an answer that is always wrong never
/// does.
fn agree(mut look: impl FnMut() -> (f64, f64)) {
    let mut seen = look();
    for _ in 0..10_000 {
        if seen.0 == seen.1 {
            return;
        }
        seen = look();
    }
    panic!("{seen:?}");
}

#[test]
fn the_standard_metrics_are_there() {
    let names: Vec<_> = samples(&registry())
        .iter()
        .map(|line| line.split_once(' ').unwrap().0.to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "process_cpu_seconds_total",
            "process_max_fds",
            "process_open_fds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
            "process_threads",
            "process_virtual_memory_bytes",
            "process_virtual_memory_max_bytes",
        ]
    );
}

#[test]
fn cpu_time_grows_by_fractions_of_a_second() {
    let registry = registry();
    let cpu = || sample(&registry, "process_cpu_seconds_total").unwrap();
    let before = cpu();
    let mut after = cpu();
    while after < before + 0.05 || after.fract() == 0.0 {
        after = cpu();
    }
    // a tick is 10 ms or less
    assert!(after - before < 1.0, "{before} {after}");
    let ticks = after * procfs::ticks_per_second() as f64;
    assert!((ticks - ticks.round()).abs() < 1e-6, "{ticks} ticks");
}

#[test]
fn open_files_are_counted_without_those_that_counting_opens() {
    let registry = registry();
    let open = || sample(&registry, "process_open_fds").unwrap();
    agree(|| (open(), counted_fds().unwrap() as f64));
    agree(|| {
        let before = open();
        let _file = File::open("/dev/null").unwrap();
        (open(), before + 1.0)
    });
}

#[test]
fn limits_are_those_that_the_shell_knows() {
    let registry = registry();
    let limit = |flag: &str, factor: f64| {
        let told = Command::new("sh").arg("-c").arg(format!("ulimit {flag}")).output().unwrap();
        match std::str::from_utf8(&told.stdout).unwrap().trim() {
            "unlimited" => u64::MAX as f64,
            limit => limit.parse::<f64>().unwrap() * factor,
        }
    };
    assert_eq!(sample(&registry, "process_max_fds"), Some(limit("-n", 1.0)));
    assert_eq!(sample(&registry, "process_virtual_memory_max_bytes"), Some(limit("-v", 1024.0)));
}

#[test]
fn memory_and_threads_are_those_of_the_kernel() {
    let registry = registry();
    let status = |field: &str| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        value.trim().trim_end_matches(" kB").parse::<f64>().unwrap()
    };
    let virtual_memory = || sample(&registry, "process_virtual_memory_bytes").unwrap();
    agree(|| (virtual_memory(), status("VmSize:") * 1024.0));
    agree(|| (sample(&registry, "process_threads").unwrap(), status("Threads:")));
    let resident = sample(&registry, "process_resident_memory_bytes").unwrap();
    assert!(resident > 0.0 && resident < virtual_memory(), "{resident}");
    agree(|| {
        let resident = sample(&registry, "process_resident_memory_bytes").unwrap();
        // whole pages
        ((resident / 4096.0).fract(), 0.0)
    });
}

#[test]
fn the_start_is_not_long_ago_and_stays_where_it_was() {
    let registry = registry();
    let start = sample(&registry, "process_start_time_seconds").unwrap();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!((0.0..3600.0).contains(&(now - start)), "{start} {now}");
    assert_eq!(sample(&registry, "process_start_time_seconds"), Some(start));
}

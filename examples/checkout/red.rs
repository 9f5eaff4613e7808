//! Rate, errors and duration of each route, as a dashboard shows them from the metrics.

use std::collections::BTreeMap;

use crate::scrape::{Durations, Scrape};
use crate::series::Series;
use crate::table::{milliseconds, print_columns};

#[derive(Default)]
struct Red {
    durations: Durations,
    errors: BTreeMap<String, u64>,
}

/// What is measured of each thing, in three columns.
pub fn print([whose, how, what]: [&str; 3], series: &BTreeMap<Series, Durations>) {
    let mut routes: BTreeMap<[&str; 3], Red> = BTreeMap::new();
    for (Series { place, method, route, error, .. }, durations) in series {
        let red = routes.entry([place, method, route]).or_default();
        red.durations.add(durations);
        if error != "-" {
            *red.errors.entry(error.clone()).or_default() += durations.count;
        }
    }
    println!();
    let rows: Vec<_> = routes.iter().map(|(&route, red)| red.row(route)).collect();
    print_columns([whose, how, what, "count", "mean", "p95", "errors"], &rows, 3..6);
}

impl Red {
    fn row(&self, [place, method, route]: [&str; 3]) -> [String; 7] {
        let Self { durations, errors } = self;
        let errors: Vec<_> = errors.iter().map(|(error, n)| format!("{n} {error}")).collect();
        [
            place.to_owned(),
            method.to_owned(),
            route.to_owned(),
            durations.count.to_string(),
            milliseconds(durations.mean()),
            milliseconds(durations.quantile(0.95)),
            errors.join(", "),
        ]
    }
}

/// How full the process is.
pub fn print_process(scrape: &Scrape) {
    let cpu = scrape.sum("process_cpu_seconds_total", &[]);
    let memory = scrape.sum("process_resident_memory_bytes", &[]) / f64::from(1 << 20);
    let workers = scrape.sum("tokio_workers", &[]);
    let busy = scrape.sum("tokio_utilization_ratio", &[]) * 100.0;
    println!("\n  the process: {cpu:.2} s of CPU time, {memory:.1} MiB of memory");
    println!("  its runtime: {workers} workers, busy for {busy:.1} % of the time");
}

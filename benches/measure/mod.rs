//! Measures rows: instructions, allocations and bytes as counts, time in nanoseconds and as a ratio to
//! the bare service.
//!
//! Every row runs in a process of its own, so that one row's tracing subscriber cannot slow
//! another row's events. Instructions are counted by valgrind; counts repeat almost exactly, so
//! the budgets are in counts. Times on a shared machine do not, so they have none.

pub(crate) mod exchange;
mod instructions;
pub(crate) mod process;
mod report;
pub(crate) mod row;
pub(crate) mod worker;

use std::process::ExitCode;

use row::Row;
use worker::Worker;

/// The exchanges of one timed round; about a millisecond.
const PER_ROUND: u32 = 1_000;
const ROUNDS: usize = 101;

/// What one row costs per request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    /// `None` without valgrind.
    pub(crate) instructions: Option<f64>,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
    /// Nanoseconds, by round.
    pub(crate) nanos: Vec<f64>,
    /// Time, as a multiple of the bare service's in the same round.
    pub(crate) ratio: f64,
}

/// Runs a bench of these rows, as its arguments say, and then what `rest` measures beside rows: told
/// the rows, what they cost and which names are wanted, it answers whether all its limits held.
pub(crate) fn run(rows: Vec<Row>, rest: impl FnOnce(&[Row], &[Cost], &[&str]) -> bool) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = args.as_slice()
        && flag == process::FLAG
    {
        worker::serve(rows, name);
        return ExitCode::SUCCESS;
    }
    // cargo test builds and runs benches too, without this flag
    if !args.iter().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let check = args.iter().any(|arg| arg == "--check");
    let wanted: Vec<&str> =
        args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();

    let rows = row::chosen(rows, &wanted);
    let mut costs = measured(&rows);
    let counted = instructions::count(&rows, &mut costs);
    if let Err(reason) = &counted {
        println!("instructions are not counted: {reason}\n");
    }
    let met = report::print(&rows, &costs) & rest(&rows, &costs, &wanted);
    if check && !met { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Times the rows in turns, so that a slow moment of the machine falls on all of them.
fn measured(rows: &[Row]) -> Vec<Cost> {
    let mut workers: Vec<Worker> = rows.iter().map(|row| Worker::start(row.name)).collect();
    let mut costs = vec![Cost::default(); rows.len()];
    for _ in 0..ROUNDS {
        for (worker, cost) in workers.iter_mut().zip(&mut costs) {
            worker.run(PER_ROUND / 10); // the caches belong to the row before
            let told = worker.run(PER_ROUND);
            cost.allocations = told.allocations as f64 / f64::from(PER_ROUND);
            cost.bytes = told.bytes as f64 / f64::from(PER_ROUND);
            cost.nanos.push(told.nanos as f64 / f64::from(PER_ROUND));
        }
    }
    for index in 0..rows.len() {
        let bare = &costs[row::bare_of(rows, index)].nanos;
        let ratios = costs[index].nanos.iter().zip(bare).map(|(own, bare)| own / bare);
        costs[index].ratio = median(ratios.collect());
    }
    costs
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

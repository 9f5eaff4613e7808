//! What two threads cost each other that record into the same series, by metrics alone and by whole
//! stacks.
//!
//! ```text
//! cargo bench -p overhead --bench threads             # the table
//! cargo bench -p overhead --bench threads -- --check  # exits 1 if a limit is missed
//! cargo bench -p overhead --bench threads -- ours     # rows whose name contains "ours"
//! ```
//!
//! In turns, one thread runs a batch of exchanges, and two threads run one each at the same time. What
//! is told is wall time per exchange and thread: where threads share nothing, two take as long as
//! one, and the ratio is 1. A batch counts only if its threads, each on a processor of its own, ran at the same time, undisturbed,
//! so that a busy machine costs rounds, and the ratio stays that of the threads. What a row adds is what it takes more than the row it is compared with, in
//! the same round and by as many threads; the ratio of what is added is that of the instruments.
//!
//! Nothing counts allocations here, as threads would contend for the counters.

#[path = "../counted.rs"]
mod counted;
#[path = "../../measure/exchange.rs"]
mod exchange;
#[path = "../metrics/peers.rs"]
mod peers;
#[path = "../../measure/process.rs"]
mod process;
mod rows;
#[path = "../metrics/sdk.rs"]
mod sdk;
#[path = "../stacks/mod.rs"]
mod stacks;
#[path = "../metrics/subjects.rs"]
mod subjects;
#[path = "../traced.rs"]
mod traced;
mod worker;

use std::process::ExitCode;

use rows::Row;
use worker::Worker;

const ROUNDS: usize = 201;
/// The rounds that must have been undisturbed.
const FEWEST: usize = 31;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rows = rows::all();
    if let [flag, name] = args.as_slice()
        && flag == process::FLAG
    {
        worker::serve(&rows, name);
        return ExitCode::SUCCESS;
    }
    // cargo test builds and runs benches too, without this flag
    if !args.iter().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let names: Vec<&str> =
        args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();
    let rows = chosen(rows, &names);
    let held = print(&rows, &measured(&rows));
    let check = args.iter().any(|arg| arg == "--check");
    if check && !held { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The rows whose names contain any of `names`, all if there is none, and what others are compared
/// with.
fn chosen(rows: Vec<Row>, names: &[&str]) -> Vec<Row> {
    let bases: Vec<&str> = rows.iter().filter_map(|row| row.over).collect();
    let is_wanted = |row: &Row| {
        let is_named = names.is_empty() || names.iter().any(|part| row.name.contains(part));
        is_named || bases.contains(&row.name)
    };
    rows.into_iter().filter(is_wanted).collect()
}

/// Nanoseconds per exchange and thread of a row, by round.
#[derive(Default)]
struct Times {
    one: Vec<f64>,
    two: Vec<f64>,
}

/// Runs the rows in turns, so that a slow moment of the machine falls on all of them.
fn measured(rows: &[Row]) -> Vec<Times> {
    let mut workers: Vec<Worker> = rows.iter().map(|row| Worker::start(row.name)).collect();
    let mut times: Vec<Times> = rows.iter().map(|_| Times::default()).collect();
    for _ in 0..ROUNDS {
        for (worker, times) in workers.iter_mut().zip(&mut times) {
            times.one.push(worker.run(1));
            times.two.push(worker.run(2));
        }
    }
    times
}

fn print(rows: &[Row], times: &[Times]) -> bool {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    println!(
        "{:width$} {:>8} {:>8} {:>6} | {:>8} {:>8} {:>6}  over",
        "ns per exchange and thread", "1 thread", "2", "2/1", "+1", "+2", "+2/+1",
    );
    let mut all_held = true;
    let mut ratios = Vec::new();
    for (row, own) in rows.iter().zip(times) {
        let (one, two) = (median(own.one.clone()), median(own.two.clone()));
        print!("{:width$} {one:>8.0} {two:>8.0} {:>6.2} |", row.name, two / one);
        let ratio = match row.over {
            None => two / one,
            Some(base) => {
                let base = rows.iter().position(|row| row.name == base).expect("a row");
                let added = |own: &[f64], base: &[f64]| {
                    median(own.iter().zip(base).map(|(own, base)| own - base).collect())
                };
                let one = added(&own.one, &times[base].one);
                let two = added(&own.two, &times[base].two);
                print!(" {one:>8.0} {two:>8.0} {:>6.2}  {}", two / one, rows[base].name);
                two / one
            }
        };
        if let Some((wanted, limit)) = row.budget {
            all_held &= ratio <= limit;
            print!(" (wanted: {wanted}) {}", if ratio <= wanted { "ok" } else { "MISSED" });
        }
        println!();
        ratios.push((row.name, ratio));
    }
    for (name, ratio) in &ratios {
        println!("ratio two-threads/{} {ratio:.2}", name.replace(", ", "-").replace(' ', "-"));
    }
    if let Some((_, ratio)) = ratios.iter().find(|(name, _)| *name == rows::FUSED) {
        println!("ratio two-threads-to-one {ratio:.2}");
    }
    all_held
}

/// Of the rounds that were not disturbed; not a number if those are too few.
fn median(mut values: Vec<f64>) -> f64 {
    values.retain(|value| !value.is_nan());
    if values.len() < FEWEST {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

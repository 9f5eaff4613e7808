//! What two threads cost each other that record into the same series.
//!
//! ```text
//! cargo bench -p overhead --bench threads             # the table
//! cargo bench -p overhead --bench threads -- --check  # exits 1 if a limit is missed
//! ```
//!
//! In turns, one thread runs a batch of exchanges, and two threads run one each at the same time. What
//! is told is wall time per exchange and thread: where threads share nothing, two take as long as
//! one, and the ratio is 1. What a row adds is what it takes more than the row it is compared with, in
//! the same round and by as many threads; the ratio of what is added is that of the instruments.
//!
//! Nothing counts allocations here, as threads would contend for the counters.

#[path = "../../measure/exchange.rs"]
mod exchange;
#[path = "../metrics/peers.rs"]
mod peers;
#[path = "../../measure/process.rs"]
mod process;
mod rows;
#[path = "../metrics/sdk.rs"]
mod sdk;
#[path = "../metrics/subjects.rs"]
mod subjects;
mod worker;

use std::process::ExitCode;

use rows::Row;
use worker::Worker;

const ROUNDS: usize = 201;

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
    let held = print(&rows, &measured(&rows));
    let check = args.iter().any(|arg| arg == "--check");
    if check && !held { ExitCode::FAILURE } else { ExitCode::SUCCESS }
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
    println!(
        "{:36} {:>8} {:>8} {:>6} | {:>8} {:>8} {:>6}  over",
        "ns per exchange and thread", "1 thread", "2", "2/1", "+1", "+2", "+2/+1",
    );
    let mut all_held = true;
    let mut ratios = Vec::new();
    for (row, own) in rows.iter().zip(times) {
        let (one, two) = (median(own.one.clone()), median(own.two.clone()));
        print!("{:36} {one:>8.0} {two:>8.0} {:>6.2} |", row.name, two / one);
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
    for (name, ratio) in ratios {
        println!("ratio two-threads/{} {ratio:.2}", name.replace(' ', "-"));
    }
    all_held
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

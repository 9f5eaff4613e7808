//! What a request costs through each layer, beside the bare service and the layers people use
//! today: instructions, allocations and bytes as counts, time as a ratio to the bare service.
//!
//! ```text
//! cargo bench --bench cost --features full              # the table
//! cargo bench --bench cost --features full -- --check   # exits 1 if a budget is missed
//! cargo bench --bench cost --features full -- core      # rows whose name contains "core"
//! cargo bench --bench cost --features full -- --panics 10000  # exits 1 if they cost memory
//! cargo bench --bench cost --features full -- --stalled       # what a Sentry that stalls costs
//! ```

#[path = "../measure/mod.rs"]
mod measure;
mod panics;
mod rows;
mod stalled;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--panics") {
        let panics = args.get(at + 1).and_then(|panics| panics.parse().ok());
        return panics::run(panics.expect("a number after --panics"));
    }
    if args.iter().any(|arg| arg == "--stalled") {
        return stalled::run();
    }
    measure::run(rows::all(), |_, _, _| true)
}

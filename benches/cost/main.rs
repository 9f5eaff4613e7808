//! What a request costs through each layer, beside the bare service and the layers people use
//! today: instructions, allocations and bytes as counts, time as a ratio to the bare service.
//!
//! ```text
//! cargo bench --bench cost --features full              # the table
//! cargo bench --bench cost --features full -- --check   # exits 1 if a budget is missed
//! cargo bench --bench cost --features full -- core      # rows whose name contains "core"
//! ```

#[path = "../measure/mod.rs"]
mod measure;
mod rows;

use std::process::ExitCode;

fn main() -> ExitCode {
    measure::run(rows::all(), |_, _, _| true)
}

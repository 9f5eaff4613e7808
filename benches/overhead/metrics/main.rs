//! What metrics cost a request, beside the layers people use today, in one run: instructions,
//! allocations and time of a request, the memory of a series, and the time of a scrape.
//!
//! ```text
//! cargo bench -p overhead --bench metrics               # the tables
//! cargo bench -p overhead --bench metrics -- --check    # exits 1 if a limit is missed
//! cargo bench -p overhead --bench metrics -- memory     # rows and tables by name
//! cargo bench -p overhead --bench metrics -- --soak 10000000  # exits 1 if memory grows
//! ```
//!
//! Every request has a Content-Length, so that every histogram is recorded into, and each row
//! proves that it counts an exchange before it is measured. What two threads cost is measured in
//! the bench `threads`, without the allocator that counts here, which they would contend for.

#[path = "../counted.rs"]
mod counted;
#[path = "../../measure/mod.rs"]
mod measure;
mod memory;
mod peers;
mod rows;
mod scrape;
mod sdk;
mod soak;
mod subjects;

use std::process::ExitCode;

use measure::exchange;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--soak") {
        let exchanges = args.get(at + 1).and_then(|exchanges| exchanges.parse().ok());
        return soak::run(exchanges.expect("a number of exchanges after --soak"));
    }
    measure::run(rows::all(), |rows, costs, wanted| {
        let is_wanted = |name: &str| wanted.is_empty() || wanted.contains(&name);
        let mut all_held = true;
        if is_wanted("memory") {
            all_held &= memory::print();
        }
        if is_wanted("scrape") {
            scrape::print();
        }
        rows::print_ratios(rows, costs);
        all_held
    })
}

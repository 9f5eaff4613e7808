//! What observability costs a request, beside the layers people use today, in one run.
//!
//! ```text
//! cargo bench -p overhead --bench overhead               # the table
//! cargo bench -p overhead --bench overhead -- --check    # exits 1 if a limit is missed
//! cargo bench -p overhead --bench overhead -- unsampled  # rows whose name contains "unsampled"
//! cargo bench -p overhead                                # and the tables of metrics and threads
//! ```
//!
//! Every row is asked by a caller that is traced itself, and has the SDK's default sampler, which
//! does as the caller's `traceparent` says: flag 01 is sampled, 00 is not. Spans go to a processor
//! that drops them, and lines to a writer that does, so that what is measured is the layers and the
//! SDK beneath them, not an exporter. Each row proves that it leaves what it should, its spans, its
//! lines and its count, before it is measured. What two threads cost each other is measured in the
//! bench `threads`, without the allocator that counts here, which they would contend for.

mod alone;
mod counted;
#[path = "../measure/mod.rs"]
mod measure;
mod peers;
mod ratios;
#[path = "metrics/sdk.rs"]
mod sdk;
mod stacks;
mod traced;
mod traces;
mod whole;

use std::process::ExitCode;

use measure::{exchange, process};

fn main() -> ExitCode {
    let rows = [alone::rows(), traces::rows(), whole::rows()];
    measure::run(rows.into_iter().flatten().collect(), |rows, costs, _| ratios::print(rows, costs))
}

//! What a trace costs a request, beside the layers people use today, in one run.
//!
//! ```text
//! cargo bench -p overhead               # the table
//! cargo bench -p overhead -- --check    # exits 1 if a budget is missed, or a peer is cheaper
//! cargo bench -p overhead -- unsampled  # rows whose name contains "unsampled"
//! ```
//!
//! Every row is asked by a caller that is traced itself, and has the SDK's default sampler, which
//! does as the caller's `traceparent` says: flag 01 is sampled, 00 is not. Spans go to a processor
//! that drops them, so that what is measured is the layer and the SDK beneath it, not an exporter.

#[path = "../measure/mod.rs"]
mod measure;
mod peers;
mod rows;
mod sdk;

use std::process::ExitCode;

fn main() -> ExitCode {
    measure::run(rows::all(), |_, _, _| true)
}

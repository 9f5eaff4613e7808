//! A process that runs one row: told on standard input how many exchanges to run, it answers what
//! they took.

use std::io::{BufRead, Write};
use std::time::Instant;

use counting_allocator::Allocated;

use super::process::Process;
use super::row::Row;

/// What a number of exchanges took.
pub(crate) struct Told {
    pub(crate) nanos: u64,
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
}

/// Runs a row until standard input ends.
pub(crate) fn serve(rows: Vec<Row>, name: &str) {
    let row = rows.into_iter().find(|row| row.name == name);
    let mut exchange = (row.expect("a row of the table").make)();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let exchanges: u32 = line.expect("a line").parse().expect("a number");
        let before = Allocated::now();
        let start = Instant::now();
        for _ in 0..exchanges {
            exchange();
        }
        let nanos = start.elapsed().as_nanos();
        let after = Allocated::now();
        let (allocations, bytes) =
            (after.allocations - before.allocations, after.bytes - before.bytes);
        writeln!(out, "{nanos} {allocations} {bytes}").expect("a reader");
    }
}

/// A row's process, from outside.
pub(crate) struct Worker(Process);

impl Worker {
    pub(crate) fn start(row: &str) -> Self {
        Self(Process::start(row))
    }

    pub(crate) fn run(&mut self, exchanges: u32) -> Told {
        let line = self.0.ask(exchanges);
        let mut numbers = line.split_whitespace().map(|n| n.parse().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        Told { nanos: next(), allocations: next(), bytes: next() }
    }
}

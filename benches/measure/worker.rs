//! A process that runs one row: told on standard input how many exchanges to run, it answers what
//! they took.

use std::alloc::System;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use super::row::Row;

// costs each row alike: two atomic additions an allocation
#[global_allocator]
pub(crate) static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The hidden argument before a row's name.
pub(crate) const FLAG: &str = "--row";

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
        let region = Region::new(ALLOCATOR);
        let start = Instant::now();
        for _ in 0..exchanges {
            exchange();
        }
        let nanos = start.elapsed().as_nanos();
        let change = region.change();
        let allocations = change.allocations + change.reallocations;
        writeln!(out, "{nanos} {allocations} {}", change.bytes_allocated).expect("a reader");
    }
}

/// The command that runs a row.
pub(crate) fn command(mut command: Command, row: &str) -> Command {
    command.args([FLAG, row]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// The program that is running.
pub(crate) fn program() -> std::path::PathBuf {
    std::env::current_exe().expect("the path of this program")
}

/// A row's process, from outside.
pub(crate) struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    pub(crate) fn start(row: &str) -> Self {
        let mut child = command(Command::new(program()), row).spawn().expect("a process");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output }
    }

    pub(crate) fn run(&mut self, exchanges: u32) -> Told {
        let input = self.input.as_mut().expect("open until the drop");
        writeln!(input, "{exchanges}").expect("a worker that listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a worker that answers");
        let mut numbers = line.split_whitespace().map(|n| n.parse().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        Told { nanos: next(), allocations: next(), bytes: next() }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.input.take()); // its end ends the process
        let _ = self.child.wait();
    }
}

//! A process that runs one row: told on standard input how many threads to run, it answers what an
//! exchange took each of them.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use crate::process::Process;
use crate::rows::Row;
use crate::subjects::Exchanges;

/// The exchanges of one batch; a millisecond or so.
const BATCH: u32 = 1_000;
const WARM_UP: u32 = 100;

/// Runs a row until standard input ends.
pub(crate) fn serve(rows: &[Row], name: &str) {
    let row = rows.iter().find(|row| row.name == name).expect("a row of the table");
    let exchanges = Arc::new((row.make)());
    let threads = [Thread::start(&exchanges), Thread::start(&exchanges)];
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let count: usize = line.expect("a line").parse().expect("a number");
        let running = &threads[..count];
        let missing = Arc::new(AtomicUsize::new(count));
        for thread in running {
            thread.batches.send(Arc::clone(&missing)).expect("a thread that runs");
        }
        let taken = running.iter().map(|thread| thread.nanos.recv().expect("a batch"));
        let nanos: u64 = taken.sum();
        writeln!(out, "{}", nanos as f64 / count as f64 / f64::from(BATCH)).expect("a reader");
    }
}

/// A thread that runs a batch for each count of the threads that it is to wait for.
struct Thread {
    batches: Sender<Arc<AtomicUsize>>,
    nanos: Receiver<u64>,
}

impl Thread {
    fn start(exchanges: &Arc<Exchanges>) -> Self {
        let (batches, to_run) = channel();
        let (taken, nanos) = channel();
        let exchanges = Arc::clone(exchanges);
        thread::spawn(move || run(&exchanges, &to_run, &taken));
        Self { batches, nanos }
    }
}

fn run(exchanges: &Exchanges, batches: &Receiver<Arc<AtomicUsize>>, taken: &Sender<u64>) {
    let mut exchange = exchanges();
    for missing in batches {
        (0..WARM_UP).for_each(|_| exchange());
        // all begin at once: waking a thread up takes longer than many an exchange
        missing.fetch_sub(1, Ordering::AcqRel);
        while missing.load(Ordering::Acquire) > 0 {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        (0..BATCH).for_each(|_| exchange());
        let nanos = start.elapsed().as_nanos() as u64;
        if taken.send(nanos).is_err() {
            return;
        }
    }
}

/// A row's process, from outside.
pub(crate) struct Worker(Process);

impl Worker {
    pub(crate) fn start(row: &str) -> Self {
        Self(Process::start(row))
    }

    /// The nanoseconds an exchange takes each of so many threads.
    pub(crate) fn run(&mut self, threads: u32) -> f64 {
        self.0.ask(threads).trim().parse().expect("a number")
    }
}

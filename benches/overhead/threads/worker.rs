//! A process that runs one row: told on standard input how many threads to run, it answers what an
//! exchange took each of them.

use std::fs;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::process::Process;
use crate::rows::Row;
use crate::subjects::Exchanges;

/// About what a batch takes: far less than the kernel lets a thread run before another's turn.
const BATCH: Duration = Duration::from_micros(150);
const WARM_UP: u32 = 30;
/// How often a batch is run again because something else ran, too.
const TRIES: usize = 200;
/// The part of a batch in which the other thread must have run its own.
const TOGETHER: f64 = 0.95;

/// Runs a row until standard input ends.
pub(crate) fn serve(rows: &[Row], name: &str) {
    let row = rows.iter().find(|row| row.name == name).expect("a row of the table");
    let exchanges = Arc::new((row.make)());
    let size = batch_size(&exchanges);
    let threads = processors().map(|processor| Thread::start(&exchanges, size, processor));
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let count: usize = line.expect("a line").parse().expect("a number");
        let running = &threads[..count];
        let each = (0..TRIES).find_map(|_| each_of(running));
        match each {
            Some(each) => writeln!(out, "{}", each.as_nanos() as f64 / f64::from(size)),
            None => writeln!(out, "disturbed"),
        }
        .expect("a reader");
    }
}

/// How many exchanges are a batch.
fn batch_size(exchanges: &Exchanges) -> u32 {
    let mut exchange = exchanges();
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        (0..100).for_each(|_| exchange());
        best = best.min(start.elapsed());
    }
    let each = best.as_nanos().max(100) / 100;
    (BATCH.as_nanos() / each).clamp(10, 100_000) as u32
}

/// The first two processors that there are for us.
fn processors() -> [CpuSet; 2] {
    let ours = sched_getaffinity(None).expect("a Linux system");
    let mut numbers = (0..CpuSet::MAX_CPU).filter(|number| ours.is_set(*number));
    [(); 2].map(|()| {
        let mut one = CpuSet::new();
        one.set(numbers.next().expect("two processors"));
        one
    })
}

/// What a batch takes each of these threads; `None` if they did not run at the same time, or the kernel
/// let something else run.
fn each_of(threads: &[Thread]) -> Option<Duration> {
    let missing = Arc::new(AtomicUsize::new(threads.len()));
    for thread in threads {
        thread.batches.send(Arc::clone(&missing)).expect("a thread that runs");
    }
    let ran: Vec<Ran> = threads.iter().map(|thread| thread.ran.recv().expect("a batch")).collect();
    let first_end = ran.iter().map(|ran| ran.end).min()?;
    let last_start = ran.iter().map(|ran| ran.start).max()?;
    let together = first_end.saturating_duration_since(last_start);
    let was_undisturbed = ran.iter().all(|ran| {
        let taken = (ran.end - ran.start).as_secs_f64();
        together.as_secs_f64() >= taken * TOGETHER && !ran.was_interrupted
    });
    let whole: Duration = ran.iter().map(|ran| ran.end - ran.start).sum();
    was_undisturbed.then_some(whole / threads.len() as u32)
}

/// How a thread ran a batch.
struct Ran {
    start: Instant,
    end: Instant,
    was_interrupted: bool,
}

/// A thread that runs a batch for each count of the threads that it is to wait for.
struct Thread {
    batches: Sender<Arc<AtomicUsize>>,
    ran: Receiver<Ran>,
}

impl Thread {
    fn start(exchanges: &Arc<Exchanges>, size: u32, processor: CpuSet) -> Self {
        let (batches, to_run) = channel();
        let (told, ran) = channel();
        let exchanges = Arc::clone(exchanges);
        thread::spawn(move || {
            // else a busy machine has both take turns on one
            sched_setaffinity(None, &processor).expect("a processor of ours");
            run(&exchanges, size, &to_run, &told);
        });
        Self { batches, ran }
    }
}

fn run(exchanges: &Exchanges, size: u32, batches: &Receiver<Arc<AtomicUsize>>, told: &Sender<Ran>) {
    let mut exchange = exchanges();
    for missing in batches {
        (0..WARM_UP).for_each(|_| exchange());
        // all begin at once: waking a thread up takes longer than many an exchange
        missing.fetch_sub(1, Ordering::AcqRel);
        while missing.load(Ordering::Acquire) > 0 {
            std::hint::spin_loop();
        }
        let before = interruptions();
        let start = Instant::now();
        (0..size).for_each(|_| exchange());
        let end = Instant::now();
        let was_interrupted = interruptions() > before;
        if told.send(Ran { start, end, was_interrupted }).is_err() {
            return;
        }
    }
}

/// How often something else ran in this thread's stead; waiting for a lock is none of it.
fn interruptions() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").expect("a Linux system");
    let count = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    count.expect("a count").trim().parse().expect("a number")
}

/// A row's process, from outside.
pub(crate) struct Worker(Process);

impl Worker {
    pub(crate) fn start(row: &str) -> Self {
        Self(Process::start(row))
    }

    /// The nanoseconds an exchange takes each of so many threads; not a number where something else ran
    /// each time.
    pub(crate) fn run(&mut self, threads: u32) -> f64 {
        self.0.ask(threads).trim().parse().unwrap_or(f64::NAN)
    }
}

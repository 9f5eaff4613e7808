use std::collections::HashSet;
use std::future::poll_fn;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use prometheus::Registry;
use tokio::runtime::{Builder, Handle, Runtime};

use super::{sample, samples};
use crate::metrics::RegisterError;
use crate::metrics::saturation::RuntimeCollector;
use crate::testing::ManualClock;

const UTILIZATION: &str = r#"tokio_utilization_ratio{runtime="main"}"#;
const SECOND: Duration = Duration::from_secs(1);

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).build().unwrap()
}

fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

fn is_asleep(runtime: &Handle) -> bool {
    let metrics = runtime.metrics();
    (0..metrics.num_workers()).all(|worker| metrics.worker_park_unpark_count(worker) % 2 == 1)
}

fn until_asleep(runtime: &Handle) {
    until(|| is_asleep(runtime));
}

/// Spins in short polls on every worker until it is let go.
struct Spinning {
    stop: Arc<AtomicBool>,
    /// The thread of each poll.
    polled: mpsc::Receiver<thread::ThreadId>,
}

impl Spinning {
    fn on(runtime: &Handle) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        // tasks wait for nothing: what is not taken from the channel is not sent
        let (tell, polled) = mpsc::sync_channel(0);
        let workers = runtime.metrics().num_workers();
        for _ in 0..4 * workers {
            let (tell, stop) = (tell.clone(), Arc::clone(&stop));
            runtime.spawn(poll_fn(move |context| {
                for number in 0..20_000 {
                    black_box(number);
                }
                let _ = tell.try_send(thread::current().id());
                if stop.load(Ordering::Relaxed) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            }));
        }
        drop(tell);
        let spinning = Self { stop, polled };
        let mut threads = HashSet::new();
        while threads.len() < workers {
            threads.insert(spinning.polled.recv().unwrap());
        }
        spinning
    }
}

impl Drop for Spinning {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn busy(runtime: &Handle) -> Duration {
    let metrics = runtime.metrics();
    (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker)).sum()
}

#[test]
fn a_spinning_runtime_reads_above_nine_tenths_and_an_idle_one_below_one() {
    let spinning_runtime = workers(2);
    let idle_runtime = workers(2);
    let registry = Registry::new();
    let of = |runtime: &Runtime, name: &str| {
        RuntimeCollector::of(runtime.handle()).name(name).register(&registry).unwrap();
    };
    let spinning = Spinning::on(spinning_runtime.handle());
    until_asleep(idle_runtime.handle());
    of(&spinning_runtime, "spinning");
    of(&idle_runtime, "idle");

    for _ in 0..2 {
        let before = busy(spinning_runtime.handle());
        until(|| busy(spinning_runtime.handle()) >= before + 3 * SECOND);
        let families = samples(&registry);
        let read = |name: &str| {
            let series = format!("tokio_utilization_ratio{{runtime=\"{name}\"}} ");
            let value = families.iter().find_map(|line| line.strip_prefix(&series));
            value.unwrap().parse::<f64>().unwrap()
        };
        let (spinning, idle) = (read("spinning"), read("idle"));
        assert!(spinning > 0.9 && spinning <= 1.0, "{spinning}");
        assert!((0.0..0.1).contains(&idle), "{idle}");
    }

    drop(spinning);
    until(|| spinning_runtime.handle().metrics().num_alive_tasks() == 0);
    until_asleep(spinning_runtime.handle());
    // what was still to be told
    samples(&registry);
    assert_eq!(sample(&registry, r#"tokio_utilization_ratio{runtime="spinning"}"#), Some(0.0));
}

#[test]
fn a_runtime_on_one_thread_is_read_as_well() {
    let clock = ManualClock::new();
    let registry = Registry::new();
    let runtime = Builder::new_current_thread().build().unwrap();
    let collector = RuntimeCollector::of(runtime.handle()).clock(clock.clock());
    collector.register(&registry).unwrap();
    assert_eq!(busy(runtime.handle()), Duration::ZERO);
    runtime.block_on(async {
        let before = std::time::Instant::now();
        while before.elapsed() < Duration::from_millis(20) {
            tokio::task::yield_now().await;
        }
    });
    // the worker tells nothing more while nobody runs it
    let busy = busy(runtime.handle());
    assert!(busy > Duration::ZERO);
    clock.advance(10 * SECOND);
    assert_eq!(sample(&registry, UTILIZATION), Some(busy.as_secs_f64() / 10.0));
    runtime.spawn(std::future::pending::<()>());
    clock.advance(10 * SECOND);
    assert_eq!(sample(&registry, UTILIZATION), Some(0.0), "nobody runs its task");
}

#[test]
fn a_worker_stuck_in_one_poll_reads_busy_though_tokio_does_not_tell() {
    let clock = ManualClock::new();
    let runtime = workers(1);
    until_asleep(runtime.handle());
    let (started, has_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let task = runtime.spawn(async move {
        started.send(()).unwrap();
        may_go_on.recv().unwrap();
    });
    has_started.recv().unwrap();
    let registry = Registry::new();
    let collector = RuntimeCollector::of(runtime.handle()).clock(clock.clock());
    collector.register(&registry).unwrap();

    let told = busy(runtime.handle());
    for _ in 0..2 {
        clock.advance(10 * SECOND);
        assert_eq!(sample(&registry, UTILIZATION), Some(1.0));
    }
    assert_eq!(busy(runtime.handle()), told);

    go_on.send(()).unwrap();
    runtime.block_on(task).unwrap();
    until_asleep(runtime.handle());
    assert!(busy(runtime.handle()) > told);
    clock.advance(10 * SECOND);
    assert_eq!(sample(&registry, UTILIZATION), Some(0.0), "it was shown before");
}

#[test]
fn a_runtime_that_was_shut_down_is_idle() {
    let clock = ManualClock::new();
    let runtime = workers(1);
    runtime.spawn(std::future::pending::<()>());
    let registry = Registry::new();
    let collector = RuntimeCollector::of(runtime.handle()).clock(clock.clock());
    collector.register(&registry).unwrap();
    drop(runtime);
    clock.advance(10 * SECOND);
    samples(&registry);
    clock.advance(10 * SECOND);
    assert_eq!(sample(&registry, UTILIZATION), Some(0.0));
    assert_eq!(sample(&registry, r#"tokio_alive_tasks{runtime="main"}"#), Some(0.0));
}

#[test]
fn workers_tasks_and_queue_are_those_of_the_runtime() {
    let clock = ManualClock::new();
    let runtime = Builder::new_current_thread().build().unwrap();
    let registry = Registry::new();
    let collector = RuntimeCollector::of(runtime.handle()).name("jobs").clock(clock.clock());
    collector.register(&registry).unwrap();
    let zero = [
        r#"tokio_alive_tasks{runtime="jobs"} 0"#,
        r#"tokio_global_queue_depth{runtime="jobs"} 0"#,
        r#"tokio_worker_busy_seconds_total{runtime="jobs",worker="0"} 0"#,
        r#"tokio_worker_parks_total{runtime="jobs",worker="0"} 0"#,
        r#"tokio_workers{runtime="jobs"} 1"#,
    ];
    assert_eq!(samples(&registry), zero, "and no time has passed");
    clock.advance(SECOND);
    assert_eq!(samples(&registry)[2], r#"tokio_utilization_ratio{runtime="jobs"} 0"#);

    let task = runtime.spawn(std::future::ready(()));
    let samples = samples(&registry);
    assert_eq!(
        samples[..2],
        [r#"tokio_alive_tasks{runtime="jobs"} 1"#, r#"tokio_global_queue_depth{runtime="jobs"} 1"#,]
    );
    runtime.block_on(task).unwrap();
    let told = runtime.metrics();
    assert_eq!(
        sample(&registry, r#"tokio_worker_busy_seconds_total{runtime="jobs",worker="0"}"#),
        Some(told.worker_total_busy_duration(0).as_secs_f64())
    );
    assert_eq!(
        sample(&registry, r#"tokio_worker_parks_total{runtime="jobs",worker="0"}"#),
        Some(told.worker_park_count(0) as f64)
    );
    assert_eq!(sample(&registry, r#"tokio_alive_tasks{runtime="jobs"}"#), Some(0.0));
}

#[test]
fn every_worker_has_its_series() {
    let runtime = workers(3);
    let registry = Registry::new();
    RuntimeCollector::of(runtime.handle()).register(&registry).unwrap();
    let parks = |worker: u32| {
        let series = format!(r#"tokio_worker_parks_total{{runtime="main",worker="{worker}"}}"#);
        sample(&registry, &series)
    };
    until_asleep(runtime.handle());
    let told = runtime.metrics();
    let parked = |worker| Some(told.worker_park_count(worker) as f64);
    assert_eq!([parks(0), parks(1), parks(2), parks(3)], [parked(0), parked(1), parked(2), None]);
}

#[test]
fn runtimes_share_a_registry_by_their_names() {
    let runtimes = [workers(1), workers(2)];
    let registry = Registry::new();
    let of = |index: usize| RuntimeCollector::of(runtimes[index].handle());
    of(0).register(&registry).unwrap();
    let error = of(1).register(&registry).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the registry has tokio_workers already: runtimes in one registry need names that differ"
    );
    of(1).name("jobs").register(&registry).unwrap();
    assert_eq!(sample(&registry, r#"tokio_workers{runtime="main"}"#), Some(1.0));
    assert_eq!(sample(&registry, r#"tokio_workers{runtime="jobs"}"#), Some(2.0));
}

#[test]
fn the_current_runtime_is_found_and_none_is_an_error() {
    let error = RuntimeCollector::current().err().unwrap();
    assert_eq!(
        RegisterError::from(error).to_string(),
        "runtime: \"none\" is not allowed; it takes a call from within a tokio runtime, or a \
         handle of one by `of`"
    );
    let registry = Registry::new();
    let runtime = workers(2);
    runtime.block_on(async { RuntimeCollector::current().unwrap().register(&registry).unwrap() });
    assert_eq!(sample(&registry, r#"tokio_workers{runtime="main"}"#), Some(2.0));
}

#[test]
fn scrapes_at_the_same_time_all_end() {
    let runtime = workers(1);
    let registry = Registry::new();
    RuntimeCollector::of(runtime.handle()).register(&registry).unwrap();
    let ended: Vec<_> = thread::scope(|scope| {
        let scrape = || (0..100).filter(|_| samples(&registry).len() >= 5).count();
        let scrapes: Vec<_> = (0..4).map(|_| scope.spawn(scrape)).collect();
        scrapes.into_iter().map(|scrape| scrape.join().unwrap()).collect()
    });
    assert_eq!(ended, [100; 4]);
}

//! Checks that run, under paused time.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;
use Status::{Fail, Pass};

#[tokio::test(start_paused = true)]
async fn a_check_runs_at_once_and_then_at_its_interval() {
    let told = Told::new(Report::pass());
    let health = Health::builder()
        .component(told.component("db").interval(secs(10)))
        .clock(paused())
        .start()
        .unwrap();
    assert_eq!((told.runs(), health.status(Group::Ready)), (0, Fail));
    health.until_healthy(Group::Ready).await;
    assert_eq!(told.runs(), 1);
    tokio::time::sleep(Duration::from_millis(9_990)).await;
    assert_eq!(told.runs(), 1);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(told.runs(), 2);
    told.tell(Report::fail("refused"));
    tokio::time::sleep(secs(10)).await;
    assert_eq!((told.runs(), health.status(Group::Ready)), (3, Fail));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_takes_too_long_is_dropped_and_has_failed() {
    struct Dropped(Arc<AtomicU32>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&dropped);
    let hung = move || {
        let held = Dropped(Arc::clone(&counted));
        async move {
            let _held = held;
            pending::<()>().await
        }
    };
    let hung = Component::new("db", hung).timeout(secs(2)).interval(secs(3)).jitter(secs(0));
    let health = Health::builder().component(hung).clock(paused()).start().unwrap();
    tokio::time::sleep(Duration::from_millis(2_010)).await;
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    let snapshot = health.snapshot();
    assert!(snapshot.took("db").is_some_and(|took| (secs(2)..secs(3)).contains(&took)));
    assert_eq!(snapshot.took("nobody"), None);
    let (status, _, text) = asked(&health, "/readyz?verbose", Details::Told);
    assert_eq!(status, 503);
    assert_eq!(text, "[-]db failed: timed out after 2s\nreadyz check failed\n");
    tokio::time::sleep(secs(5)).await;
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn whatever_panics_in_a_check_is_a_failure_and_it_is_run_again() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the drop");
        }
    }
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let check = move || {
        let run = counted.fetch_add(1, Ordering::Relaxed);
        if run == 0 {
            panic!("before there is a future");
        }
        async move {
            let _bomb = (run == 2).then(|| Bomb);
            match run {
                1 => panic!("in a poll"),
                2 => pending().await,
                _ => {}
            }
        }
    };
    let check = Component::new("db", check).interval(secs(10)).timeout(secs(1)).jitter(secs(0));
    let health = Health::builder().component(check).clock(paused()).start().unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        tokio::time::sleep(secs(5)).await;
        seen.push((health.status(Group::Ready), health.snapshot().output_of(0)));
        tokio::time::sleep(Duration::from_millis(5_500)).await;
    }
    assert_eq!(seen[0], (Fail, "panicked: before there is a future".to_owned()));
    assert_eq!(seen[1], (Fail, "panicked: in a poll".to_owned()));
    assert_eq!(seen[2], (Fail, "timed out after 1s".to_owned()));
    assert_eq!(seen[3].0, Pass);
}

#[tokio::test(start_paused = true)]
async fn a_slow_check_holds_up_no_other_and_never_runs_twice_at_once() {
    let (running, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let counted = (Arc::clone(&running), Arc::clone(&most));
    let slow = move || {
        let (running, most) = counted.clone();
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(secs(30)).await;
            running.fetch_sub(1, Ordering::Relaxed);
        }
    };
    let slow = Component::new("slow", slow).timeout(secs(60)).interval(secs(1));
    let quick = Told::new(Report::pass());
    let health = Health::builder()
        .component(slow)
        .component(quick.component("quick").interval(secs(1)))
        .clock(paused())
        .start()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(20_500)).await;
    assert_eq!((quick.runs(), health.snapshot().component("quick")), (21, Some(Pass)));
    assert_eq!(health.snapshot().component("slow"), Some(Fail), "it has not passed yet");
    tokio::time::sleep(secs(100)).await;
    assert_eq!(most.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_at_the_start_alone_is_not_run_after_it_passed() {
    let told = Told::new(Report::fail("migrating"));
    let start = told.component("migrations").groups([Group::Startup]).interval(secs(1));
    let health = Health::builder().component(start).clock(paused()).start().unwrap();
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    assert_eq!((told.runs(), statuses(&health)), (4, [Pass, Pass, Fail]));
    told.tell(Report::pass());
    tokio::time::sleep(secs(60)).await;
    assert_eq!((told.runs(), statuses(&health)), (5, [Pass; 3]));
}

#[tokio::test(start_paused = true)]
async fn drained_it_is_not_ready_at_once_but_live_and_still_looked_after() {
    let told = Told::new(Report::pass());
    let health = Health::builder()
        .component(told.component("db").interval(secs(1)))
        .clock(paused())
        .start()
        .unwrap();
    health.until_healthy(Group::Ready).await;
    let began = tokio::time::Instant::now();
    let waiting = health.drain_for(secs(10));
    // before anything is awaited
    assert_eq!(statuses(&health), [Pass, Fail, Pass]);
    waiting.await;
    assert_eq!((began.elapsed(), told.runs()), (secs(10), 10));
    health.stop();
    settle().await;
    tokio::time::sleep(secs(10)).await;
    assert_eq!((told.runs(), statuses(&health)), (10, [Pass, Fail, Pass]));
}

#[tokio::test(start_paused = true)]
async fn checks_stop_with_the_last_that_could_tell_of_them() {
    let told = Told::new(Report::pass());
    let health = Health::builder()
        .component(told.component("db").interval(secs(1)))
        .clock(paused())
        .start()
        .unwrap();
    let service = health.service();
    drop(health);
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    assert_eq!(told.runs(), 5);
    drop(service);
    tokio::time::sleep(secs(10)).await;
    assert_eq!(told.runs(), 5);
}

#[tokio::test(start_paused = true)]
async fn growing_stale_is_noticed_without_being_asked() {
    let clock = ManualClock::new();
    let told = Told::new(Report::pass());
    let rules = told.component("db").interval(secs(3600)).stale_after(secs(3700), secs(3800));
    let health = Health::builder().component(rules).clock(clock.clock()).start().unwrap();
    health.until_healthy(Group::Ready).await;
    let mut changes = health.board().subscribe();
    changes.mark_unchanged();
    tokio::time::sleep(secs(10)).await;
    assert!(!changes.has_changed().unwrap());
    clock.advance(secs(3750));
    tokio::time::sleep(Duration::from_millis(1_010)).await;
    assert!(changes.has_changed().unwrap());
    assert_eq!(health.board().transitions(0, Status::Warn), 1);
}

proptest! {
    #[test]
    fn the_pause_is_within_its_bounds(
        interval in 10..86_400_000_u64,
        jitter in 0..86_400_000_u64,
        random in -1.0..2.0_f64,
    ) {
        let ms = Duration::from_millis;
        let rules = component("db").interval(ms(interval)).jitter(ms(jitter));
        let rules = rules.stale_after(secs(86_401), secs(86_401)).build().unwrap().0;
        let pause = rules.pause(random);
        prop_assert!((ms(interval)..=ms(interval + jitter)).contains(&pause), "{:?}", pause);
    }
}

#[tokio::test(start_paused = true)]
async fn the_jitter_spreads_runs_within_its_bounds() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&times);
    let check = move || {
        noted.lock().unwrap().push(tokio::time::Instant::now());
        async {}
    };
    let check = Component::new("db", check).interval(secs(10)).jitter(secs(5));
    let health = Health::builder().component(check).clock(paused()).start().unwrap();
    tokio::time::sleep(secs(2000)).await;
    drop(health);
    let times = times.lock().unwrap();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let bounds = secs(10)..=secs(15) + Duration::from_millis(2);
    assert!(pauses.iter().all(|pause| bounds.contains(pause)), "{pauses:?}");
    // one in 2^100 that all of them lie in one half
    assert!(pauses.iter().any(|pause| *pause > Duration::from_millis(12_500)));
    assert!(pauses.iter().any(|pause| *pause < Duration::from_millis(12_500)));
}

//! Those who watch: what they are told, what they lose, and that they leave nothing behind.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::*;

/// What is told at once.
fn told(live: &mut Live) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(event)) = live.next().now_or_never() {
        told.push(match event {
            LiveEvent::Capture(capture) => capture.request.uri.path().to_owned(),
            LiveEvent::Lost(number) => format!("lost {number}"),
        });
    }
    told
}

fn generous() -> Rule {
    rule().captures(1_000).unwrap().bytes(64 << 20).unwrap().body_cap(1 << 20).unwrap()
}

#[test]
fn each_watcher_gets_what_comes_after_it_did() {
    let bench = Bench::armed(rule());
    bench.ask(ok(), get("/before"));
    let mut first = bench.control.live().unwrap();
    bench.ask(ok(), get("/a"));
    let mut second = bench.control.live().unwrap();
    bench.ask(ok(), get("/b"));
    assert_eq!(
        (told(&mut first), told(&mut second)),
        (vec!["/a".into(), "/b".into()], vec!["/b".into()])
    );
    assert_eq!(bench.control.watchers(), 2);
    drop(first);
    bench.ask(ok(), get("/c"));
    assert_eq!((told(&mut second), bench.control.watchers()), (vec!["/c".to_owned()], 1));
    drop(second);
    assert_eq!(bench.control.watchers(), 0);
}

#[test]
fn what_cannot_wait_is_told_where_it_was_lost() {
    let bench = Bench::armed(generous());
    let mut live = bench.control.live().unwrap();
    for number in 0..Live::MAX_CAPTURES + 3 {
        bench.ask(ok(), get(&format!("/{number}")));
    }
    let first = live.next().now_or_never().unwrap();
    assert!(matches!(first, Some(LiveEvent::Capture(_))));
    bench.ask(ok(), get("/room"));
    bench.ask(ok(), get("/full"));
    let mut expected: Vec<_> = (1..Live::MAX_CAPTURES).map(|number| format!("/{number}")).collect();
    expected.extend(["lost 3", "/room", "lost 1"].map(str::to_owned));
    assert_eq!(told(&mut live), expected);
    bench.ask(ok(), get("/again"));
    assert_eq!(told(&mut live), ["/again"]);
}

#[test]
fn bytes_are_bounded_too() {
    let bench = Bench::armed(generous());
    let mut live = bench.control.live().unwrap();
    for _ in 0..5 {
        let body = ScriptBody::new().data(vec![b'a'; 1 << 20]);
        bench.ask(Script::body(body).with_header("content-type", "text/plain"), get("/mebibyte"));
    }
    // the heads count, so the fourth is too much
    assert_eq!(told(&mut live), ["/mebibyte", "/mebibyte", "/mebibyte", "lost 2"]);
}

#[test]
fn watchers_are_bounded_and_make_room_when_they_go() {
    let control = DumpControl::new();
    let mut all: Vec<_> = (0..Live::MAX_WATCHERS).map(|_| control.live().unwrap()).collect();
    assert_eq!(control.live().unwrap_err(), TooManyWatchers);
    all.pop();
    all.push(control.live().unwrap());
    assert_eq!(control.live().unwrap_err(), TooManyWatchers);
}

#[test]
fn it_ends_with_the_control() {
    let bench = Bench::armed(rule());
    let mut live = bench.control.live().unwrap();
    bench.ask(ok(), get("/last"));
    drop(bench);
    assert_eq!(told(&mut live), ["/last"]);
    assert_eq!(live.next().now_or_never(), Some(None));
}

#[test]
fn who_waits_is_woken_once_for_what_comes() {
    #[derive(Default)]
    struct Woken(AtomicUsize);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let bench = Bench::armed(rule());
    let mut live = bench.control.live().unwrap();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    assert_eq!(live.poll_next(&mut cx), Poll::Pending);
    bench.ask(ok(), get("/a"));
    bench.ask(ok(), get("/b"));
    assert_eq!((woken.0.load(Ordering::Relaxed), told(&mut live).len()), (1, 2));
    assert_eq!(live.poll_next(&mut cx), Poll::Pending);
    drop(bench);
    assert_eq!(woken.0.load(Ordering::Relaxed), 2);
}

#[test]
fn who_is_woken_may_leave_there_and_then() {
    struct Leaves(std::sync::Mutex<Option<Live>>, AtomicBool);
    impl Wake for Leaves {
        fn wake(self: Arc<Self>) {
            self.1.store(self.0.lock().unwrap().take().is_some(), Ordering::Relaxed);
        }
    }
    let bench = Bench::armed(rule());
    let leaves = Arc::new(Leaves(bench.control.live().ok().into(), AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&leaves));
    let mut held = leaves.0.lock().unwrap();
    assert_eq!(held.as_mut().unwrap().poll_next(&mut Context::from_waker(&waker)), Poll::Pending);
    drop(held);
    bench.ask(ok(), get("/a"));
    assert!(leaves.1.load(Ordering::Relaxed));
    assert_eq!((bench.control.watchers(), bench.paths()), (0, vec!["/a".to_owned()]));
}

//! CPU profiles of this process. One process has one profiler, so the tests take turns.
#![cfg(all(
    feature = "pprof",
    any(target_os = "linux", target_os = "macos"),
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::{Mutex, MutexGuard};
use tower::ServiceExt;
use tower_observability::pprof::{
    CpuProfiler, Frequency, PprofService, Profile, ProfileError, ProfileScheduler,
};

static TURN: Mutex<()> = Mutex::const_new(());

const SECOND: Duration = Duration::from_secs(1);

/// The one function in which this process spends its time.
#[inline(never)]
fn the_known_hot_function(stop: &AtomicBool) -> u64 {
    let mut state = 1_u64;
    loop {
        let mut round = 0;
        while round < 10_000_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            round += 1;
        }
        if stop.load(Ordering::Relaxed) {
            return black_box(state);
        }
    }
}

struct Hot {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Hot {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let run = move || the_known_hot_function(&told);
        let thread = thread::Builder::new().name("hot".to_owned()).spawn(run).unwrap();
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Hot {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A turn, begun when the profiler is free: after a cancelled profile that takes a moment.
async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

fn often() -> Frequency {
    Frequency::from_hertz(1000).unwrap()
}

async fn profile() -> Profile {
    loop {
        match CpuProfiler.profile(SECOND, often()).await {
            Ok(profile) => return profile,
            Err(error) => assert_eq!(error, ProfileError::Busy),
        }
        tokio::task::yield_now().await;
    }
}

fn is_hot(name: &str) -> bool {
    name.contains("the_known_hot_function")
}

#[tokio::test]
async fn a_profile_names_the_hot_function_first() {
    let _turn = turn().await;
    let _hot = Hot::start();
    let mut found = profile().await;
    // a loaded machine may give the process little of a second
    while found.total("samples").unwrap() < 20 {
        found = profile().await;
    }

    let types: Vec<_> = found.sample_types().collect();
    assert_eq!(types, [("samples", "count"), ("cpu", "nanoseconds")]);
    let functions = found.functions("cpu").unwrap();
    assert!(is_hot(&functions[0].name), "{functions:#?}");
    let samples = found.total("samples").unwrap();
    assert_eq!(found.total("cpu"), Some(samples * 1_000_000));
    assert!(functions[0].flat * 2 > samples * 1_000_000, "{functions:#?}");
    assert!(!functions.iter().any(|f| f.name.contains("perf_signal_handler")), "{functions:#?}");
    assert_eq!(Profile::decode(&found.encode()), Ok(found));
}

/// A profile that is being taken, and is until it is dropped.
async fn begun() -> Pin<Box<impl Future<Output = Result<Profile, ProfileError>>>> {
    loop {
        let mut long = Box::pin(CpuProfiler.profile(CpuProfiler::MAX_DURATION, often()));
        // the first poll begins it, unless one that was dropped still ends
        match futures_util::poll!(&mut long) {
            Poll::Pending => return long,
            Poll::Ready(ended) => assert_eq!(ended, Err(ProfileError::Busy)),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_second_profile_is_refused_while_one_is_taken() {
    let _turn = turn().await;
    let first = begun().await;
    let second = CpuProfiler.profile(SECOND, Frequency::default()).await;
    assert_eq!(second, Err(ProfileError::Busy));
    let asked = Request::get("/debug/pprof/profile?seconds=1").body(()).unwrap();
    assert_eq!(
        told(PprofService::new().oneshot(asked).await.unwrap()).await,
        (
            StatusCode::CONFLICT,
            "application/problem+json".to_owned(),
            r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"another profile is being taken"}"#.to_owned()
        )
    );
    drop(first);
}

async fn told(
    response: Response<http_body_util::Full<bytes::Bytes>>,
) -> (StatusCode, String, String) {
    let kind = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, kind, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_profile_that_is_dropped_stops() {
    let _turn = turn().await;
    let long = begun().await;
    drop(long);
    // ends long before 120 s are over, or the test never does
    let time = std::time::Instant::now();
    let _profile = profile().await;
    assert!(time.elapsed() < CpuProfiler::MAX_DURATION / 2);
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused() {
    for duration in [Duration::ZERO, Duration::from_millis(999), Duration::from_millis(120_001)] {
        let refused = CpuProfiler.profile(duration, Frequency::default()).await.unwrap_err();
        let ProfileError::OutOfRange(error) = refused else { panic!("{refused}") };
        assert_eq!(
            (error.field(), error.value(), error.allowed()),
            ("duration", format!("{duration:?}").as_str(), "1 s to 120 s")
        );
    }
}

#[tokio::test]
async fn the_service_sends_a_profile() {
    let _turn = turn().await;
    let _hot = Hot::start();
    let response = loop {
        let asked = Request::get("/profile?seconds=1&frequency=1000").body(()).unwrap();
        let response = PprofService::new().oneshot(asked).await.unwrap();
        if response.status() != StatusCode::CONFLICT {
            break response;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/octet-stream");
    assert_eq!(response.headers()[CONTENT_DISPOSITION], "attachment; filename=\"profile.pb.gz\"");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body[..2], [0x1f, 0x8b]);
    let functions = Profile::decode(&body).unwrap().functions("samples").unwrap();
    assert!(is_hot(&functions[0].name), "{functions:#?}");
}

#[tokio::test]
async fn the_scheduler_keeps_profiles() {
    let _turn = turn().await;
    let directory = std::env::temp_dir().join(format!("pprof-keeps-{}", std::process::id()));
    let _hot = Hot::start();
    let scheduler = ProfileScheduler::builder(&directory)
        .duration(SECOND)
        .every(Duration::from_millis(1001))
        .frequency(often())
        .start()
        .unwrap();
    while scheduler.status().written < 2 {
        assert_eq!(scheduler.status().last_error, None);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(scheduler);
    for file in std::fs::read_dir(&directory).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap().ends_with(".pb.gz") {
            Profile::decode(&std::fs::read(file.path()).unwrap()).unwrap();
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}

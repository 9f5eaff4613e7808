//! What is kept of exchanges that ended.

use std::convert::Infallible;

use http::Response;
use tower::service_fn;

use super::*;
use crate::attribute::Value;
use crate::classify::{Blame, ErrorType, Outcome};
use crate::exchange::{CaughtPanic, Facts, annotate};
use crate::id::TraceIdentity;
use crate::testing::{ScriptBody, ScriptError};

/// Which were kept, by when they began.
fn began(bench: &Bench, samples: &[std::sync::Arc<Sample>]) -> Vec<u64> {
    let since = bench.board.since();
    let after = |sample: &Sample| sample.started_at.duration_since(since).unwrap().as_millis();
    samples.iter().map(|sample| u64::try_from(after(sample)).unwrap()).collect()
}

#[test]
fn the_newest_of_a_bucket_is_kept_and_replaced_once_a_second() {
    let bench = Bench::new();
    // they end after 1, 2, ..., 3000 ms
    for _ in 0..3_000 {
        bench.ask_for("/a", MS, StatusCode::OK);
    }
    bench.ask_for("/a", 60 * MS, StatusCode::OK);
    let kept = bench.kept("/a");
    let found: Vec<_> = kept.buckets.iter().flatten().cloned().collect();
    assert_eq!(began(&bench, &found), [2_000, 3_000]);
    assert_eq!(found.iter().map(|it| it.bucket()).collect::<Vec<_>>(), [0, 4]);
    assert_eq!((kept.errors, kept.panics), Default::default());
}

#[test]
fn errors_and_panics_are_kept_the_newest_first_so_many_a_second() {
    let bench = Bench::new();
    for _ in 0..2 {
        for _ in 0..30 {
            bench.ask_for("/a", MS, StatusCode::BAD_GATEWAY);
            bench.ask("/a", Script::panics("at the disco"));
        }
        bench.clock.advance(970 * MS);
    }
    bench.ask_for("/a", MS, StatusCode::BAD_GATEWAY);
    let kept = bench.kept("/a");
    let newest = |second: u64, most: u64| (0..most).rev().map(move |at| second * 1_000 + at);
    let errors: Vec<_> = [2_000].into_iter().chain(newest(1, 16)).take(MAX_ERRORS).collect();
    assert_eq!(began(&bench, &kept.errors), errors);
    let panics: Vec<_> = newest(1, 8).map(|at| at + 1).collect();
    assert_eq!(began(&bench, &kept.panics), panics);
    // all of them are counted
    assert_eq!(bench.report("/a").since_start.tally.errors, 121);
    let latest = bench.board.latest_errors(3);
    let latest: Vec<_> = latest.into_iter().map(|(_, sample)| sample).collect();
    assert_eq!(began(&bench, &latest)[0], 2_000);
}

#[test]
fn a_sample_tells_all_of_its_exchange_but_secrets() {
    let bench = Bench::new();
    bench.clock.advance(SECOND);
    let id = RequestId::from_bytes(b"id-7").unwrap();
    let service = service_fn(|_: Request<()>| {
        let facts = Facts::current().unwrap();
        facts.set_request_id(id);
        facts.set_trace(TraceIdentity::new(7, 8, true).unwrap());
        annotate("user.id", "ada");
        annotate("api_key", "hunter2");
        annotate("target", "http://db/?token=hunter2");
        annotate("long", "é".repeat(500));
        annotate("items", 3);
        let mut panic = CaughtPanic::new();
        panic.message = Some("no row with ?password=hunter2".into());
        panic.location = Some("src/main.rs:7:8".into());
        facts.set_caught_panic(panic);
        bench.clock.advance(20 * MS);
        let mut response = Response::new(ScriptBody::new().data("oops"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        async { Ok::<_, Infallible>(response) }
    });
    drive(bench.layer.layer(service), request("/a"), None, || {});
    let kept = bench.kept("/a");
    let text = |text: &str| Value::Text(text.to_owned().into());
    let expected = Sample {
        started_at: bench.board.since() + SECOND,
        duration: 20 * MS,
        method: "GET".into(),
        path: Some("/asked".into()),
        outcome: Outcome::Panicked,
        blame: Blame::Ours,
        status: Some(StatusCode::INTERNAL_SERVER_ERROR),
        grpc_status: None,
        error_type: Some(ErrorType::Named("panic")),
        error: Some("no row with ?password=REDACTED".into()),
        panic: Some(PanicPlace { location: "src/main.rs:7:8".into() }),
        response_bytes: 4,
        request_id: Some(id),
        trace: TraceIdentity::new(7, 8, true),
        attributes: vec![
            ("user.id".into(), text("ada")),
            ("api_key".into(), text("REDACTED")),
            ("target".into(), text("http://db/?token=REDACTED")),
            ("long".into(), text(&"é".repeat(128))),
            ("items".into(), Value::Int(3)),
        ],
        attributes_left_out: 0,
    };
    assert_eq!(kept.panics, [expected.clone().into()]);
    assert_eq!(kept.buckets[2], Some(expected.into()));
    assert_eq!(kept.errors, []);
}

#[test]
fn what_failed_says_why_and_many_attributes_are_cut() {
    let bench = Bench::new();
    let service = service_fn(|_: Request<()>| {
        (0..40).for_each(|at| assert!(annotate(format!("k{at}"), at)));
        async { Err::<Response<ScriptBody>, _>(std::io::Error::other(ScriptError("disk gone"))) }
    });
    drive(bench.layer.layer(service), request(""), None, || {});
    let error = bench.kept(UNMATCHED).errors.remove(0);
    assert_eq!(error.error.as_deref(), Some("disk gone"));
    assert_eq!((error.status, error.error_type), (None, Some(ErrorType::Named("failed"))));
    assert_eq!((error.attributes.len(), error.attributes_left_out), (32, 8));
}

#[test]
fn the_oldest_go_where_bytes_run_out_whichever_familys_they_are() {
    let bench = Bench::of(|builder| builder.max_samples_bytes(64 << 10));
    let large = |route: &str| {
        let service = service_fn(|_: Request<()>| {
            (0..32).for_each(|at| {
                annotate(format!("k{at}"), "v".repeat(256));
            });
            async { Err::<Response<ScriptBody>, _>(ScriptError("no")) }
        });
        drive(bench.layer.layer(service), request(route), None, || {});
        bench.clock.advance(SECOND);
    };
    large("/old");
    assert_eq!(bench.kept("/old").errors.len(), 1);
    for _ in 0..100 {
        large("/new");
        assert!(bench.board.0.samples.bytes() <= 64 << 10);
    }
    assert_eq!(bench.kept("/old"), Kept::default());
    let errors = bench.kept("/new").errors;
    assert!((2..MAX_ERRORS).contains(&errors.len()), "{}", errors.len());
    assert_eq!(began(&bench, &errors)[0], 100_000);
}

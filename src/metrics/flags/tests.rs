use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response, request};
use prometheus::TextEncoder;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::classify::Side;
use crate::exchange::{Facts, ObserveLayer, Observer, flag};
use crate::shard;
use crate::testing::{ManualClock, ScriptBody};

/// Records the flags of every exchange.
#[derive(Clone)]
struct Records(Arc<Flags>);

impl Observer for Records {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}

    fn end(&self, (): (), end: &End<'_>) {
        self.0.record(end, &Measured::of(end), shard::of_this_thread());
    }
}

struct Bench {
    flags: Arc<Flags>,
    clock: ManualClock,
}

impl Bench {
    fn new(most: usize) -> Self {
        Self { flags: Arc::new(Flags::new(Bounds::seconds(), most)), clock: ManualClock::new() }
    }

    /// An exchange of so many milliseconds, in which the handler did this and then failed or not.
    fn exchange(&self, millis: u64, fails: bool, handler: impl Fn()) {
        let service = service_fn(async |_: Request<()>| {
            handler();
            self.clock.advance(Duration::from_millis(millis));
            if fails { Err("broken") } else { Ok(Response::new(ScriptBody::new().claims_end())) }
        });
        let layer = ObserveLayer::new(Side::Server, Records(Arc::clone(&self.flags)));
        let service = layer.clock(self.clock.clock()).layer(service);
        drop(service.oneshot(Request::new(())).now_or_never().unwrap());
    }

    /// What a scrape says, without buckets.
    fn told(&self) -> Vec<String> {
        let app = ("app".to_owned(), "shop".to_owned());
        let constant = ConstantLabels::new("constant_label", [app], &LABELS).unwrap();
        let described = FlagsDescribed::new("web", &constant).unwrap();
        let families: Vec<_> = described.collect(&self.flags, &constant).collect();
        let text = TextEncoder::new().encode_to_string(&families).unwrap();
        let is_told = |line: &&str| !line.starts_with('#') && !line.contains("_bucket");
        let mut lines: Vec<_> = text.lines().filter(is_told).map(str::to_owned).collect();
        lines.sort();
        lines
    }
}

/// The count of evaluations.
fn evaluated(key: &str, variant: &str, count: u64) -> Vec<String> {
    let labels =
        format!(r#"app="shop",feature_flag_key="{key}",feature_flag_result_variant="{variant}""#);
    vec![format!("web_feature_flag_evaluations_total{{{labels}}} {count}")]
}

/// How many exchanges there were, and how many seconds they took.
fn took(key: &str, variant: &str, error: &str, count: u64, sum: f64) -> Vec<String> {
    let error = if error.is_empty() { String::new() } else { format!(r#"error_type="{error}","#) };
    let labels = format!(
        r#"app="shop",{error}feature_flag_key="{key}",feature_flag_result_variant="{variant}""#
    );
    let name = "web_feature_flag_exchange_duration_seconds";
    vec![format!("{name}_count{{{labels}}} {count}"), format!("{name}_sum{{{labels}}} {sum}")]
}

#[track_caller]
fn tells(bench: &Bench, expected: impl IntoIterator<Item = Vec<String>>) {
    let mut expected: Vec<_> = expected.into_iter().flatten().collect();
    expected.sort();
    assert_eq!(bench.told(), expected);
}

#[test]
fn evaluations_are_counted_and_exchanges_measured_by_variant() {
    let bench = Bench::new(100);
    bench.exchange(1, false, || ());
    assert_eq!(bench.told(), Vec::<String>::new());
    let evaluates = |variant: &'static str, times: u64| {
        move || {
            for _ in 0..times {
                assert!(flag("new-checkout", variant));
            }
        }
    };
    bench.exchange(250, false, evaluates("on", 1));
    bench.exchange(500, false, evaluates("on", 3));
    bench.exchange(125, true, evaluates("on", 1));
    bench.exchange(2, false, evaluates("off", 1));
    tells(
        &bench,
        [
            evaluated("new-checkout", "on", 5),
            evaluated("new-checkout", "off", 1),
            took("new-checkout", "on", "", 2, 0.75),
            took("new-checkout", "on", "failed", 1, 0.125),
            took("new-checkout", "off", "", 1, 0.002),
        ],
    );
}

#[test]
fn flags_beyond_the_bound_are_one_and_nothing_is_lost() {
    let bench = Bench::new(2);
    for key in ["a", "b", "c", "d", "a"] {
        bench.exchange(250, key == "d", || assert!(flag(key, "on")));
    }
    tells(
        &bench,
        [
            evaluated("a", "on", 2),
            evaluated("b", "on", 1),
            evaluated("_overflow", "_overflow", 2),
            took("a", "on", "", 2, 0.5),
            took("b", "on", "", 1, 0.25),
            took("_overflow", "_overflow", "", 1, 0.25),
            took("_overflow", "_overflow", "failed", 1, 0.25),
        ],
    );
}

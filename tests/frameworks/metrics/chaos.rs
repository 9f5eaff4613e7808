//! Thousands of exchanges that go in every way they can: each is counted once, as it went.

use std::collections::{BTreeMap, BTreeSet};

use tower_observability::classify::Side;
use tower_observability::metrics::MetricsLayer;

use super::calls::{Calls, SERVER};
use super::dice::Dice;
use super::gathered::{Gathered, Series, Value, total};
use super::told::Told;
use super::web::Framework::{Axum, Hyper};
use super::web::Web;
use crate::support::*;

/// How many exchanges each series of durations is to count.
type Counts = BTreeMap<Series, u64>;

/// What the exchanges of a script are to be counted as.
#[derive(Default)]
pub(crate) struct Intended {
    pub(crate) server: Counts,
    /// On clients of HTTP and of gRPC.
    pub(crate) client: Counts,
}

pub(crate) trait Intends {
    fn add(&mut self, series: Series);
}

impl Intends for Counts {
    fn add(&mut self, series: Series) {
        *self.entry(series).or_default() += 1;
    }
}

fn merge(into: &mut Counts, more: Counts) {
    for (series, count) in more {
        *into.entry(series).or_default() += count;
    }
}

/// Servers and clients of every kind.
struct Chaos<'a> {
    webs: Vec<Web>,
    calls: [Calls<'a>; 2],
}

impl<'a> Chaos<'a> {
    const PARTS: usize = 8;

    async fn new(server: &Told, web: &Told, calls: &'a Told) -> Self {
        let webs = vec![
            Web::bare(Http::One, Axum, server).await,
            Web::bare(Http::Two, Axum, server).await,
            Web::bare(Http::One, Hyper, server).await,
            Web::bare(Http::Two, Hyper, server).await,
            Web::reqwest(Http::One, Axum, server, web).await,
            Web::reqwest(Http::Two, Hyper, server, web).await,
        ];
        Self { webs, calls: [Calls::new(server, calls).await, Calls::new(server, calls).await] }
    }

    /// Has exchanges of every kind, all kinds at once.
    async fn run(&mut self, exchanges: usize, seed: u64) -> Intended {
        let each = exchanges / Self::PARTS;
        let webs = self.webs.iter_mut().zip(seed..);
        let webs =
            futures_util::future::join_all(webs.map(|(web, seed)| web.run(each, Dice::new(seed))));
        let calls = self.calls.iter_mut().zip(seed + 100..);
        let calls = futures_util::future::join_all(
            calls.map(|(call, seed)| call.run(each, Dice::new(seed))),
        );
        let (webs, calls) = tokio::join!(webs, calls);
        let mut all = Intended::default();
        for Intended { server, client } in webs.into_iter().chain(calls) {
            merge(&mut all.server, server);
            merge(&mut all.client, client);
        }
        all
    }
}

/// The counts of the histograms that end in this.
fn counts(gathered: &Gathered, what: &str) -> Counts {
    let told = gathered.iter().filter(|(series, _)| series.name.ends_with(what));
    told.map(|(series, value)| (series.clone(), value.count())).collect()
}

fn durations(gathered: &Gathered) -> Counts {
    let mut durations = counts(gathered, "_request_duration_seconds");
    durations.extend(counts(gathered, "_call_duration_seconds"));
    durations
}

/// What is intended of those that answered: with their time to first byte and their size.
fn answered(intended: &Counts, what: &str) -> Counts {
    let answered = intended.iter().filter_map(|(series, count)| {
        let status = series.label("http_response_status_code");
        status?;
        let name = series.name.replace("request_duration_seconds", what);
        Some((Series { name, labels: series.labels.clone() }, *count))
    });
    answered.collect()
}

/// Demands of one side that it was counted as it was intended, and as the other signals tell it.
#[track_caller]
fn demand(told: &Told, intended: &Counts) {
    let gathered = told.gathered();
    assert_eq!(durations(&gathered), *intended);
    for what in ["time_to_first_byte_seconds", "response_body_size_bytes"] {
        let http = counts(&gathered, what).into_iter();
        let http: Counts = http.filter(|(series, _)| series.name.starts_with("http_")).collect();
        assert_eq!(http, answered(intended, what));
    }
    let active = gathered.iter().filter(|(series, _)| {
        series.name.ends_with("_active_requests") || series.name.ends_with("_active_calls")
    });
    for (series, value) in active {
        assert_eq!(value, &Value::Is(0.0), "{series:?}");
    }
    let by_metrics = told.by_metrics();
    assert_eq!(by_metrics, told.by_spans());
    assert_eq!(by_metrics, told.by_lines());
}

/// Has so many exchanges, twice.
async fn chaos(exchanges: usize) {
    let server = Told::new(MetricsLayer::server(), Side::Server);
    let web = Told::new(MetricsLayer::client(), Side::Client);
    // a channel of tonic's does not say where its calls go to
    let named = MetricsLayer::client().server_address(SERVER.0, SERVER.1);
    let calls = Told::new(named, Side::Client);
    let sides = [&server, &web, &calls];
    let mut chaos = Chaos::new(&server, &web, &calls).await;
    assert_eq!(sides.map(|told| durations(&told.gathered())), <[Counts; 3]>::default());
    let mut intended = [(); 3].map(|()| Counts::new());
    let mut series = None;
    for round in [1, 2] {
        let all = chaos.run(exchanges, 1000 * round).await;
        assert_eq!(all.server.values().sum::<u64>(), exchanges as u64);
        let (rpc, http) =
            all.client.into_iter().partition(|(series, _)| series.name.starts_with("rpc_"));
        for (into, more) in intended.iter_mut().zip([all.server, http, rpc]) {
            merge(into, more);
        }
        for (told, intended) in sides.into_iter().zip(&intended) {
            demand(told, intended);
        }
        let now: BTreeSet<_> = sides.iter().flat_map(|told| told.gathered().into_keys()).collect();
        // whatever strangers thought of, they made no series
        assert_eq!(series.get_or_insert_with(|| now.clone()), &now);
    }
    let client = "http_client_overflow_requests_total";
    let names = ["http_server_overflow_requests_total", client, client];
    for (told, name) in sides.into_iter().zip(names) {
        let gathered = told.gathered();
        assert!(gathered.keys().any(|series| series.name == name), "{name}");
        assert_eq!(total(&gathered, name), 0);
    }
}

#[tokio::test]
async fn each_exchange_is_counted_once_and_as_it_went() {
    chaos(5_000).await;
}

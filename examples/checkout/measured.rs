//! What `/metrics` tells of the script: of each series what came between two scrapes.

use std::collections::BTreeMap;

use tokio::time::{Instant, sleep};

use crate::config::Addresses;
use crate::customer::{PATIENCE, PAUSE};
use crate::operations;
use crate::scrape::{Durations, Scrape};
use crate::seen::{Exchange, rows};
use crate::series::{self, Series};
use crate::services::BoxError;
use crate::spans::Spans;
use crate::steps::{COUNTERS, IDLE, STEPS};
use crate::tallies::{Tallies, compare};

/// The metrics before the script.
pub struct Before<'a> {
    addresses: &'a Addresses,
    scrape: Scrape,
}

/// What the script added to them.
pub struct Measured {
    pub series: BTreeMap<Series, Durations>,
    /// Of what the services do beside.
    pub operations: BTreeMap<Series, Durations>,
    pub after: Scrape,
    /// Where others tell something else.
    pub wrong: Vec<String>,
}

impl<'a> Before<'a> {
    pub async fn scrape(addresses: &'a Addresses) -> Result<Self, BoxError> {
        Ok(Self { addresses, scrape: Scrape::of(addresses.admin).await? })
    }

    /// The metrics once they agree with the exchanges, as a statement may end after the exchange
    /// that asked for it; those that there are when that takes too long.
    pub async fn until_they_agree(
        &self,
        exchanges: &[&Exchange],
        spans: &Spans,
    ) -> Result<Measured, BoxError> {
        let end = Instant::now() + PATIENCE;
        loop {
            let after = Scrape::of(self.addresses.admin).await?;
            let measured = self.measured(after, exchanges, spans)?;
            if measured.wrong.is_empty() || Instant::now() > end {
                return Ok(measured);
            }
            sleep(PAUSE).await;
        }
    }

    fn measured(
        &self,
        after: Scrape,
        exchanges: &[&Exchange],
        spans: &Spans,
    ) -> Result<Measured, BoxError> {
        let series = series::between(&self.scrape, &after, self.addresses);
        let operations = operations::between(&self.scrape, &after);
        let measured = tallies(&series);
        let counts = series.iter().map(|(series, told)| (series.clone(), told.count)).collect();
        let mut wrong = compare("the steps", &expected()?, &counts);
        let (logged, traced) = told(exchanges, spans);
        wrong.extend(compare("the access log", &logged, &measured));
        wrong.extend(compare("the spans", &traced, &measured));
        let traced = operations::traced(spans, exchanges);
        wrong.extend(compare("the spans", &traced, &tallies(&operations)));
        wrong.extend(self.counters(&after));
        wrong.extend(IDLE.iter().filter_map(|name| match after.sum(name, &[]) {
            0.0 => None,
            rest => Some(format!("{name}: expected 0, got {rest}")),
        }));
        Ok(Measured { series, operations, after, wrong })
    }

    fn counters(&self, after: &Scrape) -> Vec<String> {
        let differ = |&(name, labels, expected): &(&str, &[(&str, &str)], f64)| {
            let got = after.sum(name, labels) - self.scrape.sum(name, labels);
            (got != expected).then(|| format!("{name} {labels:?}: expected {expected}, got {got}"))
        };
        COUNTERS.iter().filter_map(differ).collect()
    }
}

fn tallies(durations: &BTreeMap<Series, Durations>) -> Tallies<Series> {
    durations.iter().map(|(series, told)| (series.clone(), told.tally())).collect()
}

/// How many exchanges of each series the steps have.
fn expected() -> Result<BTreeMap<Series, u64>, BoxError> {
    let mut expected = BTreeMap::new();
    for step in STEPS {
        for row in rows(step.exchanges)? {
            *expected.entry(Series::of_row(&row)).or_default() += 1;
        }
    }
    Ok(expected)
}

/// What the access log and the spans tell of the exchanges.
fn told(exchanges: &[&Exchange], spans: &Spans) -> (Tallies<Series>, Tallies<Series>) {
    let (mut logged, mut traced) = (Tallies::new(), Tallies::new());
    for exchange in exchanges {
        let series = Series::of_row(&exchange.row);
        let spanned = exchange.trace.and_then(|identity| spans.duration(identity));
        logged.entry(series.clone()).or_default().add(exchange.duration);
        if let Some(took) = spanned {
            traced.entry(series).or_default().add(took);
        }
    }
    (logged, traced)
}

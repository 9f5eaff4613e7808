//! Reads `/metrics` as Prometheus does: text over HTTP, line by line.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::Client;

use crate::customer::PATIENCE;
use crate::services::BoxError;
use crate::tallies::Tally;

pub type Labels = BTreeMap<String, String>;

/// What `/metrics` told at one moment.
pub struct Scrape(Vec<Sample>);

struct Sample {
    name: String,
    labels: Labels,
    value: f64,
}

impl Scrape {
    pub async fn of(admin: SocketAddr) -> Result<Self, BoxError> {
        let http = Client::builder().timeout(PATIENCE).build()?;
        let response = http.get(format!("http://{admin}/metrics")).send().await?;
        Self::read(&response.error_for_status()?.text().await?)
    }

    fn read(text: &str) -> Result<Self, BoxError> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let samples = lines.map(|line| sample(line).ok_or_else(|| format!("no sample: {line}")));
        Ok(Self(samples.collect::<Result<_, _>>()?))
    }

    /// The samples of a name, each with its labels.
    pub fn samples(&self, name: &str) -> impl Iterator<Item = (&Labels, f64)> {
        let of_name = self.0.iter().filter(move |sample| sample.name == name);
        of_name.map(|sample| (&sample.labels, sample.value))
    }

    /// The sum of the samples of a name that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |told: &Labels| {
            labels.iter().all(|(key, value)| told.get(*key).is_some_and(|told| told == value))
        };
        self.samples(name).filter(|(told, _)| has(told)).map(|(_, value)| value).sum()
    }

    /// What came to the histograms of a name since `before`, as `increase()` tells it.
    pub fn since(&self, before: &Self, name: &str) -> BTreeMap<Labels, Durations> {
        let (before, mut since) = (before.histograms(name), self.histograms(name));
        for (labels, durations) in &mut since {
            if let Some(before) = before.get(labels) {
                *durations = durations.since(before);
            }
        }
        since.retain(|_, durations| durations.count > 0);
        since
    }

    /// The histograms of a name, in seconds, each with its labels.
    fn histograms(&self, name: &str) -> BTreeMap<Labels, Durations> {
        let mut histograms: BTreeMap<Labels, Durations> = BTreeMap::new();
        for (labels, count) in self.samples(&format!("{name}_count")) {
            histograms.entry(labels.clone()).or_default().count = count as u64;
        }
        for (labels, sum) in self.samples(&format!("{name}_sum")) {
            histograms.entry(labels.clone()).or_default().nanos = nanos(sum);
        }
        for (labels, below) in self.samples(&format!("{name}_bucket")) {
            let mut labels = labels.clone();
            let bound = labels.remove("le").map_or(0, |le| nanos(le.parse().unwrap_or(f64::NAN)));
            histograms.entry(labels).or_default().below.insert(bound, below as u64);
        }
        histograms
    }
}

/// A name, its labels if it has some, and its value; escapes are left as they are.
fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        None => (series, Some(Labels::new())),
        Some((name, labels)) => {
            let labels = labels.strip_suffix("\"}")?.split("\",");
            let label = |label: &str| {
                let (key, value) = label.split_once("=\"")?;
                Some((key.to_owned(), value.to_owned()))
            };
            (name, labels.map(label).collect())
        }
    };
    Some(Sample { name: name.to_owned(), labels: labels?, value: value.parse().ok()? })
}

/// Seconds as the nanoseconds that were added up: of less than a month, each has a number of its own.
pub fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

/// A histogram of durations, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    pub count: u64,
    pub nanos: u64,
    /// How many took at most as long as each upper bound; that of the last is the greatest number.
    pub below: BTreeMap<u64, u64>,
}

impl Durations {
    fn since(&self, before: &Self) -> Self {
        let earlier = |bound| before.below.get(bound).copied().unwrap_or(0);
        Self {
            count: self.count.saturating_sub(before.count),
            nanos: self.nanos.saturating_sub(before.nanos),
            below: self
                .below
                .iter()
                .map(|(bound, count)| (*bound, count.saturating_sub(earlier(bound))))
                .collect(),
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.nanos += other.nanos;
        for (bound, count) in &other.below {
            *self.below.entry(*bound).or_default() += count;
        }
    }

    pub fn tally(&self) -> Tally {
        Tally { count: self.count, nanos: self.nanos }
    }

    pub fn mean(&self) -> f64 {
        self.nanos as f64 / self.count as f64
    }

    /// As `histogram_quantile()` tells it: as if the durations of a bucket were spread evenly.
    pub fn quantile(&self, quantile: f64) -> f64 {
        let rank = quantile * self.count as f64;
        let (mut lower, mut below) = (0, 0);
        for (&bound, &count) in &self.below {
            if count as f64 >= rank {
                if bound == u64::MAX {
                    break;
                }
                let share = (rank - below as f64) / (count - below) as f64;
                return lower as f64 + share * (bound - lower) as f64;
            }
            (lower, below) = (bound, count);
        }
        lower as f64
    }
}

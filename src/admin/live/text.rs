//! How numbers are told, and what is drawn of them.

use std::time::Duration;

use super::LivePage;
use crate::admin::page::{LineChart, Phrase};
use crate::live::{BUCKETS, Red, Trend, bounds};

/// A duration as short as it is understood: `1.5ms`, `12.3s`, `2m 5s`, `3h 0m`.
pub(super) fn span(of: Duration) -> String {
    let seconds = of.as_secs();
    match seconds {
        0 if of.is_zero() => "0s".to_owned(),
        0..120 => format!("{of:.1?}"),
        120..7_200 => format!("{}m {}s", seconds / 60, seconds % 60),
        7_200..172_800 => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// What so many of them took no longer than, which is no more than the last bound.
pub(super) fn quantile(of: Option<Duration>) -> String {
    match of {
        None => "no data".to_owned(),
        Some(of) if bounds().all(|bound| of >= bound) => format!("≥{}", span(of)),
        Some(of) => span(of),
    }
}

/// What a bucket has.
pub(super) fn bucket(at: usize) -> String {
    match (bounds().nth(at), bounds().last()) {
        (Some(upper), _) => format!("≤{}", short(upper)),
        (None, Some(last)) if at < BUCKETS => format!(">{}", short(last)),
        _ => String::new(),
    }
}

fn short(of: Duration) -> String {
    format!("{of:?}")
}

/// A number of one digit after the point, but for what is small.
pub(super) fn number(of: f64) -> String {
    match of {
        0.0 => "0".to_owned(),
        tiny if tiny > 0.0 && tiny < 0.001 => "<0.001".to_owned(),
        small if small < 0.1 => format!("{small:.3}"),
        large if large >= 100.0 => format!("{large:.0}"),
        other => format!("{other:.1}"),
    }
}

pub(super) fn percent(of: Option<f64>) -> String {
    match of {
        None => "no data".to_owned(),
        Some(ratio) if ratio > 0.0 && ratio < 0.0001 => "<0.01%".to_owned(),
        // not quite all are not all
        Some(ratio) if ratio < 1.0 && ratio > 0.999 => ">99.9%".to_owned(),
        Some(ratio) => format!("{}%", number(ratio * 100.0)),
    }
}

pub(super) fn rate(of: f64) -> String {
    format!("{}/s", number(of))
}

fn seconds(of: f64) -> String {
    // what is no duration is not drawn
    Duration::try_from_secs_f64(of).map_or_else(|_| of.to_string(), span)
}

/// What is drawn of a window.
#[derive(Clone, Copy)]
pub(super) enum Line {
    Rate,
    Errors,
    P95,
}

impl Line {
    pub(super) const ALL: [Self; 3] = [Self::Rate, Self::Errors, Self::P95];

    const fn title(self) -> &'static str {
        match self {
            Self::Rate => "Exchanges a second",
            Self::Errors => "Errors a second",
            Self::P95 => "95th percentile of the duration",
        }
    }

    fn value(self, slot: Duration, red: &Red) -> Option<f64> {
        let tally = red.tally;
        match self {
            Self::Rate => Some(tally.count as f64 / slot.as_secs_f64()),
            Self::Errors => Some(tally.errors as f64 / slot.as_secs_f64()),
            Self::P95 => red.p95.map(|it| it.as_secs_f64()),
        }
    }

    /// The line over the window of a family of this name.
    pub(super) fn chart(self, trend: &Trend, name: &str) -> LineChart {
        let values: Vec<_> = trend.slots.iter().map(|red| self.value(trend.slot, red)).collect();
        let most = values.iter().flatten().copied().fold(0.0, f64::max);
        let window = span(trend.window());
        let told = if matches!(self, Self::P95) { seconds } else { rate };
        let title = format!("{} of {name} over {window}: at most {}", self.title(), told(most));
        let points = values.into_iter().enumerate().map(|(at, value)| (at as f64, value));
        // nothing is drawn at the bottom
        let most = if most > 0.0 { most } else { 1.0 };
        let ends = [Phrase::from(format!("{window} ago")), "now".into()];
        LineChart::new(title, points, [0.0, most]).baseline(0.0).labels(told, ends)
    }
}

/// What is known of the program and the machine.
pub(super) fn runtime(page: &LivePage) -> Vec<(String, String)> {
    let mut facts = vec![
        ("tower-observability".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("process".to_owned(), std::process::id().to_string()),
        ("os".to_owned(), std::env::consts::OS.to_owned()),
        ("architecture".to_owned(), std::env::consts::ARCH.to_owned()),
    ];
    if let Ok(processors) = std::thread::available_parallelism() {
        facts.push(("processors".to_owned(), processors.to_string()));
    }
    #[cfg(feature = "metrics")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let metrics = runtime.metrics();
        facts.push(("tokio_workers".to_owned(), metrics.num_workers().to_string()));
        facts.push(("tokio_alive_tasks".to_owned(), metrics.num_alive_tasks().to_string()));
    }
    facts.extend(page.facts.iter().cloned());
    facts
}

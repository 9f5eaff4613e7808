//! What the stacks cost beside each other, each by what it adds to the bare Router, and whether it is as
//! little as is wanted.

use crate::measure::row::{self, Row};
use crate::measure::{Cost, median};
use crate::whole::{
    FLOOR, FLOOR_UNSAMPLED, FUSED, FUSED_UNSAMPLED, INSTRUMENTED, LEAN, LEAN_METRICS, PLAIN,
    STACKED, TUNED,
};

/// What is wanted of a ratio, and where `--check` fails.
enum Limit {
    AtMost(f64, f64),
    AtLeast(f64, f64),
}
use Limit::{AtLeast, AtMost};

type Of = fn(&Cost) -> Option<f64>;

/// What is told of one stack, or of two.
struct Ratio {
    name: &'static str,
    of: Of,
    stack: &'static str,
    over: Option<&'static str>,
    limit: Option<Limit>,
}

#[rustfmt::skip]
fn all() -> Vec<Ratio> {
    vec![
        one("fused-instructions-over-router", instructions, FUSED).limit(AtMost(12_000.0, 22_500.0)),
        one("fused-allocations-over-router", allocations, FUSED).limit(AtMost(15.0, 15.0)),
        two("tuned-to-fused-instructions", instructions, TUNED, FUSED).limit(AtLeast(8.0, 3.3)),
        two("tuned-to-fused-allocations", allocations, TUNED, FUSED).limit(AtLeast(6.0, 5.0)),
        two("tuned-to-fused-time", nanos, TUNED, FUSED),
        two("tuned-spans-once-to-fused-instructions", instructions, LEAN, FUSED),
        two("tuned-spans-once-to-fused-allocations", allocations, LEAN, FUSED),
        two("tuned-spans-once-its-metrics-to-fused-instructions", instructions, LEAN_METRICS, FUSED),
        two("tuned-spans-once-its-metrics-to-fused-allocations", allocations, LEAN_METRICS, FUSED),
        two("instrumented-to-fused-instructions", instructions, INSTRUMENTED, FUSED),
        two("instrumented-to-fused-allocations", allocations, INSTRUMENTED, FUSED),
        two("plain-to-fused-instructions", instructions, PLAIN, FUSED).limit(AtLeast(28.0, 12.5)),
        two("plain-to-fused-allocations", allocations, PLAIN, FUSED).limit(AtLeast(17.0, 14.0)),
        two("plain-to-fused-time", nanos, PLAIN, FUSED),
        two("stacked-to-fused-instructions", instructions, STACKED, FUSED),
        two("unsampled-to-sampled-instructions", instructions, FUSED_UNSAMPLED, FUSED).limit(AtMost(0.65, 0.87)),
        two("unsampled-to-sampled-allocations", allocations, FUSED_UNSAMPLED, FUSED),
        two("unsampled-to-sampled-time", nanos, FUSED_UNSAMPLED, FUSED),
        two("fused-to-floor-instructions", instructions, FUSED, FLOOR),
        two("fused-to-floor-allocations", allocations, FUSED, FLOOR),
        two("fused-to-floor-time", nanos, FUSED, FLOOR),
        two("unsampled-fused-to-floor-instructions", instructions, FUSED_UNSAMPLED, FLOOR_UNSAMPLED),
    ]
}

/// Prints those whose rows were measured; `true` when every limit was seen to hold.
pub(crate) fn print(rows: &[Row], costs: &[Cost]) -> bool {
    let added = |name: &str| {
        let at = rows.iter().position(|row| row.name == name)?;
        Some(costs[at].less(&costs[row::base(rows, &rows[at])?]))
    };
    let mut told = Vec::new();
    let mut all_held = true;
    println!();
    for ratio in all() {
        let Some(own) = added(ratio.stack) else { continue };
        let other = match ratio.over {
            Some(over) => added(over).map(|over| (ratio.of)(&over)),
            None => Some(Some(1.0)),
        };
        let Some(other) = other else { continue };
        let value = (ratio.of)(&own).zip(other).map(|(own, other)| own / other);
        if let Some(limit) = &ratio.limit {
            all_held &= value.is_some_and(|value| limit.holds(value));
            println!("{}", limit.judged(ratio.name, value));
        }
        told.extend(value.map(|value| format!("ratio {} {}", ratio.name, short(value))));
    }
    told.iter().for_each(|line| println!("{line}"));
    all_held
}

fn one(name: &'static str, of: Of, stack: &'static str) -> Ratio {
    Ratio { name, of, stack, over: None, limit: None }
}

fn two(name: &'static str, of: Of, stack: &'static str, over: &'static str) -> Ratio {
    Ratio { over: Some(over), ..one(name, of, stack) }
}

fn instructions(cost: &Cost) -> Option<f64> {
    cost.instructions
}

fn allocations(cost: &Cost) -> Option<f64> {
    Some(cost.allocations)
}

fn nanos(cost: &Cost) -> Option<f64> {
    Some(median(cost.nanos.clone()))
}

/// Whole numbers of what is counted, and three digits of what is compared.
fn short(value: f64) -> String {
    if value >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

impl Ratio {
    fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl Limit {
    fn holds(&self, value: f64) -> bool {
        match *self {
            // an allocation once in many requests is not one a request
            AtMost(_, limit) => value <= limit + 0.01,
            AtLeast(_, limit) => value >= limit,
        }
    }

    fn judged(&self, name: &str, value: Option<f64>) -> String {
        let (wanted, is_met): (_, fn(f64, f64) -> bool) = match *self {
            AtMost(wanted, _) => (wanted, |value, wanted| value <= wanted + 0.01),
            AtLeast(wanted, _) => (wanted, |value, wanted| value >= wanted),
        };
        let bound = if matches!(self, AtMost(..)) { "at most" } else { "at least" };
        let met = value.is_some_and(|value| is_met(value, wanted));
        let value = value.map_or("?".to_owned(), short);
        let verdict = if met { "ok" } else { "MISSED" };
        format!("{name:36} {value:>8} (wanted: {bound} {wanted}) {verdict}")
    }
}

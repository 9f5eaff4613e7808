//! What is generated, read back.

mod dashboard;
mod files;
mod numbers;
mod settings;
mod text;

use std::time::Duration;

use super::Artefacts;
use crate::slo::{Objective, Target, Window};

fn target(percent: &str) -> Target {
    Target::percent(percent).unwrap()
}

fn objective(percent: &str, window: Window) -> Objective {
    Objective::availability("available", target(percent)).window(window).build().unwrap()
}

fn of(objectives: impl IntoIterator<Item = Objective>) -> Artefacts {
    Artefacts::builder("shop").objectives(objectives).build().unwrap()
}

/// An availability and a latency of 30 days.
fn two() -> Artefacts {
    let fast = Objective::latency("fast", target("95"), Duration::from_millis(300));
    of([objective("99.9", Window::DAYS_30), fast.build().unwrap()])
}

/// What stands behind a key of the rules, unquoted.
fn values<'a>(text: &'a str, key: &str) -> Vec<String> {
    let of_key = |line: &'a str| line.trim_start().trim_start_matches("- ").strip_prefix(key);
    let values = text.lines().filter_map(of_key).filter_map(|line| line.strip_prefix(": "));
    values.map(|value| serde_json::from_str(value).unwrap()).collect()
}

//! OpenMetrics 1.0.0, as text.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use prometheus::proto::{MetricFamily, MetricType};

use super::extras::{Extras, Told};
use super::lines::{Lines, Quotes};
use super::names::{self, Shape};
use super::{number, points};
use crate::metrics::instrument::bounds::Unit;
use crate::metrics::instrument::exemplar::Exemplar;

/// Writes the families with their exemplars and times of creation.
pub(super) fn encode(families: &[MetricFamily], told: &Told) -> String {
    let mut lines = Lines::new(families);
    // the names of samples that are families of their own
    let mut single = HashSet::new();
    for (family, shape) in families.iter().zip(names::shapes(families)) {
        let kind = family.get_field_type();
        match (shape, kind) {
            (Shape::Whole, MetricType::GAUGE) => {
                if single.insert(family.name().to_owned()) {
                    head(&mut lines, &[family.name()], "gauge", family.help());
                    samples(&mut lines, family, told, None);
                }
            }
            (Shape::Whole, MetricType::COUNTER) => {
                head(
                    &mut lines,
                    &[names::stem(family).unwrap_or_default()],
                    "counter",
                    family.help(),
                );
                samples(&mut lines, family, told, None);
            }
            (Shape::Whole, _) => {
                let told_kind = if kind == MetricType::SUMMARY { "summary" } else { "histogram" };
                head(&mut lines, &[family.name()], told_kind, family.help());
                samples(&mut lines, family, told, None);
            }
            (Shape::Apart, _) => {
                for suffix in points::suffixes(kind) {
                    if single.insert(format!("{}{suffix}", family.name())) {
                        head(&mut lines, &[family.name(), suffix], "unknown", family.help());
                        samples(&mut lines, family, told, Some(suffix));
                    }
                }
            }
        }
    }
    lines.text("# EOF\n");
    lines.finish()
}

fn head(lines: &mut Lines, name: &[&str], kind: &str, help: &str) {
    lines.about("TYPE", name, kind);
    let last = name.iter().rfind(|part| !part.is_empty()).copied().unwrap_or_default();
    // the name has to end with the unit
    if let Some(unit) = ["seconds", "bytes"]
        .into_iter()
        .find(|unit| last.strip_suffix(unit).is_some_and(|before| before.ends_with('_')))
    {
        lines.about("UNIT", name, unit);
    }
    lines.help(name, help, Quotes::Escaped);
}

/// Writes all samples of a family, or those of one suffix and nothing but their values.
fn samples(lines: &mut Lines, family: &MetricFamily, told: &Told, only: Option<&str>) {
    let (name, kind) = (family.name(), family.get_field_type());
    for metric in family.get_metric() {
        lines.begin(metric);
        let timestamp = told.timestamp(metric);
        let extras = told.of(metric).filter(|_| only.is_none());
        points::each(kind, metric, extras, |point| {
            if only.is_some_and(|only| only != point.suffix) {
                return;
            }
            lines.sample(name, &point);
            lines.end(|out| {
                if let Some(timestamp) = timestamp {
                    out.push(' ');
                    number::millis(out, timestamp);
                }
                if let (Some(exemplar), Some(extras)) = (point.exemplar, extras) {
                    write_exemplar(out, exemplar, extras.unit);
                }
            });
        });
        if let Some(Extras { created, .. }) = extras {
            let family = match kind {
                MetricType::GAUGE => continue,
                MetricType::COUNTER => names::stem(family).unwrap_or_default(),
                _ => name,
            };
            lines.name(family, "_created", None);
            lines.end(|out| seconds(out, *created));
        }
    }
}

/// The label set of an exemplar may have 128 characters; this one always has 63.
fn write_exemplar(out: &mut String, exemplar: &Exemplar, unit: Unit) {
    out.push_str(" # {trace_id=\"");
    hex(out, exemplar.trace.trace_id(), 32);
    out.push_str("\",span_id=\"");
    hex(out, u128::from(exemplar.trace.span_id()), 16);
    out.push_str("\"} ");
    number::value(out, unit.tell(exemplar.value));
    out.push(' ');
    seconds(out, exemplar.at);
}

/// Writes the lowest digits of a number.
fn hex(out: &mut String, value: u128, digits: u32) {
    let digit = |place: u32| char::from_digit((value >> (4 * place)) as u32 & 15, 16);
    out.extend((0..digits).rev().filter_map(digit));
}

/// Writes a time in seconds of the Unix epoch; what was before it is at its start.
fn seconds(out: &mut String, at: SystemTime) {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    number::nanos(out, since.as_nanos());
}

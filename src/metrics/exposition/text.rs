//! Prometheus' text format, version 0.0.4.

use prometheus::proto::{MetricFamily, MetricType};

use super::extras::Told;
use super::lines::{Lines, Quotes};
use super::{number, points};

/// Writes the families; of the extras there is nothing this format can tell.
pub(super) fn encode(families: &[MetricFamily], told: &Told) -> String {
    let mut lines = Lines::new(families);
    for family in families {
        let (name, kind) = (family.name(), family.get_field_type());
        lines.help(&[name], family.help(), Quotes::Plain);
        let told_kind = match kind {
            MetricType::COUNTER => "counter",
            MetricType::GAUGE => "gauge",
            MetricType::SUMMARY => "summary",
            MetricType::HISTOGRAM => "histogram",
            MetricType::UNTYPED => "untyped",
        };
        lines.about("TYPE", &[name], told_kind);
        for metric in family.get_metric() {
            lines.begin(metric);
            let timestamp = told.timestamp(metric);
            points::each(kind, metric, None, |point| {
                lines.sample(name, &point);
                lines.end(|out| {
                    if let Some(timestamp) = timestamp {
                        out.push_str(if timestamp < 0 { " -" } else { " " });
                        number::integer(out, timestamp.unsigned_abs());
                    }
                });
            });
        }
    }
    lines.finish()
}

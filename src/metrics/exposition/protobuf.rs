//! Prometheus' Protobuf format: `io.prometheus.client.MetricFamily` messages, each after its length.
//!
//! It is written field by field, as the messages that `prometheus` brings lack the fields that it is
//! asked for: exemplars, times of creation and native histograms. Field numbers are those of
//! `prometheus/client_model`, `metrics.proto`.

use std::time::{Duration, SystemTime};

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::extras::{Extras, Told};
use super::points;
use crate::metrics::instrument::bounds::Unit;
use crate::metrics::instrument::exemplar::Exemplar;
use crate::metrics::instrument::native::Native;

/// Writes the families with all of their extras.
pub(super) fn encode(families: &[MetricFamily], told: &Told) -> Vec<u8> {
    let mut out = Wire(Vec::new());
    for family in families {
        out.delimited(|out| {
            let kind = family.get_field_type();
            out.text(1, family.name());
            out.text(2, family.help());
            out.uint(3, kind as u64);
            for metric in family.get_metric() {
                out.message(4, |out| write_metric(out, kind, metric, told));
            }
        });
    }
    out.0
}

fn write_metric(out: &mut Wire, kind: MetricType, metric: &Metric, told: &Told) {
    metric.get_label().iter().for_each(|label| out.message(1, |out| write_label(out, label)));
    let extras = told.of(metric);
    match kind {
        MetricType::GAUGE => out.message(2, |out| out.double(1, points::gauge(metric))),
        MetricType::COUNTER => out.message(3, |out| {
            out.double(1, points::counter(metric));
            if let Some(extras) = extras {
                out.message(3, |out| write_time(out, extras.created));
            }
        }),
        MetricType::SUMMARY => out.message(4, |out| {
            let summary = metric.get_summary();
            out.uint(1, summary.sample_count());
            out.double(2, summary.sample_sum());
            for quantile in summary.get_quantile() {
                out.message(3, |out| {
                    out.double(1, quantile.quantile());
                    out.double(2, quantile.value());
                });
            }
            if let Some(extras) = extras {
                out.message(4, |out| write_time(out, extras.created));
            }
        }),
        MetricType::HISTOGRAM => out.message(7, |out| write_histogram(out, metric, extras)),
        MetricType::UNTYPED => {}
    }
    if let Some(timestamp) = told.timestamp(metric) {
        out.uint(6, timestamp.cast_unsigned());
    }
}

fn write_histogram(out: &mut Wire, metric: &Metric, extras: Option<&Extras>) {
    points::each(MetricType::HISTOGRAM, metric, extras, |point| match (point.value, point.bound) {
        (points::Value::Integer(count), Some(bound)) => out.message(3, |out| {
            out.uint(1, count);
            out.double(2, bound.value);
            if let (Some(exemplar), Some(extras)) = (point.exemplar, extras) {
                out.message(3, |out| write_exemplar(out, exemplar, extras.unit));
            }
        }),
        (points::Value::Integer(count), None) => out.uint(1, count),
        (points::Value::Number(sum), _) => out.double(2, sum),
    });
    if let Some(extras) = extras {
        out.message(15, |out| write_time(out, extras.created));
        if let Some(native) = &extras.native {
            write_native(out, native);
        }
    }
}

/// Native buckets: the runs of those that have something, and how much each has more than the one
/// before.
fn write_native(out: &mut Wire, native: &Native) {
    out.sint(5, i64::from(Native::SCHEMA));
    out.double(6, native.zero_threshold);
    out.uint(7, native.zero_count);
    let mut next = 0;
    for run in native.buckets.chunk_by(|(before, _), (after, _)| before + 1 == *after) {
        let Some((first, _)) = run.first() else { continue };
        out.message(12, |out| {
            out.sint(1, i64::from(first - next));
            out.uint(2, run.len() as u64);
        });
        next = first + run.len() as i32;
    }
    if native.buckets.is_empty() {
        // an empty span says that the histogram is native though nothing is in it
        out.message(12, |out| {
            out.sint(1, 0);
            out.uint(2, 0);
        });
    }
    let mut before = 0;
    for (_, count) in &native.buckets {
        out.sint(13, count.wrapping_sub(before).cast_signed());
        before = *count;
    }
}

fn write_label(out: &mut Wire, label: &LabelPair) {
    out.text(1, label.name());
    out.text(2, label.value());
}

fn write_exemplar(out: &mut Wire, exemplar: &Exemplar, unit: Unit) {
    let mut label = |name, value: String| {
        out.message(1, |out| {
            out.text(1, name);
            out.text(2, &value);
        });
    };
    label("trace_id", exemplar.trace.trace_id_hex());
    label("span_id", format!("{:016x}", exemplar.trace.span_id()));
    out.double(2, unit.tell(exemplar.value));
    out.message(3, |out| write_time(out, exemplar.at));
}

/// A `google.protobuf.Timestamp`.
fn write_time(out: &mut Wire, at: SystemTime) {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    out.uint(1, since.as_secs());
    out.uint(2, u64::from(since.subsec_nanos()));
}

/// Bytes in Protobuf's wire format.
struct Wire(Vec<u8>);

impl Wire {
    const VARINT: u64 = 0;
    const FIXED_64: u64 = 1;
    const LENGTH_DELIMITED: u64 = 2;

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, field: u64, kind: u64) {
        self.varint(field << 3 | kind);
    }

    fn uint(&mut self, field: u64, value: u64) {
        self.tag(field, Self::VARINT);
        self.varint(value);
    }

    /// A number that may be negative, zigzagged.
    fn sint(&mut self, field: u64, value: i64) {
        self.uint(field, ((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    fn double(&mut self, field: u64, value: f64) {
        self.tag(field, Self::FIXED_64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, field: u64, text: &str) {
        self.tag(field, Self::LENGTH_DELIMITED);
        self.varint(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        self.tag(field, Self::LENGTH_DELIMITED);
        self.delimited(write);
    }

    /// Writes the length of what is written, and then that.
    fn delimited(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        // most messages are short enough for one byte
        self.0.push(0);
        write(self);
        let length = self.0.len() - start - 1;
        if let (0..0x80, Some(place)) = (length, self.0.get_mut(start)) {
            *place = length as u8;
            return;
        }
        let mut prefix = Self(Vec::with_capacity(10));
        prefix.varint(length as u64);
        self.0.splice(start..=start, prefix.0);
    }
}

//! The lines that both text formats are made of.

use prometheus::proto::{LabelPair, Metric, MetricFamily};

use super::number;
use super::points::{Bound, Point, Value};

/// A text that grows line by line.
pub(super) struct Lines {
    out: String,
    /// The labels of the metric that is being written, escaped: its lines share them.
    labels: String,
    /// The values of the bounds, which metric after metric has again.
    bounds: Vec<(u64, String)>,
}

impl Lines {
    /// A text for these families.
    pub(super) fn new(families: &[MetricFamily]) -> Self {
        /// What a line takes, as a guess that saves most of the copying.
        const LINE: usize = 160;
        let lines = |family: &MetricFamily| {
            let first = family.get_metric().first();
            let buckets = first.map_or(0, |metric| metric.get_histogram().get_bucket().len());
            family.get_metric().len() * (buckets + 4)
        };
        let lines: usize = families.iter().map(lines).sum();
        Self { out: String::with_capacity(lines * LINE), labels: String::new(), bounds: Vec::new() }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Writes `# keyword name text`.
    pub(super) fn about(&mut self, keyword: &str, name: &[&str], text: &str) {
        self.out.push_str("# ");
        self.out.push_str(keyword);
        self.out.push(' ');
        name.iter().for_each(|part| self.out.push_str(part));
        self.out.push(' ');
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Writes `# HELP`, unless there is none.
    pub(super) fn help(&mut self, name: &[&str], help: &str, quotes: Quotes) {
        if !help.is_empty() {
            self.about("HELP", name, "");
            self.out.pop();
            escape(&mut self.out, help, quotes);
            self.out.push('\n');
        }
    }

    /// Goes on with the next metric.
    pub(super) fn begin(&mut self, metric: &Metric) {
        self.labels.clear();
        for label in metric.get_label() {
            if !self.labels.is_empty() {
                self.labels.push(',');
            }
            pair(&mut self.labels, label);
        }
    }

    /// Writes name, labels and value of a sample of the metric that was begun.
    pub(super) fn sample(&mut self, family: &str, point: &Point<'_>) {
        self.name(family, point.suffix, point.bound);
        match point.value {
            Value::Integer(value) => number::integer(&mut self.out, value),
            Value::Number(value) => number::value(&mut self.out, value),
        }
    }

    /// Writes what is before a value.
    pub(super) fn name(&mut self, family: &str, suffix: &str, bound: Option<Bound>) {
        self.out.push_str(family);
        self.out.push_str(suffix);
        if !self.labels.is_empty() || bound.is_some() {
            self.out.push('{');
            self.out.push_str(&self.labels);
            if let Some(bound) = bound {
                if !self.labels.is_empty() {
                    self.out.push(',');
                }
                self.out.push_str(bound.label);
                self.out.push_str("=\"");
                self.bound(bound);
                self.out.push('"');
            }
            self.out.push('}');
        }
        self.out.push(' ');
    }

    /// Writes the rest of a line.
    pub(super) fn end(&mut self, rest: impl FnOnce(&mut String)) {
        rest(&mut self.out);
        self.out.push('\n');
    }

    fn bound(&mut self, bound: Bound) {
        let bits = bound.value.to_bits();
        match self.bounds.get_mut(bound.place) {
            Some((known, text)) if *known == bits => self.out.push_str(text),
            kept => {
                let start = self.out.len();
                number::canonical(&mut self.out, bound.value);
                let text = self.out.get(start..).unwrap_or_default().to_owned();
                match kept {
                    Some(kept) => *kept = (bits, text),
                    None => self.bounds.push((bits, text)),
                }
            }
        }
    }
}

fn pair(out: &mut String, label: &LabelPair) {
    out.push_str(label.name());
    out.push_str("=\"");
    escape(out, label.value(), Quotes::Escaped);
    out.push('"');
}

/// Whether a format escapes double quotes here.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Quotes {
    Escaped,
    Plain,
}

fn escape(out: &mut String, text: &str, quotes: Quotes) {
    let is_special =
        |byte: &u8| matches!(byte, b'\\' | b'\n') || (*byte == b'"' && quotes == Quotes::Escaped);
    let mut rest = text;
    // all of them are ASCII, so that no cut is within a character
    while let Some(at) = rest.as_bytes().iter().position(is_special) {
        let Some((plain, special)) = rest.split_at_checked(at) else { break };
        out.push_str(plain);
        out.push('\\');
        rest = match special.strip_prefix('\n') {
            Some(after) => {
                out.push('n');
                after
            }
            None => {
                out.push_str(special.get(..1).unwrap_or_default());
                special.get(1..).unwrap_or_default()
            }
        };
    }
    out.push_str(rest);
}

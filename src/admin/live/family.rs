//! The page of one family.

use std::sync::Arc;

use super::Live;
use super::asked::Query;
use super::page::{link, what};
use super::text::{self, Line, percent, quantile, rate, span};
use crate::admin::page::{Bars, Column, Content, Page, Phrase, Table};
use crate::attribute::Value;
use crate::live::{FamilyReport, Kept, Sample, Trend};

const WINDOWS: &[Column] = &[
    Column::Text("Window"),
    Column::Number("Exchanges"),
    Column::Number("Rate"),
    Column::Number("Errors"),
    Column::Number("Ended by the peer"),
    Column::Number("Mean"),
    Column::Number("p50"),
    Column::Number("p95"),
];

pub(super) fn page(live: &Live, family: &FamilyReport, kept: &Kept, query: &Query) -> Page {
    let mut page = Page::new(format!("{} ({})", family.name, family.side.as_str()));
    let content = page.content();
    let back = format!("debug{}", Query::link(query.window, query.refresh));
    content.paragraph(link(Phrase::new(), 2, &back, "All families"));
    content.paragraph(Phrase::from("As of ").time(live.board().now()).text("."));
    content.section(None, "Rate, errors, durations", |content| windows(content, family));
    content.section(None, "Durations", |content| durations(content, live, family, kept));
    content.section(None, "Panics", |content| samples(content, live, &kept.panics));
    content.section(None, "Errors", |content| samples(content, live, &kept.errors));
    page
}

fn windows(content: &mut Content, family: &FamilyReport) {
    let mut table = Table::new("Rate, errors and durations", WINDOWS);
    let windows = [("minute", &family.minute), ("hour", &family.hour), ("day", &family.day)];
    let mut row = |name: &str, red: &crate::live::Red, told: String| {
        table.row([
            name.into(),
            red.tally.count.to_string().into(),
            told.into(),
            Phrase::from(format!("{} ({})", red.tally.errors, percent(red.error_ratio()))),
            red.tally.peer_ended.to_string().into(),
            red.mean().map_or("no data".to_owned(), span).into(),
            quantile(red.p50).into(),
            quantile(red.p95).into(),
        ]);
    };
    for (name, trend) in windows {
        row(name, &trend.whole, rate(trend.rate()));
    }
    row("since the start", &family.since_start, String::new());
    content.table(&table);
    for (name, trend) in windows {
        content.section(None, format!("The last {name}"), |content| charts(content, trend, family));
    }
}

fn charts(content: &mut Content, trend: &Trend, family: &FamilyReport) {
    for line in Line::ALL {
        content.line_chart(&line.chart(trend, &family.name));
    }
}

fn durations(content: &mut Content, live: &Live, family: &FamilyReport, kept: &Kept) {
    let mut bars = Bars::new(format!("Durations of {} since the start", family.name));
    for (at, bucket) in family.buckets.iter().enumerate() {
        let count = bucket.count;
        bars.bar(&text::bucket(at), Some(count as f64), &count.to_string());
    }
    content.bars(&bars);
    let samples = kept.buckets.iter().enumerate();
    for (at, sample) in samples.filter_map(|(at, it)| Some((at, it.as_ref()?))) {
        content.details(format!("The newest of {}", text::bucket(at)), |content| {
            one(content, live, sample);
        });
    }
}

fn samples(content: &mut Content, live: &Live, samples: &[Arc<Sample>]) {
    if samples.is_empty() {
        content.paragraph("None is kept.");
    }
    for sample in samples {
        let summary = what(sample).text(" ").time(sample.started_at);
        content.details(summary, |content| one(content, live, sample));
    }
}

/// All that is kept of an exchange.
fn one(content: &mut Content, live: &Live, sample: &Sample) {
    let code = |text: &str| Phrase::new().code(text);
    let path = sample.path.as_deref().unwrap_or("(path unknown)");
    let mut facts: Vec<(&str, Phrase)> = vec![
        ("Request", code(&format!("{} {path}", sample.method))),
        ("Began", Phrase::new().time(sample.started_at)),
        ("Took", span(sample.duration).into()),
        ("Outcome", sample.outcome.as_str().into()),
        ("Blame", super::json::blame(sample.blame).into()),
        ("Response body", format!("{} bytes", sample.response_bytes).into()),
    ];
    let texts = [
        ("Status", sample.status.map(|it| it.as_str().to_owned())),
        ("gRPC status", sample.grpc_status.map(|it| it.as_str().to_owned())),
        ("Error type", sample.error_type.as_ref().map(|it| it.as_str().to_owned())),
        ("Error", sample.error.clone()),
    ];
    facts.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text?.into()))));
    let codes = [
        ("Panicked at", sample.panic.as_ref().map(|place| place.location.clone())),
        ("Request ID", sample.request_id.as_ref().map(|id| id.as_str().to_owned())),
        ("Trace", sample.trace.map(|trace| trace.trace_id_hex())),
    ];
    facts.extend(codes.into_iter().filter_map(|(name, text)| Some((name, code(&text?)))));
    if let Some(dump) = live.dump(sample) {
        facts.push(("Dump", link(Phrase::new(), 2, &dump, "captured")));
    }
    content.facts(facts);
    if sample.attributes.is_empty() {
        return;
    }
    let attributes = sample.attributes.iter().map(|(key, value)| {
        let told = match value {
            Value::Text(text) => text.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
        };
        (key.as_str(), code(&told))
    });
    content.facts(attributes);
    if sample.attributes_left_out > 0 {
        content.paragraph(format!("{} attributes more.", sample.attributes_left_out));
    }
}

//! The judge finds what does not agree: each fault is planted into what was told without one.

use tower_observability::classify::Outcome;

use crate::chaos::{quiet_panics, run};
use crate::gathered::{Series, Value};
use crate::judge::judge;
use crate::sinks::Collected;
use crate::told::{Field, Told, Word};

/// What is done to what was told, and what the judge is to say of it.
type Fault = (&'static str, fn(&mut Collected), &'static str);

/// The first of which this is told.
fn with(all: &mut [Told], field: Field) -> &mut Told {
    let told = |one: &&mut Told| !matches!(one.word(field), Word::Silent | Word::None);
    all.iter_mut().find(told).expect("there is one")
}

fn one_more(told: &mut Told, field: Field) {
    match *told.word(field) {
        Word::Number(number) => told.set(field, Word::Number(number + 1)),
        ref other => panic!("{field:?} is {other}"),
    }
}

fn another(told: &mut Told, field: Field) {
    told.set(field, Word::text(Some("another")));
}

/// The first series whose name ends so.
fn series<'a>(of: &'a mut Collected, end: &str) -> (&'a Series, &'a mut Value) {
    let ends = |(series, _): &(&Series, &mut Value)| series.name.ends_with(end);
    of.gathered.iter_mut().find(ends).expect("there is one")
}

fn twice<T: Clone>(all: &mut Vec<T>) {
    all.push(all[7].clone());
}

const FAULTS: &[Fault] = &[
    ("a line is lost", |of| drop(of.lines.remove(3)), "has 0 of line, and is to have 1"),
    ("a span is lost", |of| drop(of.spans.remove(3)), "has 0 of span, and is to have 1"),
    (
        "a verdict is lost",
        |of| drop(of.verdicts.remove(3)),
        "has 0 of SLO verdict, and is to have 1",
    ),
    ("a dump is lost", |of| drop(of.dumps.remove(3)), "has 0 of dump, and is to have 1"),
    ("a record is lost", |of| drop(of.records.remove(3)), "has 0 records, and is to have"),
    ("a line is told twice", |of| twice(&mut of.lines), "has 2 of line, and is to have 1"),
    ("a span is told twice", |of| twice(&mut of.spans), "has 2 of span, and is to have 1"),
    ("a verdict is told twice", |of| twice(&mut of.verdicts), "has 2 of SLO verdict"),
    ("a dump is told twice", |of| twice(&mut of.dumps), "has 2 of dump, and is to have 1"),
    ("a record is told twice", |of| twice(&mut of.records), "has 2 records, and is to have"),
    ("a line is of nothing", |of| of.lines[0].told.intent = None, "line: of nothing"),
    ("a span is of nothing", |of| of.spans[0].intent = Some(1 << 30), "span: of nothing"),
    ("a request came from nowhere", |of| of.strays = 1, "1 came that nobody intended"),
    (
        "a line is a nanosecond longer",
        |of| one_more(&mut of.lines[5].told, Field::Nanos),
        "its line tells Nanos",
    ),
    (
        "a span is a nanosecond longer",
        |of| one_more(&mut of.spans[5], Field::Nanos),
        "its span tells Nanos",
    ),
    (
        "a dump is a nanosecond longer",
        |of| one_more(&mut of.dumps[5], Field::Nanos),
        "its dump tells Nanos",
    ),
    (
        "a verdict is a nanosecond longer",
        |of| one_more(&mut of.verdicts[5], Field::Nanos),
        "its SLO verdict tells Nanos",
    ),
    (
        "the headers of a dump are a nanosecond later",
        |of| one_more(with(&mut of.dumps, Field::NanosToHeaders), Field::NanosToHeaders),
        "its dump tells NanosToHeaders",
    ),
    (
        "a record is a nanosecond longer",
        |of| of.records[5].duration += std::time::Duration::from_nanos(1),
        "sums up to",
    ),
    (
        "a line has another status",
        |of| of.lines[5].told.set(Field::Status, Word::Number(418)),
        "its line tells Status 418",
    ),
    (
        "a span has another status",
        |of| one_more(with(&mut of.spans, Field::Status), Field::Status),
        "its span tells Status",
    ),
    (
        "a dump has another outcome",
        |of| another(&mut of.dumps[5], Field::Outcome),
        "its dump tells Outcome another",
    ),
    (
        "a record has another outcome",
        |of| {
            let completed = |record: &&mut tower_observability::testing::Record| {
                record.outcome == Outcome::Completed
            };
            of.records.iter_mut().find(completed).unwrap().outcome = Outcome::Aborted;
        },
        "is not as intended",
    ),
    (
        "a line has another route",
        |of| another(&mut of.lines[5].told, Field::Route),
        "its line tells Route another",
    ),
    (
        "a span has another code",
        |of| another(with(&mut of.spans, Field::Grpc), Field::Grpc),
        "its span tells Grpc another",
    ),
    (
        "a span has another error",
        |of| another(with(&mut of.spans, Field::Error), Field::Error),
        "its span tells Error another",
    ),
    (
        "a dump has a byte more",
        |of| one_more(with(&mut of.dumps, Field::Bytes), Field::Bytes),
        "its dump tells Bytes",
    ),
    (
        "a line has another request ID",
        |of| another(&mut of.lines[5].told, Field::RequestId),
        "its line tells RequestId another",
    ),
    (
        "a dump has another trace",
        |of| one_more(&mut of.dumps[5], Field::TraceId),
        "its dump tells TraceId",
    ),
    (
        "a line has another span",
        |of| one_more(&mut of.lines[5].told, Field::SpanId),
        "its line tells SpanId",
    ),
    ("a span began in another", |of| of.spans[5].parent = Some(1), "its span began in 1"),
    (
        "a handler saw a byte more",
        |of| of.seen.iter_mut().for_each(|seen| seen[0].bytes += 1),
        "the handler saw",
    ),
    (
        "a client saw another status",
        |of| of.seen.iter_mut().for_each(|seen| seen[1].status = Some(418)),
        "the client saw",
    ),
    (
        "a histogram counts one more",
        |of| match series(of, "request_duration_seconds").1 {
            Value::Counts { count, .. } => *count += 1,
            other => panic!("{other:?}"),
        },
        "request_duration_seconds{",
    ),
    (
        "a histogram has a nanosecond more",
        |of| match series(of, "call_duration_seconds").1 {
            Value::Counts { sum, .. } => *sum += 1e-9,
            other => panic!("{other:?}"),
        },
        "sums up to",
    ),
    (
        "a histogram has one in another bucket",
        |of| match series(of, "request_duration_seconds").1 {
            Value::Counts { buckets, .. } => buckets[0].1 += 1,
            other => panic!("{other:?}"),
        },
        "up to",
    ),
    (
        "a series is lost",
        |of| {
            let lost = series(of, "response_body_size_bytes").0.clone();
            of.gathered.remove(&lost);
        },
        "is missing",
    ),
    (
        "one is still under way",
        |of| *series(of, "_active_requests").1 = Value::Is(1.0),
        "is 1 in the end",
    ),
    (
        "an objective counts one more",
        |of| match series(of, "slo_events_total").1 {
            Value::Is(count) => *count += 1.0,
            other => panic!("{other:?}"),
        },
        "objectives: slo_events_total",
    ),
    (
        "the live board counts one more",
        |of| of.families[0].since_start.tally.count += 1,
        "live board: has",
    ),
    ("the live board has one under way", |of| of.active = 1, "1 under way in the end"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_is_found() {
    quiet_panics();
    let collected = run(500, 1).await;
    let told = judge(&collected);
    assert!(told.is_empty(), "nothing was planted: {}", told.join("\n"));
    for (name, plant, found) in FAULTS {
        let mut faulty = collected.clone();
        plant(&mut faulty);
        let told = judge(&faulty);
        assert!(told.iter().any(|what| what.contains(found)), "{name}, of which is told: {told:?}");
    }
}

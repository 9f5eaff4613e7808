//! What was seen of one request: the records and the access log, told as rows that are compared
//! with the expected ones.

use std::fmt::Display;
use std::time::Duration;

use serde_json::Value;
use tower_observability::classify::Blame;
use tower_observability::grpc::Code;
use tower_observability::id::TraceIdentity;
use tower_observability::testing::Record;

use crate::customer::until;
use crate::layers::{Place, Places};
use crate::scrape::nanos;
use crate::services::BoxError;

/// The last two tell how the access log has it.
pub const COLUMNS: [&str; 10] = [
    "seen by", "method", "route", "outcome", "status", "gRPC", "error", "whose", "level", "logged",
];

/// The cells of one exchange; `-` where there is nothing to tell.
pub type Row = [String; COLUMNS.len()];

/// One exchange, as its record and its line of the access log tell it.
pub struct Exchange {
    pub row: Row,
    /// The same for both, to the nanosecond.
    pub duration: Duration,
    pub request_id: String,
    pub trace: Option<TraceIdentity>,
    /// Where the two tell different things.
    pub contradictions: Vec<String>,
}

/// Reads rows written as text.
pub fn rows(text: &str) -> Result<Vec<Row>, BoxError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let cells: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            cells
                .try_into()
                .map_err(|_| format!("not a row of {} cells: {line}", COLUMNS.len()).into())
        })
        .collect()
}

/// Reads what the places keep, request by request.
pub struct Reader<'a> {
    places: &'a Places,
    /// How many records and lines of each place were read.
    read: [(usize, usize); 5],
}

impl<'a> Reader<'a> {
    /// Skips what was seen so far.
    pub async fn from_now_on(places: &'a Places) -> Result<Self, BoxError> {
        if !until(|| places.each().into_iter().all(is_quiet)).await {
            return Err("the exchanges before the script do not end".into());
        }
        let mut reader = Self { places, read: [(0, 0); 5] };
        reader.rest();
        Ok(reader)
    }

    /// The exchanges since the last call, once there are as many as expected and each is logged;
    /// those that there are when that takes too long.
    pub async fn exchanges(&mut self, expected: usize) -> Vec<Exchange> {
        let before: usize = self.read.iter().map(|(records, _)| records).sum();
        until(|| {
            let places = self.places.each();
            let ended: usize = places.iter().map(|place| place.records().len()).sum();
            ended >= before + expected && places.into_iter().all(is_quiet)
        })
        .await;
        self.rest()
    }

    /// The exchanges since the last call.
    pub fn rest(&mut self) -> Vec<Exchange> {
        let mut exchanges = Vec::new();
        for (place, (read_records, read_lines)) in
            self.places.each().into_iter().zip(&mut self.read)
        {
            let (records, lines) = (place.records(), place.lines());
            exchanges.extend(pair(place.name, &records[*read_records..], &lines[*read_lines..]));
            (*read_records, *read_lines) = (records.len(), lines.len());
        }
        exchanges
    }
}

/// Whether every exchange that has begun has ended and is logged.
fn is_quiet(place: &Place) -> bool {
    let begun = place.begun();
    place.records().len() == begun && place.lines().len() == begun
}

/// Each record with its line, by route: exchanges of one request may end in any order.
fn pair(place: &str, records: &[Record], lines: &[String]) -> Vec<Exchange> {
    let mut recorded: Vec<_> = records.iter().map(|record| (told(record), record)).collect();
    let mut logged: Vec<_> = lines.iter().map(|line| Logged::read(line)).collect();
    recorded.sort_by(|(a, _), (b, _)| a.cmp(b));
    logged.sort_by(|a, b| a.told.cmp(&b.told));
    let mut logged = logged.into_iter();
    let mut exchanges = Vec::new();
    for (told, record) in recorded {
        let line = logged.next().unwrap_or_default();
        let contradictions = (0..TOLD.len())
            .filter(|&i| told[i] != line.told[i])
            .map(|i| {
                let (field, recorded, logged) = (TOLD[i], &told[i], &line.told[i]);
                format!("{place} {}: {field}: recorded as {recorded}, logged as {logged}", told[0])
            })
            .collect();
        let [route, method, outcome, grpc, error, request_id, ..] = told;
        let status = cell(record.status.map(|status| status.as_u16()));
        let whose = match record.blame {
            Blame::Ours => "ours",
            Blame::Peer => "peer",
            Blame::Nobody => "nobody",
        };
        let (place, whose) = (place.to_owned(), whose.to_owned());
        exchanges.push(Exchange {
            row: [
                place,
                method,
                route,
                outcome,
                status,
                grpc,
                error,
                whose,
                line.level,
                line.status,
            ],
            duration: record.duration,
            request_id,
            trace: record.trace,
            contradictions,
        });
    }
    exchanges.extend(logged.map(|line| Exchange {
        row: nothing_but(place, line.level, line.status),
        duration: Duration::ZERO,
        request_id: line.told[5].clone(),
        trace: None,
        contradictions: vec![format!("{place}: a line without an exchange")],
    }));
    exchanges
}

fn nothing_but(place: &str, level: String, status: String) -> Row {
    let mut row: Row = Default::default();
    row.fill(cell(None::<&str>));
    let last = row.len() - 1;
    (row[0], row[last - 1], row[last]) = (place.to_owned(), level, status);
    row
}

/// What record and line must agree on.
const TOLD: [&str; 9] = [
    "route",
    "method",
    "outcome",
    "gRPC",
    "error",
    "request ID",
    "is an error",
    "span",
    "nanoseconds",
];
type Told = [String; TOLD.len()];

fn told(record: &Record) -> Told {
    [
        cell(record.route.as_ref()),
        record.method.to_string(),
        record.outcome.to_string(),
        cell(record.grpc_status.map(Code::as_str)),
        cell(record.error_type),
        cell(record.request_id),
        record.is_error.to_string(),
        cell(record.trace.map(|span| format!("{:032x}-{:016x}", span.trace_id(), span.span_id()))),
        record.duration.as_nanos().to_string(),
    ]
}

/// What a line of the access log tells.
#[derive(Default)]
struct Logged {
    told: Told,
    level: String,
    status: String,
}

impl Logged {
    fn read(line: &str) -> Self {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let level = text(&line["severity_text"]);
        let span = match (line["trace_id"].as_str(), line["span_id"].as_str()) {
            (Some(trace), Some(span)) => Some(format!("{trace}-{span}")),
            _ => None,
        };
        let line = &line["attributes"];
        let route = if line["rpc.method"].is_null() { "http.route" } else { "rpc.method" };
        let told = [
            text(&line[route]),
            text(&line["http.request.method"]),
            text(&line["outcome"]),
            text(&line["rpc.response.status_code"]),
            text(&line["error.type"]),
            text(&line["request_id"]),
            (level == "ERROR").to_string(),
            cell(span),
            cell(line["duration"].as_f64().map(nanos)),
        ];
        Self { told, level, status: text(&line["http.response.status_code"]) }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => cell(None::<&str>),
        other => other.to_string(),
    }
}

fn cell(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

//! What the metrics, the objectives and the live board are to have counted, worked out from the records.

use std::collections::{BTreeMap, HashMap};

use tower_observability::classify::{Blame, Goodness, Protocol, Side};
use tower_observability::live::UNMATCHED;
use tower_observability::slo::Moment;
use tower_observability::testing::Record;

use crate::gathered::{Series, Value};
use crate::judge::Judge;
use crate::sinks::{Collected, Line, Promise, promises};
use crate::told::Told;

/// The values that each histogram is to have counted, and how many in its unit there are to one.
type Values = BTreeMap<Series, Vec<u64>>;

const NANOS: f64 = 1e9;

pub(crate) fn judge(of: &Collected, judge: &mut Judge<'_>) {
    metrics(of, judge);
    objectives(of, judge);
    live(of, judge);
}

/// The histograms that are the exchanges' own, by how their names end.
const MEASURED: [(&str, f64); 5] = [
    ("_duration_seconds", NANOS),
    ("_time_to_first_byte_seconds", NANOS),
    ("_request_body_size_bytes", 1.0),
    ("_response_body_size_bytes", 1.0),
    ("_poll_ready_duration_seconds", 0.0),
];

fn metrics(of: &Collected, judge: &mut Judge<'_>) {
    let mut due = Values::new();
    let lines: HashMap<_, _> =
        of.lines.iter().map(|line| ((line.told.intent, line.told.side as usize), line)).collect();
    let mut by_side = [0_u64; 2];
    for record in &of.records {
        by_side[record.side as usize] += 1;
        let intent = Told::record(record).intent;
        match lines.get(&(intent, record.side as usize)) {
            Some(line) => measure(record, line, &mut due),
            None => judge.object("metrics", format!("{record:?} has no line to tell its labels")),
        }
    }
    for (series, values) in &mut due {
        values.sort_unstable();
        if !of.gathered.contains_key(series) {
            judge.object("metrics", format!("{series:?} is missing, with {}", values.len()));
        }
    }
    for (series, value) in &of.gathered {
        let name = &series.name;
        let own = MEASURED.iter().rev().find(|(end, _)| name.ends_with(end));
        match (value, own) {
            (Value::Is(value), _) if is_zero_in_the_end(name) && *value != 0.0 => {
                judge.object("metrics", format!("{series:?} is {value} in the end"));
            }
            // each exchange is asked for once the service is ready
            (Value::Counts { count, .. }, Some((_, 0.0))) => {
                let called = by_side[usize::from(name.contains("client"))];
                if series.label("error_type").is_none() && *count != called {
                    let what = format!("{series:?} counts {count}, and not {called}");
                    judge.object("metrics", what);
                }
            }
            (Value::Counts { .. }, Some((_, unit))) => {
                counted(series, value, due.get(series), *unit, judge);
            }
            _ => {}
        }
    }
}

fn is_zero_in_the_end(name: &str) -> bool {
    let is_active = name.contains("_active_") && !name.ends_with("_max");
    is_active || name.contains("_overflow_") || name.contains("_shed_")
}

/// Demands the count, the sum and the buckets of these values.
fn counted(
    series: &Series,
    value: &Value,
    values: Option<&Vec<u64>>,
    unit: f64,
    judge: &mut Judge<'_>,
) {
    let Value::Counts { count, sum, buckets } = value else { return };
    let values = values.map(Vec::as_slice).unwrap_or_default();
    let (due, summed) = (values.len() as u64, values.iter().sum::<u64>());
    if *count != due {
        judge.object("metrics", format!("{series:?} counts {count}, and not {due}"));
    }
    // a sum of less than 2^53 nanoseconds or bytes is exact
    let told = (sum * unit).round() as u64;
    if told != summed {
        judge.object("metrics", format!("{series:?} sums up to {told}, and not to {summed}"));
    }
    let mut below = 0;
    for (bound, own) in buckets {
        below += own;
        let bound = (bound * unit).round() as u64;
        let due = values.partition_point(|value| *value <= bound) as u64;
        if below != due {
            judge.object("metrics", format!("{series:?} has {below} up to {bound}, and not {due}"));
        }
    }
}

/// Adds what one exchange is to be measured as.
fn measure(record: &Record, line: &Line, due: &mut Values) {
    let side = record.side.as_str();
    let mut labels: Vec<(&str, String)> = Vec::new();
    let route = record.route.as_ref().map(|route| route.as_str().to_owned());
    let (system, call) = match record.protocol {
        Protocol::Grpc => {
            let code = record.grpc_status.map(|code| code.as_str()).unwrap_or_default();
            labels.push(("rpc_system_name", "grpc".into()));
            labels.push(("rpc_method", route.unwrap_or_else(|| "_OTHER".into())));
            labels.push(("rpc_response_status_code", code.into()));
            ("rpc", "call")
        }
        _ => {
            let scheme = match line.scheme.as_deref() {
                None | Some("http") => "http",
                Some("https") => "https",
                Some(_) => "_OTHER",
            };
            labels.push(("http_request_method", line.method.clone()));
            labels.push(("url_scheme", scheme.into()));
            let status = record.status.map(|status| status.as_u16().to_string());
            labels.extend(status.map(|status| ("http_response_status_code", status)));
            match record.side {
                Side::Server => labels.push(("http_route", route.unwrap_or_else(unmatched))),
                Side::Client => labels.extend(route.map(|route| ("url_template", route))),
            }
            ("http", "request")
        }
    };
    if record.side == Side::Client
        && let Some(server) = &line.server
    {
        labels.push(("server_address", server.clone()));
        labels.extend(line.port.map(|port| ("server_port", port.to_string())));
    }
    let error = record.error_type.as_ref().map(|error| error.as_str().to_owned());
    labels.extend(error.map(|error| ("error_type", error)));
    let labels: Vec<_> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut add = |what: &str, value: Option<u64>| {
        if let Some(value) = value {
            let series = Series::new(&format!("{system}_{side}_{what}"), &labels);
            due.entry(series).or_default().push(value);
        }
    };
    let nanos = |time: std::time::Duration| time.as_nanos() as u64;
    add(&format!("{call}_duration_seconds"), Some(nanos(record.duration)));
    add("time_to_first_byte_seconds", record.time_to_headers.map(nanos));
    add("request_body_size_bytes", record.request_bytes);
    add("response_body_size_bytes", record.status.map(|_| record.response_bytes));
}

fn unmatched() -> String {
    UNMATCHED.to_owned()
}

fn objectives(of: &Collected, judge: &mut Judge<'_>) {
    for promise in promises() {
        for (outcome, goodness) in [("good", Goodness::Good), ("bad", Goodness::Bad)] {
            let due = of.records.iter().filter(|record| promise.judged(record) == goodness).count();
            let labels = [("slo", promise.name), ("outcome", outcome)];
            let series = Series::new("slo_events_total", &labels);
            let told = of.gathered.get(&series);
            if told != Some(&Value::Is(due as f64)) {
                judge.object("objectives", format!("{series:?} is {told:?}, and not {due}"));
            }
        }
    }
}

impl Promise {
    fn judged(&self, record: &Record) -> Goodness {
        let route = record.route.as_ref().map(|route| route.as_str());
        if record.side != self.side || (self.route.is_some() && self.route != route) {
            return Goodness::LeftOut;
        }
        let late = self.within.is_some_and(|(threshold, at)| match at {
            Moment::End => record.duration > threshold,
            Moment::FirstByte => record.time_to_headers.unwrap_or(record.duration) > threshold,
        });
        match record.goodness {
            Goodness::Good if late => Goodness::Bad,
            goodness => goodness,
        }
    }
}

fn live(of: &Collected, judge: &mut Judge<'_>) {
    let mut due: BTreeMap<(&str, String), (u64, u64, u64, u128)> = BTreeMap::new();
    for record in &of.records {
        let route = record.route.as_ref().map_or_else(unmatched, |it| it.as_str().to_owned());
        let of = due.entry((record.side.as_str(), route)).or_default();
        of.0 += 1;
        of.1 += u64::from(record.blame == Blame::Ours);
        of.2 += u64::from(record.blame == Blame::Peer);
        of.3 += record.duration.as_nanos();
    }
    let told = of.families.iter().map(|family| {
        let tally = family.since_start.tally;
        let told = (tally.count, tally.errors, tally.peer_ended, tally.duration.as_nanos());
        ((family.side.as_str(), family.name.clone()), told)
    });
    let told: BTreeMap<_, _> = told.filter(|(_, told)| told.0 > 0).collect();
    if told != due {
        judge.object("live board", format!("has {told:?}, and not {due:?}"));
    }
    if of.active > 0 {
        judge.object("live board", format!("has {} under way in the end", of.active));
    }
}

//! Joins what was told of each exchange, and demands that all of it agrees.

use std::fmt::Display;

use tower_observability::classify::{Outcome, Side};
use tower_observability::testing::Record;

use crate::acts::Caller;
use crate::endings::Ending;
use crate::multiset;
use crate::script::SIDES;
use crate::sinks::Collected;
use crate::told::{FIELDS, Field, Told, Word};
use crate::witness::{Seen, SeenEnd};

/// What was told of one side of one exchange.
#[derive(Default)]
struct Joined<'a> {
    records: Vec<&'a Record>,
    /// Lines, spans, verdicts and dumps.
    others: [Vec<&'a Told>; 4],
}

const OTHERS: [&str; 4] = ["line", "span", "SLO verdict", "dump"];
const LINE: usize = 0;
const SPAN: usize = 1;
const DUMPED: usize = 3;

/// What does not agree, in words.
pub(crate) struct Judge<'a> {
    of: &'a Collected,
    pub(crate) disagreements: Vec<String>,
}

/// All that does not agree.
pub(crate) fn judge(of: &Collected) -> Vec<String> {
    let mut judge = Judge { of, disagreements: Vec::new() };
    let joined = judge.join();
    for number in 0..joined.len() {
        for side in SIDES {
            judge.exchange(number, side, &joined);
        }
    }
    if of.strays > 0 {
        judge.object("requests", format!("{} came that nobody intended", of.strays));
    }
    multiset::judge(of, &mut judge);
    judge.disagreements
}

impl<'a> Judge<'a> {
    pub(crate) fn object(&mut self, whom: impl Display, what: impl Display) {
        self.disagreements.push(format!("{whom}: {what}"));
    }

    fn join(&mut self) -> Vec<[Joined<'a>; 2]> {
        let of = self.of;
        let mut joined: Vec<[Joined<'_>; 2]> = Vec::new();
        joined.resize_with(of.script.intents.len(), Default::default);
        for record in &of.records {
            let told = Told::record(record);
            match told.intent.and_then(|number| joined.get_mut(number)) {
                Some(sides) => sides[told.side as usize].records.push(record),
                None => self.object("record", format!("of nothing that was intended: {record:?}")),
            }
        }
        let lines: Vec<_> = of.lines.iter().map(|line| &line.told).collect();
        let others = [lines, of.spans.iter().collect(), of.verdicts.iter().collect()];
        for (at, all) in others.into_iter().chain([of.dumps.iter().collect()]).enumerate() {
            for told in all {
                match told.intent.and_then(|number| joined.get_mut(number)) {
                    Some(sides) => sides[told.side as usize].others[at].push(told),
                    None => {
                        let what = format!("of nothing that was intended: {told:?}");
                        self.object(OTHERS[at], what);
                    }
                }
            }
        }
        joined
    }

    fn exchange(&mut self, number: usize, side: Side, joined: &[[Joined<'a>; 2]]) {
        let intent = &self.of.script.intents[number];
        let intended = &intent.intended[side as usize];
        let whom = format!(
            "{} exchange {number} ({}, {:?} over {:?}, {:?})",
            side.as_str(),
            intent.act.name(),
            intent.way.place,
            intent.way.version,
            intent.way.caller,
        );
        let told = &joined[number][side as usize];
        let count = told.records.len();
        let may_be = match intended.endings.is_empty() {
            true => 0..=0,
            false => usize::from(!intended.may_be_none)..=1,
        };
        if !may_be.contains(&count) {
            self.object(&whom, format!("has {count} records, and is to have {may_be:?}"));
        }
        for (at, name) in OTHERS.into_iter().enumerate() {
            let due = match at {
                SPAN if intent.identity.is_unsampled => 0,
                DUMPED if !intent.is_dumped => 0,
                _ => count,
            };
            let has = told.others[at].len();
            if has != due {
                self.object(&whom, format!("has {has} of {name}, and is to have {due}"));
            }
        }
        let [record] = told.records[..] else { return };
        let reference = Told::record(record);
        for (at, name) in OTHERS.into_iter().enumerate() {
            for other in &told.others[at] {
                self.compare(&whom, at, name, record, &reference, other);
            }
        }
        self.as_intended(&whom, number, side, record);
        self.identity(&whom, number, side, record, &reference, joined);
        self.as_seen(&whom, number, side, record);
    }

    /// Demands that a signal tells what the record tells.
    fn compare(
        &mut self,
        whom: &str,
        at: usize,
        name: &str,
        record: &Record,
        reference: &Told,
        other: &Told,
    ) {
        for field in FIELDS {
            let gave_up = matches!(record.outcome, Outcome::Cancelled | Outcome::DeadlineExceeded);
            let due = match (at, field) {
                // nothing was sent, and a line tells it by nginx's number
                (LINE, Field::Status)
                    if gave_up && record.side == Side::Server && record.status.is_none() =>
                {
                    Word::Number(499)
                }
                (LINE | DUMPED, Field::Bytes) if record.status.is_none() => Word::None,
                (LINE, Field::Bytes) if record.unread => Word::None,
                _ => reference.word(field).clone(),
            };
            let told = other.word(field);
            if *told != Word::Silent && *told != due {
                self.object(whom, format!("its {name} tells {field:?} {told}, and not {due}"));
            }
        }
    }

    /// Demands one of the endings that are intended.
    fn as_intended(&mut self, whom: &str, number: usize, side: Side, record: &Record) {
        let intended = &self.of.script.intents[number].intended[side as usize];
        let error = record.error_type.as_ref().map(|error| error.as_str());
        let fits = |ending: &Ending| {
            record.outcome == ending.outcome
                && record.status.map(|status| status.as_u16()) == ending.status
                && record.grpc_status == ending.code
                && error == ending.error
                && ending.bytes.is_none_or(|bytes| bytes == record.response_bytes)
        };
        if !intended.endings.iter().any(fits) {
            let endings = &intended.endings;
            self.object(whom, format!("is not as intended: {record:?}, and not {endings:?}"));
        }
        let route = record.route.as_ref().map(|route| route.as_str());
        if route != intended.route {
            self.object(whom, format!("has the route {route:?}, and not {:?}", intended.route));
        }
    }

    /// Demands the IDs that are intended, and those of the exchange in which it began.
    fn identity(
        &mut self,
        whom: &str,
        number: usize,
        side: Side,
        record: &Record,
        reference: &Told,
        joined: &[[Joined<'a>; 2]],
    ) {
        let intent = &self.of.script.intents[number];
        let span = joined[number][side as usize].others[SPAN].first();
        let id = record.request_id.map(|id| id.to_string());
        let asked = intent.identity.request_id.as_deref().map(String::from_utf8_lossy);
        let is_taken_over = asked.is_some() && id.as_deref() == asked.as_deref();
        if id.is_none() || is_taken_over != intent.identity.is_taken_over {
            self.object(whom, format!("has the request ID {id:?}, and {asked:?} was asked for"));
        }
        let is_nested =
            intent.parent.is_some() && (side == Side::Client || intent.way.caller == Caller::Bare);
        if record.nested != is_nested {
            self.object(whom, format!("is nested: {}", record.nested));
        }
        let outer = match (side, intent.way.caller) {
            (Side::Server, Caller::Observed) => Some((Side::Client, number)),
            _ => intent.parent,
        };
        let (trace, parent) = match outer {
            Some((side, number)) => {
                let [outer] = joined[number][side as usize].records[..] else { return };
                // what is asked in the same process says nothing of who it is
                let shares = intent.way.caller == Caller::Observed;
                if shares && outer.request_id != record.request_id {
                    self.object(whom, format!("has the ID {id:?}, and not {:?}", outer.request_id));
                }
                let told = Told::record(outer);
                (told.word(Field::TraceId).clone(), told.word(Field::SpanId).clone())
            }
            None => match intent.identity.continues {
                Some((trace, span)) => (Word::Number(trace), Word::Number(span.into())),
                None => (reference.word(Field::TraceId).clone(), Word::None),
            },
        };
        if *reference.word(Field::TraceId) != trace {
            let told = reference.word(Field::TraceId);
            self.object(whom, format!("is of the trace {told}, and not of {trace}"));
        }
        let told = span.map(|span| Word::number(span.parent));
        if let Some(told) = told
            && told != parent
        {
            self.object(whom, format!("its span began in {told}, and not in {parent}"));
        }
    }

    /// Demands what the client or the handler saw itself.
    fn as_seen(&mut self, whom: &str, number: usize, side: Side, record: &Record) {
        let seen = &self.of.seen[number][side as usize];
        let (is_server, panicked) = (side == Side::Server, record.outcome == Outcome::Panicked);
        let calls_due = match record.outcome {
            Outcome::Cancelled | Outcome::DeadlineExceeded => 0..=1,
            _ => 1..=1,
        };
        let outcomes: &[Outcome] = match (seen.status, seen.end) {
            (None, None) => &[Outcome::Cancelled, Outcome::DeadlineExceeded],
            (_, Some(SeenEnd::Panicked)) => &[Outcome::Panicked],
            (_, Some(SeenEnd::Error)) => &[Outcome::Failed],
            (_, Some(SeenEnd::Whole)) => &[Outcome::Completed, Outcome::Failed],
            (None, _) => &[Outcome::Cancelled, Outcome::DeadlineExceeded],
            (Some(_), _) if is_server => &[Outcome::Aborted, Outcome::Completed, Outcome::Failed],
            (Some(_), _) => &[Outcome::Completed],
        };
        // a panic before the headers is answered in the handler's place
        let is_answered = panicked && seen.status.is_none();
        let status = record.status.map(|status| status.as_u16());
        let fits = calls_due.contains(&seen.calls)
            && outcomes.contains(&record.outcome)
            && (is_answered || (seen.status, seen.bytes) == (status, record.response_bytes));
        if !fits {
            let by = if is_server { "handler" } else { "client" };
            self.object(whom, format!("the {by} saw {seen:?}, and it is told as {record:?}"));
        }
        let Seen { status: there, bytes, end, .. } = self.of.seen[number][Side::Client as usize];
        let is_whole = end == Some(SeenEnd::Whole) && there.is_some();
        // one that is out of time is answered in front of the layers
        let is_sent = !matches!(record.outcome, Outcome::Failed | Outcome::DeadlineExceeded);
        if is_server && is_whole && is_sent {
            let told = (status, record.response_bytes);
            if (there, bytes) != told {
                self.object(whom, format!("the client got {:?}, and not {told:?}", (there, bytes)));
            }
        }
    }
}

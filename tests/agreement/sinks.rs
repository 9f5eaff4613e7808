//! A telemetry whose every signal is kept, and what is kept in the end.

use std::sync::Arc;
use std::time::Duration;

use tower_observability::access_log::JsonLines;
use tower_observability::classify::Side;
use tower_observability::debug_dump::{DumpControl, Match, Rule};
use tower_observability::live::FamilyReport;
use tower_observability::slo::{Moment, Objective, ObjectiveBuilder, SloTracker, Target};
use tower_observability::telemetry::Telemetry;
use tower_observability::testing::{Record, Recorder};

use crate::endings::TEMPLATE;
use crate::gathered::{Gathered, gathered};
use crate::kinds::{Chat, Kind};
use crate::readings::{KeepSpans, Kept, Mark};
use crate::script::{DUMP, Script};
use crate::told::Told;
use crate::witness::{Notes, Seen};
use crate::written::Written;

/// What some objective promises, as the judge works it out itself.
#[derive(Clone, Copy)]
pub(crate) struct Promise {
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    /// Those of this route; all where there is none.
    pub(crate) route: Option<&'static str>,
    pub(crate) within: Option<(Duration, Moment)>,
}

/// What is promised. The first of each side tells every verdict.
pub(crate) fn promises() -> [Promise; 6] {
    let promise = |name, side, route, within| Promise { name, side, route, within };
    let within = |micros, at| Some((Duration::from_micros(micros), at));
    [
        promise("answered", Side::Server, None, None),
        promise("called", Side::Client, None, None),
        promise("swift", Side::Server, Some(TEMPLATE), within(500, Moment::End)),
        promise("chat", Side::Server, Some(Kind::method(Chat)), within(800, Moment::FirstByte)),
        promise("swift-calls", Side::Client, None, within(2_000, Moment::FirstByte)),
        promise("echo", Side::Client, Some(Kind::method(Chat)), None),
    ]
}

/// Everything that exchanges are told to.
pub(crate) struct Sinks {
    pub(crate) telemetry: Telemetry,
    pub(crate) recorder: Recorder,
    pub(crate) mark: Mark,
    pub(crate) notes: Notes,
    lines: Written,
    spans: Kept<Told>,
    dumps: Kept<Told>,
    verdicts: Kept<Told>,
}

impl Sinks {
    pub(crate) fn new(script: &Script) -> Self {
        let (lines, spans, verdicts) = (Written::default(), Kept::default(), Kept::default());
        let objectives = promises().into_iter().enumerate();
        let tracker = objectives.fold(SloTracker::builder(), |tracker, (at, promise)| {
            let kept: Kept<Told> = verdicts.clone();
            let objective = promise.objective();
            let objective = match at {
                0 | 1 => objective.judge(move |end| {
                    kept.push(Told::verdict(end));
                    None
                }),
                _ => objective,
            };
            tracker.objective(objective.build().unwrap())
        });
        let telemetry = Telemetry::builder("chaos")
            .span_processor(KeepSpans { kept: spans.clone(), read: Told::span })
            .json_lines(JsonLines::new(lines.clone()))
            .objectives(tracker.build().unwrap())
            .build()
            .unwrap();
        Self {
            telemetry,
            recorder: Recorder::new(),
            mark: Mark::default(),
            notes: Notes::new(script.intents.len()),
            lines,
            spans,
            dumps: Kept::default(),
            verdicts,
        }
    }

    /// A control whose rule has room for what is asked to be dumped of one server in one round.
    pub(crate) fn dumps(&self) -> DumpControl {
        let kept = self.dumps.clone();
        let sink = DumpControl::builder().keeps_bytes(1 << 16);
        let control = sink.sink(move |capture| kept.push(Told::dump(capture))).build();
        let asked = Match::RequestHeader(DUMP.parse().unwrap(), None);
        let rule = Rule::new(Duration::from_secs(3_600)).and_then(|rule| rule.captures(1_000));
        let rule = rule.and_then(|rule| rule.bytes(64 << 20)?.body_cap(100)?.matching(asked));
        control.arm(rule.unwrap());
        control
    }

    /// Whether nothing is under way that could still be told of.
    pub(crate) fn are_quiet(&self) -> bool {
        self.notes.tasks() == 0 && self.mark.under_way() == 0 && self.telemetry.under_way() == 0
    }

    /// What was told of all that was intended.
    pub(crate) fn collect(self, script: Arc<Script>) -> Collected {
        let told = self.lines.take();
        let lines = told.lines().map(|line| Line::of(&serde_json::from_str(line).unwrap()));
        Collected {
            lines: lines.collect(),
            spans: self.spans.take(),
            verdicts: self.verdicts.take(),
            dumps: self.dumps.take(),
            records: self.recorder.records(),
            gathered: gathered(self.telemetry.registry()),
            families: self.telemetry.live().families(),
            active: self.telemetry.live().active().count(),
            seen: self.notes.seen(),
            strays: self.notes.strays(),
            script,
        }
    }
}

impl Promise {
    fn objective(self) -> ObjectiveBuilder {
        let target = Target::percent("99").unwrap();
        let objective = match self.within {
            None => Objective::availability(self.name, target),
            Some((threshold, at)) => Objective::latency(self.name, target, threshold).at(at),
        };
        let objective = match self.side {
            Side::Server => objective,
            Side::Client => objective.client(),
        };
        match self.route {
            None => objective,
            Some(route) => objective.route(route),
        }
    }
}

/// A line, and what it tells of where the request went.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) told: Told,
    pub(crate) method: String,
    pub(crate) scheme: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) port: Option<u64>,
}

impl Line {
    fn of(line: &serde_json::Value) -> Self {
        let of = &line["attributes"];
        let text = |key: &str| of[key].as_str().map(str::to_owned);
        Self {
            told: Told::line(line),
            method: text("http.request.method").unwrap(),
            scheme: text("url.scheme"),
            server: text("server.address"),
            port: of["server.port"].as_u64(),
        }
    }
}

/// All that was told.
#[derive(Clone)]
pub(crate) struct Collected {
    pub(crate) script: Arc<Script>,
    pub(crate) lines: Vec<Line>,
    pub(crate) spans: Vec<Told>,
    pub(crate) verdicts: Vec<Told>,
    pub(crate) dumps: Vec<Told>,
    pub(crate) records: Vec<Record>,
    pub(crate) gathered: Gathered,
    pub(crate) families: Vec<FamilyReport>,
    /// What the live board has under way.
    pub(crate) active: usize,
    /// By side, what client and handler saw.
    pub(crate) seen: Vec<[Seen; 2]>,
    pub(crate) strays: u64,
}

//! What each objective makes of each end.

use http::StatusCode as S;

use super::*;
use crate::classify::{Goodness, Outcome};
use crate::testing::ScriptBody;

const SLOW: Duration = Duration::from_millis(301);
const LIMIT: Duration = Duration::from_millis(300);

fn available() -> ObjectiveBuilder {
    Objective::availability("available", percent("99.9"))
}

fn fast() -> ObjectiveBuilder {
    Objective::latency("fast", percent("95"), LIMIT)
}

/// What is counted of an exchange that goes like this, by objective.
fn told(
    objectives: impl IntoIterator<Item = ObjectiveBuilder>,
    script: impl FnOnce(&ManualClock) -> Script,
) -> Vec<&'static str> {
    let bench = Bench::of(objectives);
    let script = script(&bench.clock);
    bench.ask(script);
    let counted = bench.counted().into_iter();
    let told = counted.map(|tally| match (tally.good, tally.bad) {
        (0, 0) => "-",
        (1, 0) => "good",
        (0, 1) => "bad",
        other => panic!("counted {other:?}"),
    });
    told.collect()
}

#[test]
fn each_end_is_judged_by_whose_doing_it_was() {
    let both = |script: &dyn Fn(&ManualClock) -> Script| told([available(), fast()], script);
    let status = |status| both(&|_| Script::status(status));
    assert_eq!(status(S::OK), ["good", "good"]);
    assert_eq!(status(S::NOT_FOUND), ["good", "good"]);
    assert_eq!(status(S::BAD_GATEWAY), ["bad", "bad"]);
    assert_eq!(both(&|_| Script::fails("no")), ["bad", "bad"]);
    assert_eq!(both(&|_| Script::pends()), ["-", "-"], "cancelled");
    let slow = |clock: &ManualClock| Script::status(S::OK).after(clock, SLOW);
    assert_eq!(both(&slow), ["good", "bad"]);
    let just = |clock: &ManualClock| Script::status(S::OK).after(clock, LIMIT);
    assert_eq!(both(&just), ["good", "good"]);
}

#[test]
fn a_panic_is_bad() {
    let bench = Bench::of([available(), fast()]);
    let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        bench.ask(Script::panics("no"));
    }));
    assert!(asked.is_err());
    assert_eq!(bench.counted(), [Tally { good: 0, bad: 1 }; 2]);
}

#[test]
fn the_first_byte_can_be_what_is_timed() {
    let body =
        |clock: &ManualClock| Script::body(ScriptBody::new().data("a").pass(clock, SLOW).data("b"));
    assert_eq!(told([fast(), fast_to_first_byte()], body), ["bad", "good"]);
    let head = |clock: &ManualClock| Script::status(S::OK).after(clock, SLOW);
    assert_eq!(told([fast_to_first_byte()], head), ["bad"]);
}

fn fast_to_first_byte() -> ObjectiveBuilder {
    Objective::latency("first-byte", percent("95"), LIMIT).at(Moment::FirstByte)
}

#[test]
fn the_judgement_can_be_changed() {
    let gone = available().status_is(S::SERVICE_UNAVAILABLE, Goodness::LeftOut);
    assert_eq!(told([gone], |_| Script::status(S::SERVICE_UNAVAILABLE)), ["-"]);
    let limited = available().status_is(S::TOO_MANY_REQUESTS, Goodness::Bad);
    assert_eq!(told([limited], |_| Script::status(S::TOO_MANY_REQUESTS)), ["bad"]);
    let failed = available().outcome_is(Outcome::Failed, Goodness::Good);
    assert_eq!(told([failed], |_| Script::fails("no")), ["good"]);
    let own = available()
        .judge(|end| (end.status == Some(S::NOT_FOUND)).then_some(Goodness::Bad))
        .status_is(S::NOT_FOUND, Goodness::LeftOut);
    assert_eq!(told([own.clone()], |_| Script::status(S::NOT_FOUND)), ["bad"], "said first");
    assert_eq!(told([own], |_| Script::status(S::OK)), ["good"]);
    // what is good is still too slow
    let slow = fast().status_is(S::OK, Goodness::Good);
    assert_eq!(told([slow], |clock| Script::status(S::OK).after(clock, SLOW)), ["bad"]);
}

#[test]
fn what_the_peer_ended_can_be_counted() {
    let counted =
        || [available().peers_ends(PeersEnds::Counted), fast().peers_ends(PeersEnds::Counted)];
    assert_eq!(told(counted(), |_| Script::pends()), ["bad", "-"]);
    let slow = |clock: &ManualClock| Script::pends().after(clock, SLOW);
    assert_eq!(told(counted(), slow), ["bad", "bad"]);
}

#[test]
fn only_what_an_objective_is_about_is_counted() {
    let of_route = available().route("/checkout");
    assert_eq!(told([of_route], |_| Script::status(S::OK)), ["-"]);
    let matching = available().matching(|end| end.status == Some(S::OK));
    assert_eq!(told([matching.clone()], |_| Script::status(S::OK)), ["good"]);
    assert_eq!(told([matching], |_| Script::status(S::BAD_GATEWAY)), ["-"]);
    assert_eq!(told([available().client()], |_| Script::status(S::OK)), ["-"]);
    let panics = available().matching(|_| panic!("a predicate"));
    assert_eq!(told([panics], |_| Script::status(S::OK)), ["-"], "and the exchange goes on");
}

#[test]
fn what_can_never_hold_is_refused() {
    let field = |builder: ObjectiveBuilder| builder.build().unwrap_err().field();
    assert_eq!(field(Objective::availability("Checkout", percent("99"))), "name");
    assert_eq!(field(Objective::availability("", percent("99"))), "name");
    assert_eq!(field(Objective::latency("a", percent("99"), Duration::ZERO)), "threshold");
    assert_eq!(field(available().routes(Vec::<String>::new())), "routes");
    assert_eq!(field(available().route("")), "routes");
    for url in ["runbook", "/runbook", "javascript://a/%0aalert(1)", "ftp://host/"] {
        assert_eq!(field(available().runbook_url(url)), "runbook_url");
    }
    let page = Severity::DEFAULTS[0];
    assert_eq!(field(available().severities([page, page])), "severities");
    let twice = [available(), available()].map(|builder| builder.build().unwrap());
    assert_eq!(SloTracker::builder().objectives(twice).build().unwrap_err().field(), "objectives");
}

#[test]
fn what_no_outage_reaches_is_left_out() {
    let objective = Objective::availability("half", percent("50")).build().unwrap();
    assert_eq!(objective.severities(), &Severity::DEFAULTS[3..]);
    assert_eq!(objective.unreachable(), &Severity::DEFAULTS[..3]);
}

//! Which exchanges a rule fits.

use http::{HeaderValue, Method};
use proptest::prelude::*;

use super::*;
use crate::classify::{Outcome, Side};
use crate::grpc::Code;

/// The paths that were captured, of a few exchanges of all kinds.
fn fits(matches: Match) -> Vec<String> {
    let bench = Bench::armed(rule().matching(matches).unwrap());
    bench.ask(ok(), get("/ok"));
    bench.ask(Script::status(StatusCode::NOT_FOUND), Request::post("/lost").body(()).unwrap());
    let header = Request::get("/users/7").header("x-debug", "1").body(()).unwrap();
    bench.ask(Script::status(StatusCode::BAD_GATEWAY).with_header("x-via", "b"), header);
    let slow = Script::body(ScriptBody::new().pass(&bench.clock, Duration::from_secs(2)));
    bench.ask(slow, get("/users/slow"));
    bench.ask(Script::fails("gone"), get("/fails"));
    let grpc = Request::post("/Store/Buy").header("content-type", "application/grpc");
    let unavailable =
        ok().with_header("content-type", "application/grpc").with_header("grpc-status", "14");
    bench.ask(unavailable, grpc.body(()).unwrap());
    bench.paths()
}

const ALL: [&str; 6] = ["/ok", "/lost", "/users/7", "/users/slow", "/fails", "/Store/Buy"];

#[test]
fn each_condition_fits_what_it_says() {
    let header = |name: &'static str, value: Option<&'static str>| {
        (name.parse().unwrap(), value.map(HeaderValue::from_static))
    };
    let requested = |(name, value)| Match::RequestHeader(name, value);
    let answered = |(name, value)| Match::ResponseHeader(name, value);
    let status = |least: u16, most: u16| {
        Match::Status(StatusCode::from_u16(least).unwrap(), StatusCode::from_u16(most).unwrap())
    };
    for (matches, expected) in [
        (Match::Any, ALL.to_vec()),
        (Match::Method(Method::POST), vec!["/lost", "/Store/Buy"]),
        (Match::PathPrefix("/users/".into()), vec!["/users/7", "/users/slow"]),
        (status(400, 599), vec!["/lost", "/users/7"]),
        (status(200, 200), vec!["/ok", "/users/slow", "/Store/Buy"]),
        (requested(header("x-debug", None)), vec!["/users/7"]),
        (requested(header("x-debug", Some("1"))), vec!["/users/7"]),
        (requested(header("x-debug", Some("2"))), vec![]),
        (answered(header("x-via", Some("b"))), vec!["/users/7"]),
        (Match::Slower(Duration::from_secs(2)), vec!["/users/slow"]),
        (Match::Outcome(Outcome::Failed), vec!["/fails"]),
        (Match::Error, vec!["/users/7", "/fails", "/Store/Buy"]),
        (Match::GrpcStatus(Code::Unavailable), vec!["/Store/Buy"]),
        (Match::Side(Side::Server), ALL.to_vec()),
        (Match::Side(Side::Client), vec![]),
        (Match::OneIn(NonZeroU32::new(2).unwrap()), vec!["/ok", "/users/7", "/fails"]),
        (Match::RequestId("r-1".into()), vec![]),
        (Match::Route("/users/{id}".into()), vec![]),
        (Match::All(vec![]), ALL.to_vec()),
        (Match::AnyOf(vec![]), vec![]),
        (
            Match::All(vec![
                Match::PathPrefix("/users/".into()),
                Match::Not(Box::new(status(500, 599))),
            ]),
            vec!["/users/slow"],
        ),
        (
            Match::AnyOf(vec![Match::Method(Method::POST), Match::Outcome(Outcome::Failed)]),
            vec!["/lost", "/fails", "/Store/Buy"],
        ),
    ] {
        assert_eq!(fits(matches.clone()), expected, "{matches:?}");
    }
}

fn matches() -> impl Strategy<Value = Match> {
    let status = |number| StatusCode::from_u16(number).unwrap();
    let one = prop_oneof![
        Just(Match::Any),
        Just(Match::Method(Method::POST)),
        Just(Match::PathPrefix("/users".into())),
        Just(Match::Status(status(400), status(499))),
        Just(Match::Slower(Duration::from_secs(1))),
        Just(Match::Outcome(Outcome::Failed)),
        Just(Match::GrpcStatus(Code::Unavailable)),
        Just(Match::Error),
        Just(Match::Side(Side::Client)),
        Just(Match::OneIn(NonZeroU32::new(2).unwrap())),
    ];
    one.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Match::All),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Match::AnyOf),
            inner.prop_map(|one| Match::Not(Box::new(one))),
        ]
    })
}

proptest! {
    /// What is known at the start never disagrees with the end: a rule and its opposite part all.
    #[test]
    fn a_rule_and_its_opposite_share_nothing_and_leave_nothing_out(matches in matches()) {
        let opposite = Match::Not(Box::new(matches.clone()));
        let mut both = [fits(matches), fits(opposite)].concat();
        both.sort();
        let mut all = ALL.map(str::to_owned);
        all.sort();
        prop_assert_eq!(both, all);
    }
}

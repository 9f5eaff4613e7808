//! A rule is over when its time, its captures or its bytes are.

use super::*;

#[test]
fn nothing_is_captured_unless_a_rule_asks() {
    let bench = Bench::new();
    bench.ask(ok(), get("/a"));
    assert_eq!((bench.control.status(), bench.paths().len()), (DumpStatus::Disarmed, 0));
    bench.control.arm(rule());
    bench.ask(ok(), get("/b"));
    assert!(bench.control.disarm());
    assert!(!bench.control.disarm(), "once");
    bench.ask(ok(), get("/c"));
    assert_eq!(bench.paths(), ["/b"]);
    bench.control.clear();
    assert_eq!(bench.paths().len(), 0);
}

#[test]
fn a_rule_ends_with_its_time_with_and_without_traffic() {
    let bench = Bench::armed(rule());
    bench.clock.advance(MINUTE - Duration::from_nanos(1));
    bench.ask(ok(), get("/in"));
    let DumpStatus::Armed { left, captured, .. } = bench.control.status() else {
        panic!("not over yet")
    };
    assert_eq!((left, captured), (Duration::from_nanos(1), 1));
    bench.clock.advance(Duration::from_nanos(1));
    assert_eq!(bench.control.status(), DumpStatus::Disarmed, "nobody came by");
    bench.ask(ok(), get("/out"));
    assert_eq!(bench.paths(), ["/in"]);

    let bench = Bench::armed(rule());
    bench.clock.advance(MINUTE);
    bench.ask(ok(), get("/out"));
    assert_eq!((bench.control.status(), bench.paths().len()), (DumpStatus::Disarmed, 0));
}

#[test]
fn what_is_under_way_when_a_rule_is_over_is_not_captured() {
    let answered = |bench: &Bench| {
        let script = Script::body(ScriptBody::new().data("abc"));
        bench.layer.layer(script).call(get("/")).now_or_never().unwrap().unwrap().into_body()
    };
    let read = |mut body: crate::exchange::ObserveBody<ScriptBody, DebugDump>| {
        while let Some(Some(Ok(_))) = body.frame().now_or_never() {}
    };
    let bench = Bench::armed(rule());
    let body = answered(&bench);
    assert!(bench.control.disarm());
    read(body);
    assert_eq!(bench.paths().len(), 0, "nothing is dumped any more");

    bench.control.arm(rule());
    let body = answered(&bench);
    bench.control.arm(rule());
    read(body);
    assert_eq!(bench.paths().len(), 0, "the one that was in force is over");

    let body = answered(&bench);
    bench.clock.advance(MINUTE);
    read(body);
    assert_eq!(bench.paths().len(), 0, "for as long as was asked, and no longer");
}

#[test]
fn a_rule_ends_with_its_captures() {
    let bench = Bench::armed(rule().captures(2).unwrap());
    for path in ["/a", "/b", "/c"] {
        bench.ask(ok(), get(path));
    }
    assert_eq!(bench.paths(), ["/a", "/b"]);
    assert_eq!(bench.control.status(), DumpStatus::Disarmed);
    bench.control.arm(rule());
    bench.ask(ok(), get("/d"));
    assert_eq!(bench.paths(), ["/a", "/b", "/d"], "what was captured stays");
}

#[test]
fn a_rule_ends_with_its_bytes_and_a_body_with_its_cap() {
    let long = || {
        let body = ScriptBody::new().data(vec![b'a'; 700]).data(vec![b'b'; 700]);
        Script::body(body).with_header("content-type", "text/plain")
    };
    let bench = Bench::armed(rule().bytes(1 << 11).unwrap().body_cap(1_024).unwrap());
    bench.ask(long(), get("/a"));
    bench.ask(long(), get("/b"));
    bench.ask(long(), get("/c"));
    assert_eq!(bench.paths(), ["/a", "/b"], "2 KiB were over with the second one");
    let capture = &bench.control.captures()[0];
    let body = &capture.response.as_ref().unwrap().body;
    let expected = [vec![b'a'; 700], vec![b'b'; 324]].concat();
    assert_eq!(body.kept, expected);
    assert_eq!((body.total, body.fate), (1_400, BodyFate::Whole));
    assert_eq!(body.withheld, Some(Withheld::Truncated));
}

#[test]
fn the_oldest_captures_go_when_there_is_no_room() {
    let clock = ManualClock::new();
    let control = DumpControl::builder().clock(clock.clock()).keeps_bytes(16 << 10).build();
    let layer = DebugDumpLayer::server(&control).clock(clock.clock());
    let bench = Bench { clock, control, layer };
    bench.control.arm(rule().captures(1_000).unwrap().bytes(1 << 20).unwrap());
    for number in 0..100 {
        let body = ScriptBody::new().data(vec![b'a'; 1_000]);
        let script = Script::body(body).with_header("content-type", "text/plain");
        bench.ask(script, get(&format!("/{number}")));
    }
    let paths = bench.paths();
    assert!((5..16).contains(&paths.len()), "{}", paths.len());
    assert_eq!(paths.last().unwrap(), "/99");
    let oldest = bench.control.captures()[0].id;
    assert_eq!(oldest.number(), 101 - paths.len() as u64);
    assert_eq!(bench.control.capture(oldest), Some(Arc::clone(&bench.control.captures()[0])));
    assert_eq!(bench.control.capture(CaptureId::new(1)), None);
}

#[test]
fn a_sink_gets_every_capture_and_may_panic() {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let clock = ManualClock::new();
    let control = DumpControl::builder()
        .clock(clock.clock())
        .sink(|_| panic!("a sink"))
        .sink(move |capture| telling.lock().unwrap().push(capture.id.number()))
        .build();
    let layer = DebugDumpLayer::server(&control).clock(clock.clock());
    let bench = Bench { clock, control, layer };
    bench.control.arm(rule());
    bench.ask(ok(), get("/a"));
    bench.ask(ok(), get("/b"));
    assert_eq!((told.lock().unwrap().clone(), bench.paths().len()), (vec![1, 2], 2));
}

#[test]
fn a_rule_that_cannot_be_is_refused_by_name() {
    let refused = |rule: Result<Rule, crate::config::ConfigError>| rule.unwrap_err().field();
    assert_eq!(refused(Rule::new(Duration::from_millis(999))), "time_to_live");
    assert_eq!(refused(Rule::new(Duration::from_secs(24 * 3600 + 1))), "time_to_live");
    assert_eq!(refused(rule().captures(0)), "captures");
    assert_eq!(refused(rule().captures(1_001)), "captures");
    assert_eq!(refused(rule().bytes(1_023)), "bytes");
    assert_eq!(refused(rule().body_cap((1 << 20) + 1)), "body_cap");
    let many = Match::AnyOf(vec![Match::Any; Rule::MAX_CONDITIONS]);
    assert_eq!(refused(rule().matching(many)), "matching");
    let fits = Match::AnyOf(vec![Match::Any; Rule::MAX_CONDITIONS - 1]);
    assert!(rule().matching(fits).is_ok());
    let nested = |depth| (1..depth).fold(Match::Any, |inner, _| Match::Not(Box::new(inner)));
    assert_eq!(refused(rule().matching(nested(Rule::MAX_DEPTH + 1))), "matching");
    assert!(rule().matching(nested(Rule::MAX_DEPTH)).is_ok());
}

//! Feature flags: attributes in the words of the log, and an event for each result.

use std::convert::Infallible;

use tower::service_fn;

use super::run::{Lines, MS};
use super::*;
use crate::access_log::{AccessLogLayer, JsonLines};
use crate::classify::Side;
use crate::exchange::{ObserveLayer, flag};

/// The event of a flag, so long after the start.
fn evaluated(key: &'static str, variant: &'static str, after: Duration) -> SpanEvent {
    SpanEvent {
        name: "feature_flag.evaluation".into(),
        after,
        attributes: [
            ("feature_flag.key".into(), key.into()),
            ("feature_flag.result.variant".into(), variant.into()),
        ]
        .into(),
    }
}

#[tokio::test]
async fn span_and_log_tell_a_flag_with_the_same_words() {
    let (bench, lines) = (Bench::new(), Lines::default());
    let log = AccessLogLayer::server().json_lines(JsonLines::new(lines.clone()));
    let all = (bench.server().into_observer(), log.into_observer());
    let layer = ObserveLayer::new(Side::Server, all).clock(bench.time.clock());
    let time = &bench.time;
    let service = layer.layer(service_fn(|_: Request<()>| async {
        time.advance(MS * 2);
        assert!(flag("new-checkout", "on"));
        time.advance(MS);
        assert!(flag("new-checkout", "on"));
        assert!(flag("logo-color", "red"));
        assert!(flag("new-checkout", "off"));
        Ok::<_, Infallible>(Response::new(ScriptBody::new()))
    }));
    drop(service.oneshot(get("/").body(()).unwrap()).await.unwrap());
    let span = bench.spans.only();
    let told = [("feature_flag.logo-color", "red"), ("feature_flag.new-checkout", "off")];
    let expected = SpanRecord {
        duration: MS * 3,
        events: vec![
            evaluated("new-checkout", "on", MS * 2),
            evaluated("logo-color", "red", MS * 3),
            evaluated("new-checkout", "off", MS * 3),
        ],
        ..told.iter().fold(served(&[]), |record, (key, variant)| record.and(key, *variant))
    };
    let aborted = expected.and("error.type", "aborted");
    assert_eq!(span, aborted);
    let line = lines.only();
    let said = told.map(|(key, _)| line["attributes"][key].as_str());
    assert_eq!(said, told.map(|(_, variant)| Some(variant)));
}

#[tokio::test]
async fn an_error_comes_after_the_flags_that_may_explain_it() {
    let bench = Bench::new();
    let service = bench.server().layer(service_fn(async |_: Request<()>| {
        assert!(flag("new-checkout", "on"));
        Err::<Response<ScriptBody>, _>(std::io::Error::other("broken"))
    }));
    service.oneshot(get("/").body(()).unwrap()).await.unwrap_err();
    let names: Vec<_> = bench.spans.only().events.into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["feature_flag.evaluation", "exception"]);
}

//! Trailers are kept, both ways, as headers are.

use tower::service_fn;

use super::*;
use crate::debug_dump::samples::headers;
use crate::testing::ScriptError;

type Own = http_body_util::combinators::UnsyncBoxBody<Bytes, ScriptError>;

#[test]
fn they_are_kept_without_their_secrets() {
    let mut bench = Bench::armed(rule());
    bench.layer = bench.layer.clone().request_body(|body: Own, tap| Own::new(tap.wrap(body)));
    let given = &[("x-sum", "7"), ("x-auth-token", "s3cret"), ("x-data-bin", "czNjcmV0")];
    let shown =
        headers(&[("x-sum", b"7"), ("x-auth-token", b"REDACTED"), ("x-data-bin", b"REDACTED")]);
    let reads = service_fn(async |request: Request<Own>| {
        let body = request.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["x-auth-token"], "s3cret");
        let answer = ScriptBody::new().data("abc").trailers(given);
        Ok::<_, std::convert::Infallible>(Response::new(answer))
    });
    let body = Own::new(ScriptBody::new().data("abc").trailers(given));
    let request = Request::post("/").body(body).unwrap();
    let response = bench.layer.layer(reads).call(request).now_or_never().unwrap().unwrap();
    let body = response.into_body().collect().now_or_never().unwrap().unwrap();
    assert_eq!(body.trailers().unwrap()["x-auth-token"], "s3cret");
    let [capture] = &bench.control.captures()[..] else { panic!("one capture") };
    let response = capture.response.as_ref().unwrap();
    assert_eq!(capture.request.trailers, Some(shown.clone()));
    assert_eq!(response.trailers, Some(shown));
    assert_eq!((response.body.fate, response.body.total), (BodyFate::Whole, 3));

    bench.layer = bench.layer.clone().opaque_bodies(Opaque::Kept);
    bench.ask(Script::body(ScriptBody::new().trailers(given)), get("/kept"));
    let response = bench.control.captures()[1].response.clone().unwrap();
    assert_eq!(response.trailers.unwrap()["x-data-bin"], "czNjcmV0");
}

#[test]
fn there_are_none_where_none_passed() {
    let bench = Bench::armed(rule());
    bench.ask(ok(), get("/"));
    let capture = bench.control.captures()[0].clone();
    assert_eq!(
        (&capture.request.trailers, &capture.response.as_ref().unwrap().trailers),
        (&None, &None)
    );
}

//! What a capture tells, and that what passes is what it was.

use std::error::Error;

use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::service_fn;

use http::HeaderValue;

use super::*;
use crate::classify::Outcome;

/// Reads a request body, and answers how long it was.
async fn echo(
    request: Request<axum::body::Body>,
) -> Result<Response<axum::body::Body>, axum::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let response = Response::builder().header("content-type", "text/plain");
    Ok(response.body(axum::body::Body::from(body)).unwrap())
}

#[cfg(feature = "axum")]
#[test]
fn head_and_body_are_kept_both_ways_without_the_secrets_in_the_head() {
    let bench = Bench::armed(rule());
    let mut service = bench.layer.layer(service_fn(echo));
    let request = Request::post("/orders?token=s3cret&page=2")
        .header("authorization", "Bearer s3cret")
        .header("content-type", "text/plain")
        .body(axum::body::Body::from("two lamps"))
        .unwrap();
    let response = service.call(request).now_or_never().unwrap().unwrap();
    assert_eq!(bench.paths().len(), 0, "not before its end");
    let body = response.into_body().collect().now_or_never().unwrap().unwrap();
    assert_eq!(body.to_bytes(), "two lamps");
    let [capture] = &bench.control.captures()[..] else { panic!("one capture") };
    assert_eq!(capture.request.uri, "/orders?token=REDACTED&page=2");
    assert_eq!(capture.request.headers["authorization"], "REDACTED");
    let whole = |text: &'static str| CapturedBody {
        kept: Bytes::from_static(text.as_bytes()),
        total: text.len() as u64,
        ..CapturedBody::default()
    };
    assert_eq!(capture.request.body, whole("two lamps"));
    let response = capture.response.as_ref().unwrap();
    assert_eq!((response.status, &response.body), (StatusCode::OK, &whole("two lamps")));
    assert_eq!((capture.outcome, capture.duration), (Outcome::Completed, Duration::ZERO));
}

#[cfg(feature = "axum")]
#[test]
fn a_body_that_nobody_reads_breaks_off_or_is_not_known_is_marked() {
    let fate = |body: axum::body::Body, reads: bool| {
        let bench = Bench::armed(rule());
        let handler = service_fn(move |request: Request<axum::body::Body>| async move {
            if reads {
                let _ = request.into_body().collect().await;
            }
            Ok::<_, std::convert::Infallible>(Response::new(ScriptBody::new().claims_end()))
        });
        let request = Request::post("/").body(body).unwrap();
        drop(bench.layer.layer(handler).call(request).now_or_never().unwrap().unwrap());
        bench.control.captures()[0].request.body.fate
    };
    let broken = || axum::body::Body::new(ScriptBody::new().data("abc").error("gone"));
    assert_eq!(fate("abc".into(), true), BodyFate::Whole);
    assert_eq!(fate("abc".into(), false), BodyFate::Unread);
    assert_eq!(fate(broken(), true), BodyFate::Aborted);
    let bench = Bench::armed(rule());
    let unknown = service_fn(async |request: Request<Full<Bytes>>| {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "abc");
        Ok::<_, std::convert::Infallible>(Response::new(ScriptBody::new().claims_end()))
    });
    let request = Request::post("/").body(Full::from("abc")).unwrap();
    drop(bench.layer.layer(unknown).call(request).now_or_never().unwrap().unwrap());
    let body = bench.control.captures()[0].request.body.clone();
    assert_eq!((body.fate, body.total, body.kept.len()), (BodyFate::Unknown, 0, 0));
}

#[test]
fn a_body_of_ones_own_can_be_registered() {
    type Own = http_body_util::combinators::UnsyncBoxBody<Bytes, std::fmt::Error>;
    let mut bench = Bench::armed(rule());
    bench.layer = bench.layer.clone().request_body(|body: Own, tap| Own::new(tap.wrap(body)));
    let reads = service_fn(async |request: Request<Own>| {
        assert_eq!(request.into_body().collect().await.unwrap().to_bytes(), "abc");
        Ok::<_, std::convert::Infallible>(Response::new(ScriptBody::new().claims_end()))
    });
    let body = Own::new(Full::from("abc").map_err(|never| match never {}));
    let request = Request::post("/").header("content-type", "text/plain").body(body).unwrap();
    drop(bench.layer.layer(reads).call(request).now_or_never().unwrap().unwrap());
    assert_eq!(bench.control.captures()[0].request.body.kept, "abc");
}

#[cfg(feature = "axum")]
#[test]
fn the_error_of_an_axum_body_stays_at_its_depth() {
    let bench = Bench::armed(rule());
    let depth = |error: axum::Error| {
        let mut at: Option<&(dyn Error + 'static)> = Some(&error);
        let mut depth = 0;
        while let Some(error) = at {
            depth += 1;
            at = error.source();
        }
        depth
    };
    let limited = || {
        let body = http_body_util::Limited::new(Full::from("much too long"), 3);
        axum::body::Body::new(body)
    };
    let bare = limited().collect().now_or_never().unwrap().unwrap_err();
    let told = Arc::new(std::sync::Mutex::new(0));
    let telling = Arc::clone(&told);
    let handler = service_fn(move |request: Request<axum::body::Body>| {
        let telling = Arc::clone(&telling);
        async move {
            *telling.lock().unwrap() = depth(request.into_body().collect().await.unwrap_err());
            Ok::<_, std::convert::Infallible>(Response::new(ScriptBody::new().claims_end()))
        }
    });
    let request = Request::post("/").body(limited()).unwrap();
    drop(bench.layer.layer(handler).call(request).now_or_never().unwrap().unwrap());
    assert_eq!(*told.lock().unwrap(), depth(bare));
}

#[test]
fn what_answers_who_one_is_is_left_out() {
    let bench = Bench::armed(rule());
    let body = || ScriptBody::new().data("the token was s3cret");
    bench.ask(Script::body(body()).with_status(StatusCode::UNAUTHORIZED), get("/in"));
    let shown =
        |status| Script::body(body()).with_status(status).with_header("content-type", "text/plain");
    let body_of = |bench: &Bench| bench.control.captures()[0].response.clone().unwrap().body;
    let left_out = body_of(&bench);
    assert_eq!((left_out.withheld, left_out.total), (Some(Withheld::Authentication), 20));
    assert!(left_out.kept.is_empty());
    let mut bench = Bench::armed(rule());
    bench.layer = bench.layer.clone().keep_authentication_bodies();
    bench.ask(shown(StatusCode::FORBIDDEN), get("/in"));
    assert_eq!(body_of(&bench).withheld, None);
}

#[test]
fn size_hints_and_ends_are_those_of_the_body() {
    let bench = Bench::armed(rule());
    let mut service = bench.layer.layer(Script::body(ScriptBody::new().data("abc").exact(3)));
    let body = service.call(get("/")).now_or_never().unwrap().unwrap().into_body();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(3), false));
}

#[test]
fn bodies_that_are_there_as_a_whole_and_boxes_are_looked_into() {
    use std::convert::Infallible;

    use http_body_util::Full;
    use http_body_util::combinators::{BoxBody, UnsyncBoxBody};

    fn seen<B: Send + 'static>(body: B, read: impl AsyncFn(B) -> Bytes) {
        let bench = Bench::armed(rule().body_cap(1_024).unwrap());
        let service = tower::service_fn(async |request: Request<B>| {
            assert_eq!(read(request.into_body()).await, "a=1");
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("b")))
        });
        let request = Request::post("/").header("content-type", "text/plain").body(body).unwrap();
        let answered = bench.layer.layer(service).call(request).now_or_never().unwrap().unwrap();
        drop(answered.into_body().collect().now_or_never());
        let captures = bench.control.captures();
        let body = &captures[0].request.body;
        assert_eq!((&body.kept[..], body.total, body.fate), (&b"a=1"[..], 3, BodyFate::Whole));
    }

    seen(Bytes::from("a=1"), async |body| body);
    seen(b"a=1".to_vec(), async |body| body.into());
    seen("a=1".to_owned(), async |body| body.into());
    seen("a=1", async |body| body.into());
    seen(&b"a=1"[..], async |body| body.into());
    let full = || Full::from("a=1");
    let collected =
        async |body: BoxBody<Bytes, Infallible>| body.collect().await.unwrap().to_bytes();
    seen(BoxBody::new(full()), collected);
    seen(UnsyncBoxBody::<Bytes, Infallible>::new(full()), async |body| {
        body.collect().await.unwrap().to_bytes()
    });
}

#[test]
fn a_url_that_grows_too_long_without_its_secrets_loses_more_and_not_less() {
    let bench = Bench::armed(rule());
    bench.ask(ok(), get(&format!("/a;token=hunter2?{}", "sid=1&".repeat(9_000))));
    assert_eq!(bench.control.captures()[0].request.uri, "/a;token=REDACTED");
}

#[test]
fn headers_beyond_number_are_captured() {
    let bench = Bench::armed(rule());
    let mut request = get("/");
    for _ in 0..30_000 {
        request.headers_mut().append("x-a", http::HeaderValue::from_static("b"));
    }
    bench.ask(ok(), request);
    assert_eq!(bench.control.captures()[0].request.headers.len(), 30_000);
}

#[test]
fn the_userinfo_of_a_host_is_hidden() {
    let bench = Bench::armed(rule());
    let mut request = get("/");
    request.headers_mut().insert("host", http::HeaderValue::from_static("bob:hunter2@a:80"));
    bench.ask(ok(), request);
    let captures = bench.control.captures();
    assert_eq!(captures[0].request.headers["host"], "REDACTED:REDACTED@a:80");
}

#[test]
fn a_header_that_is_no_text_is_kept_as_it_was_sent() {
    let bench = Bench::armed(rule());
    let sent = HeaderValue::from_bytes(b"caf\xe9 \xfe").unwrap();
    bench.ask(ok(), Request::get("/").header("x-name", &sent).body(()).unwrap());
    assert_eq!(bench.control.captures()[0].request.headers["x-name"], sent);
}

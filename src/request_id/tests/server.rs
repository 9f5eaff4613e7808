use super::*;

#[tokio::test]
async fn a_request_without_an_id_gets_one() {
    let seen = send(RequestIdLayer::server(), request(&[])).await;
    seen.new_id();
    assert_eq!(seen.kept(), None);
}

#[tokio::test]
async fn a_valid_id_is_taken_over() {
    let seen = send(RequestIdLayer::server(), request(&[("x-request-id", b"order:7/a")])).await;
    assert_eq!(seen.id().as_deref(), Some("order:7/a"));
    assert_eq!(seen.inside(), [b"order:7/a"]);
    assert_eq!(seen.echoed(), [b"order:7/a"]);
    assert_eq!(seen.kept(), None);
}

#[tokio::test]
async fn an_invalid_id_is_replaced_and_kept_escaped() {
    let long = "a".repeat(8192);
    let cut = format!("{}…", "a".repeat(127));
    for (sent, kept) in [
        (b"".as_slice(), ""),
        (b"two words", "two words"),
        (b"tab\tbed", r"tab\tbed"),
        (b"quo\"ted", r#"quo\"ted"#),
        ("zo\u{eb}".as_bytes(), "zo\u{eb}"),
        ("\u{202e}right".as_bytes(), r"\u{202e}right"),
        (b"\xff\xfe", "\u{fffd}\u{fffd}"),
        (long.as_bytes(), &cut),
    ] {
        let seen = send(RequestIdLayer::server(), request(&[("x-request-id", sent)])).await;
        seen.new_id();
        assert_eq!(seen.kept().as_deref(), Some(kept));
    }
}

#[tokio::test]
async fn several_ids_are_replaced_and_kept_joined() {
    let twice = request(&[("x-request-id", b"same"), ("x-request-id", b"same")]);
    let seen = send(RequestIdLayer::server(), twice).await;
    seen.new_id();
    assert_eq!(seen.kept().as_deref(), Some("same, same"));

    let seen = send(
        RequestIdLayer::server(),
        request(&[("x-request-id", b""), ("x-request-id", b"a\tb"), ("x-request-id", b"c")]),
    );
    assert_eq!(seen.await.kept().as_deref(), Some(r", a\tb, c"));

    let many = vec![("x-request-id", "é".repeat(64)); 100];
    let many: Vec<_> = many.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let kept = send(RequestIdLayer::server(), request(&many)).await.kept().unwrap();
    assert_eq!(kept, format!("{}, {}…", "é".repeat(64), "é".repeat(61)));
}

#[tokio::test]
async fn it_is_echoed_whatever_the_status() {
    for status in [200, 204, 304, 404, 422, 500, 503] {
        let answer = Response::builder().status(status).body(String::new()).unwrap();
        let seen = send_for(RequestIdLayer::server(), request(&[]), answer).await;
        assert_eq!(seen.response.status(), StatusCode::from_u16(status).unwrap());
        seen.new_id();
    }
}

#[tokio::test]
async fn it_is_echoed_over_grpc() {
    let call = request(&[("content-type", b"application/grpc"), ("x-request-id", b"rpc-1")]);
    let answer = Response::builder().header("grpc-status", "5").body(String::new()).unwrap();
    let seen = send_for(RequestIdLayer::server(), call, answer).await;
    assert_eq!(seen.echoed(), [b"rpc-1"]);
}

#[tokio::test]
async fn the_echo_overwrites_what_the_handler_put() {
    let answer = Response::builder()
        .header("x-request-id", "upstream")
        .header("x-request-id", "twice")
        .body(String::new());
    let call = request(&[("x-request-id", b"mine")]);
    let seen = send_for(RequestIdLayer::server(), call, answer.unwrap()).await;
    assert_eq!(seen.echoed(), [b"mine"]);
}

#[tokio::test]
async fn it_is_echoed_on_the_answer_to_a_panic() {
    let panics = service_fn(async |request: Request<()>| {
        assert!(request.headers().is_empty(), "it has an ID by now");
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let caught = tower_http::catch_panic::CatchPanicLayer::new().layer(panics);
    let call = request(&[("x-request-id", b"a1")]);
    let response = RequestIdLayer::server().layer(caught).oneshot(call).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["x-request-id"], "a1");
}

#[tokio::test]
async fn an_error_passes_and_its_exchange_has_an_id() {
    let facts = Mutex::new(None);
    let service = RequestIdLayer::server().layer(service_fn(async |_: Request<()>| {
        *facts.lock().unwrap() = Facts::current();
        Err::<Response<String>, _>("broken")
    }));
    assert_eq!(service.oneshot(request(&[])).await.err(), Some("broken"));
    assert!(facts.into_inner().unwrap().unwrap().request_id().is_some());
}

#[tokio::test]
async fn stacked_layers_agree() {
    let outer = RequestIdLayer::server().header("x-outer").unwrap();
    let inner = RequestIdLayer::server().incoming(Incoming::never());
    let inside = Mutex::new(None);
    let service = outer.layer(inner.layer(service_fn(async |request: Request<()>| {
        *inside.lock().unwrap() = Some(request.headers().clone());
        Ok::<_, Infallible>(Response::new(String::new()))
    })));
    let call = request(&[("x-outer", b"one"), ("x-request-id", b"other")]);
    let response = service.oneshot(call).await.unwrap();
    let inside = inside.into_inner().unwrap().unwrap();
    for headers in [&inside, response.headers()] {
        for name in ["x-outer", "x-request-id"] {
            assert!(headers.get_all(name).iter().eq(["one"]), "{name}: {headers:?}");
        }
    }
}

#[tokio::test]
async fn the_header_can_be_another() {
    let layer = || RequestIdLayer::server().header("X-Correlation-Id").unwrap();
    let call = request(&[("x-request-id", b"other"), ("x-correlation-id", b"mine")]);
    let seen = send(layer(), call).await;
    assert_eq!(seen.id().as_deref(), Some("mine"));
    assert_eq!(seen.response.headers()["x-correlation-id"], "mine");
    assert!(seen.echoed().is_empty());
    assert_eq!(seen.inside(), [b"other"], "another header is left as it is");

    let seen = send(layer(), request(&[("x-request-id", b"other")])).await;
    assert_ne!(seen.id().as_deref(), Some("other"));
}

#[test]
fn a_header_that_cannot_be_names_field_and_value() {
    let bad = ["", "two words", "naïve", "a:b", "Content-Length", "traceparent", "host"];
    let others = [
        "Authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "location",
        "grpc-status",
        "grpc-message",
        "grpc-timeout",
        "date",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-proto",
        "content-disposition",
        "baggage",
        "access-control-allow-origin",
        "if-match",
        "sec-fetch-site",
    ];
    for bad in bad.into_iter().chain(others) {
        let error = RequestIdLayer::server().header(bad).unwrap_err();
        assert_eq!((error.field(), error.value()), ("request_id.header", bad));
        assert!(RequestIdLayer::client().header(bad).is_err(), "{bad}");
    }
    assert!(RequestIdLayer::client().header(http::HeaderName::from_static("x-id")).is_ok());
}

#[cfg(feature = "tower-http")]
#[tokio::test]
async fn tower_http_finds_it_when_asked_to() {
    use tower_http::request_id::RequestId;

    let seen = send(RequestIdLayer::server(), request(&[])).await;
    assert!(seen.head.extensions.get::<RequestId>().is_none());
    for layer in [RequestIdLayer::server(), RequestIdLayer::client()] {
        let seen = send(layer.tower_http_extension(), request(&[("x-request-id", b"a1")])).await;
        let found = seen.head.extensions.get::<RequestId>().unwrap();
        assert_eq!(found.header_value(), "a1");
    }
}

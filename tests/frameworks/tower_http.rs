//! tower-http's layers outside and inside of ours: that they compile and work together, on an axum
//! router and in a plain stack over hyper, and what each place lets us see.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get as on_get;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_http::ServiceBuilderExt as _;
use tower_http::add_extension::AddExtensionLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::decompression::{DecompressionLayer, RequestDecompressionLayer};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveHeadersLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, ResponseBodyTimeoutLayer, TimeoutLayer};
use tower_http::trace::TraceLayer;
use tower_http::validate_request::ValidateRequestHeaderLayer;
use tower_observability::classify::Side::Client as ClientSide;
use tower_observability::classify::{Blame, ErrorType, Outcome};
use tower_observability::testing::{Record, Recorder, Script, ScriptBody};

use crate::support::*;

const HELLO: &str = "hello hello hello hello hello hello";

async fn hello<B>(_: Request<B>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(HELLO.into()))
}

fn ok(bytes: usize) -> Record {
    server_ok(bytes as u64)
}

/// Asks with these headers, and answers status, raw text and the one record.
async fn ask(
    recorder: &Recorder,
    version: Http,
    address: std::net::SocketAddr,
    headers: &[(&'static str, &'static str)],
) -> (StatusCode, Vec<u8>, Record) {
    let mut request = get();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    let mut connection = Connection::open(version, address).await;
    let response = bounded(connection.send(request)).await.unwrap();
    let status = response.status();
    let bytes = http_body_util::BodyExt::collect(response).await.unwrap().to_bytes();
    (status, bytes.to_vec(), recorded(recorder).await)
}

/// A test of this name: the layer outside of ours and inside of ours changes nothing of either.
macro_rules! both_sides {
    ($($name:ident: $layer:expr;)+) => { $(
        #[tokio::test]
        async fn $name() {
            let said = |status, bytes, record| (status, String::from_utf8(bytes).unwrap(), record);
            for outside in [true, false] {
                let recorder = Recorder::new();
                let router = Router::new().route("/", on_get(async || HELLO));
                let router = if outside {
                    let layers = ServiceBuilder::new().layer($layer).layer(server(&recorder));
                    router.layer(layers)
                } else {
                    let layers = ServiceBuilder::new().layer(server(&recorder)).layer($layer);
                    router.layer(layers)
                };
                let address = serve_axum(router).await;
                let (status, bytes, record) = ask(&recorder, Http::One, address, &[]).await;
                let expected = Record { route: Some("/".into()), ..ok(HELLO.len()) };
                assert_eq!(said(status, bytes, record), (OK, HELLO.into(), expected));
            }
            for version in BOTH {
                let recorder = Recorder::new();
                let stack = ServiceBuilder::new().layer($layer).layer(server(&recorder));
                let address = serve(version, stack.service(service_fn(hello))).await;
                let (status, bytes, record) = ask(&recorder, version, address, &[]).await;
                assert_eq!(said(status, bytes, record), (OK, HELLO.into(), ok(HELLO.len())));

                let recorder = Recorder::new();
                let stack = ServiceBuilder::new().layer(server(&recorder)).layer($layer);
                let address = serve(version, stack.service(service_fn(hello))).await;
                let (status, bytes, record) = ask(&recorder, version, address, &[]).await;
                assert_eq!(said(status, bytes, record), (OK, HELLO.into(), ok(HELLO.len())));
            }
        }
    )+ };
}

const LONG: Duration = Duration::from_secs(600);
const AUTHORIZATION: HeaderName = http::header::AUTHORIZATION;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

both_sides! {
    add_extension: AddExtensionLayer::new(1_u8);
    catch_panic: CatchPanicLayer::new();
    compression: CompressionLayer::new();
    cors: CorsLayer::permissive();
    decompression_of_requests: RequestDecompressionLayer::new();
    limit: RequestBodyLimitLayer::new(1024);
    map_request_body: MapRequestBodyLayer::new(Body::new);
    map_response_body: MapResponseBodyLayer::new(Body::new);
    normalize_path: NormalizePathLayer::trim_trailing_slash();
    propagate_request_id: PropagateRequestIdLayer::new(REQUEST_ID);
    sensitive_headers: SetSensitiveHeadersLayer::new([AUTHORIZATION]);
    set_header: SetResponseHeaderLayer::overriding(REQUEST_ID, HeaderValue::from_static("7"));
    set_request_id: SetRequestIdLayer::x_request_id(MakeRequestUuid);
    time_out: TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, LONG);
    time_out_of_the_request_body: RequestBodyTimeoutLayer::new(LONG);
    time_out_of_the_response_body: ResponseBodyTimeoutLayer::new(LONG);
    trace: TraceLayer::new_for_http();
    validate_request: ValidateRequestHeaderLayer::accept("text/plain");
}

#[tokio::test]
async fn bytes_are_counted_where_the_layer_stands() {
    for outside in [true, false] {
        let recorder = Recorder::new();
        let router = Router::new().route("/", on_get(async || HELLO));
        let router = if outside {
            router.layer(server(&recorder)).layer(CompressionLayer::new())
        } else {
            router.layer(CompressionLayer::new()).layer(server(&recorder))
        };
        let address = serve_axum(router).await;
        let gzip = [("accept-encoding", "gzip")];
        let (_, bytes, record) = ask(&recorder, Http::One, address, &gzip).await;
        assert_ne!(bytes.len(), HELLO.len());
        let counted = if outside { HELLO.len() } else { bytes.len() };
        assert_eq!(record, Record { route: Some("/".into()), ..ok(counted) });
    }
}

#[tokio::test]
async fn a_panic_that_is_caught_outside_is_a_panic_and_one_caught_inside_is_a_500() {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    for outside in [true, false] {
        let recorder = Recorder::new();
        let router = Router::new().route("/", on_get(async || -> () { panic!("boom") }));
        let router = if outside {
            router.layer(server(&recorder)).layer(CatchPanicLayer::new())
        } else {
            router.layer(CatchPanicLayer::new()).layer(server(&recorder))
        };
        let address = serve_axum(router).await;
        let (answered, bytes, record) = ask(&recorder, Http::One, address, &[]).await;
        assert_eq!(answered, status);
        let at = Record { route: Some("/".into()), ..ok(0) };
        let expected = if outside {
            at.unanswered().ended(Outcome::Panicked)
        } else {
            let answer = Record { status: Some(status), response_bytes: bytes.len() as u64, ..at };
            answer.blaming(Blame::Ours, ErrorType::Status(status))
        };
        assert_eq!(record, expected);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_outside_unseen_and_inside_with_413() {
    for outside in [true, false] {
        let recorder = Recorder::new();
        let router = Router::new().route("/", axum::routing::post(async || HELLO));
        let limit = RequestBodyLimitLayer::new(4);
        let router = if outside {
            router.layer(server(&recorder)).layer(limit)
        } else {
            router.layer(limit).layer(server(&recorder))
        };
        let mut connection = Connection::open(Http::One, serve_axum(router).await).await;
        let upload =
            request(Method::POST).map(|_| ScriptBody::new().exact(5).data("12345").claims_end());
        let response = bounded(connection.send(upload)).await.unwrap();
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        assert_eq!(response.status(), status);
        let bytes = text(response).await.len();
        if outside {
            settle().await;
            assert_eq!(recorder.events(), []);
        } else {
            let expected = Record { method: Method::POST, status: Some(status), ..ok(bytes) };
            let expected = Record { route: Some("/".into()), ..expected };
            let expected = Record { request_bytes: Some(5), ..expected };
            assert_eq!(recorded(&recorder).await, expected);
        }
    }
}

#[tokio::test]
async fn the_builders_own_short_forms_fit_too() {
    let recorder = Recorder::new();
    let service = ServiceBuilder::new()
        .set_x_request_id(MakeRequestUuid)
        .layer(server(&recorder))
        .propagate_x_request_id()
        .compression()
        .trace_for_http()
        .map_response_body(Body::new)
        .service(service_fn(hello));
    let mut connection = Connection::open(Http::Two, serve(Http::Two, service).await).await;
    let response = bounded(connection.send(get())).await.unwrap();
    assert!(response.headers().contains_key(REQUEST_ID));
    assert_eq!(text(response).await, HELLO);
    assert_eq!(recorded(&recorder).await, ok(HELLO.len()));
}

#[tokio::test]
async fn a_client_sees_each_hop_of_a_redirect_only_from_inside() {
    let there = serve(Http::One, Script::body(ScriptBody::new().data("hello"))).await;
    let location: &'static str = format!("http://{there}/").leak();
    let moved = Script::status(StatusCode::FOUND).with_header("location", location);
    let here = serve(Http::One, moved).await;
    for outside in [true, false] {
        let recorder = Recorder::new();
        let legacy = Client::builder(TokioExecutor::new()).build_http::<ScriptBody>();
        // a body that is known to be empty can be sent again
        let mut request = get().map(|body| body.exact(0));
        *request.uri_mut() = format!("http://{here}/").parse().unwrap();
        let said = if outside {
            let client = FollowRedirectLayer::new().layer(client(&recorder).layer(legacy));
            text(bounded(client.oneshot(request)).await.unwrap()).await
        } else {
            let client = client(&recorder).layer(FollowRedirectLayer::new().layer(legacy));
            text(bounded(client.oneshot(request)).await.unwrap()).await
        };
        assert_eq!(said, "hello");
        let arrived = client_ok(5);
        let moved = Record::completed(ClientSide, StatusCode::FOUND);
        let expected = if outside { vec![moved, arrived] } else { vec![arrived] };
        assert_eq!(recorder.records(), expected);
    }
}

#[tokio::test]
async fn a_client_counts_bytes_where_the_layer_stands() {
    let zipped = ServiceBuilder::new().layer(CompressionLayer::new()).service(service_fn(hello));
    let address = serve(Http::One, zipped).await;
    for outside in [true, false] {
        let recorder = Recorder::new();
        let legacy = Client::builder(TokioExecutor::new()).build_http::<ScriptBody>();
        let mut request = get();
        *request.uri_mut() = format!("http://{address}/").parse().unwrap();
        let said = if outside {
            let client = DecompressionLayer::new().layer(client(&recorder).layer(legacy));
            text(bounded(client.oneshot(request)).await.unwrap()).await
        } else {
            let client = client(&recorder).layer(DecompressionLayer::new().layer(legacy));
            text(bounded(client.oneshot(request)).await.unwrap()).await
        };
        assert_eq!(said, HELLO);
        let record = recorded(&recorder).await;
        assert_eq!(record.response_bytes == HELLO.len() as u64, !outside);
        assert_eq!(record, client_ok(record.response_bytes));
    }
}

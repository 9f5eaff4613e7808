//! Whose template an exchange is recorded under, on axum and on tonic.

use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get as on_get, post};
use axum::{Router, ServiceExt};
use example_proto::echo::echo_client::EchoClient;
use example_proto::echo::echo_server::EchoServer;
use http::{Method, StatusCode};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::InterceptorLayer;
use tonic::transport::Server as TonicServer;
use tower::{Layer, ServiceBuilder, service_fn};
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_observability::classify::Outcome;
use tower_observability::classify::Side::Server;
use tower_observability::exchange::ObserveLayer;
use tower_observability::grpc::Code;
use tower_observability::route::Routes;
use tower_observability::testing::{Record, Recorder};

use crate::echo::*;
use crate::support::*;

async fn hello() -> &'static str {
    "hello"
}

fn nested() -> Router {
    let users = Router::new().route("/users/{id}", on_get(hello)).route("/users", post(hello));
    Router::new().nest("/api/v1", users).route("/", on_get(hello))
}

/// What is recorded of requests for these paths, one after the other.
async fn routes(
    recorder: &Recorder,
    address: std::net::SocketAddr,
    paths: &[&str],
) -> Vec<(u16, String)> {
    let mut connection = Connection::open(Http::One, address).await;
    for path in paths {
        text(bounded(connection.send(get_at(path))).await.unwrap()).await;
    }
    until(|| recorder.records().len() == paths.len()).await;
    let route = |record: Record| record.route.map_or("none".into(), |route| route.to_string());
    let row = |record: Record| (record.status.unwrap().as_u16(), route(record));
    recorder.records().into_iter().map(row).collect()
}

fn rows(expected: &[(u16, &str)]) -> Vec<(u16, String)> {
    expected.iter().map(|(status, route)| (*status, route.to_string())).collect()
}

#[tokio::test]
async fn a_layer_of_the_router_sees_the_whole_template_on_405_too_and_none_on_404() {
    let recorder = Recorder::new();
    let address = serve_axum(nested().layer(server(&recorder))).await;
    let paths = ["/api/v1/users/7", "/api/v1/users/8?x=1", "/", "/api/v1/users", "/nowhere/7"];
    let expected = [
        (200, "/api/v1/users/{id}"),
        (200, "/api/v1/users/{id}"),
        (200, "/"),
        (405, "/api/v1/users"),
        (404, "none"),
    ];
    assert_eq!(routes(&recorder, address, &paths).await, rows(&expected));
}

#[tokio::test]
async fn a_layer_of_a_nested_router_sees_the_whole_template_too() {
    let recorder = Recorder::new();
    let users = Router::new().route("/users/{id}", on_get(hello)).layer(server(&recorder));
    let address = serve_axum(Router::new().nest("/api", users)).await;
    let expected = [(200, "/api/users/{id}")];
    assert_eq!(routes(&recorder, address, &["/api/users/7"]).await, rows(&expected));
}

/// A layer inside of the service tells the one outside, as they share the exchange.
#[tokio::test]
async fn a_nested_service_hides_its_template_from_the_layers_outside() {
    for layered in [false, true] {
        let (outside, inside) = (Recorder::new(), Recorder::new());
        let service = Router::new().route("/{file}", on_get(hello));
        let service = if layered { service.layer(server(&inside)) } else { service };
        let router = Router::new().nest_service("/files", service).layer(server(&outside));
        let address = serve_axum(router).await;
        let seen = routes(&outside, address, &["/files/a.txt"]).await;
        assert_eq!(seen, rows(&[(200, if layered { "/files/{file}" } else { "none" })]));
        assert_eq!(inside.records(), if layered { outside.records() } else { vec![] });
    }
}

#[tokio::test]
async fn a_layer_around_the_whole_router_sees_none_unless_a_recorder_inside_tells_it() {
    for told in [false, true] {
        let recorder = Recorder::new();
        let router = nested();
        let router = if told { router.layer(ObserveLayer::route_recorder()) } else { router };
        let address = serve(Http::One, server(&recorder).layer(router)).await;
        let seen = routes(&recorder, address, &["/api/v1/users/7", "/nowhere"]).await;
        let route = if told { "/api/v1/users/{id}" } else { "none" };
        assert_eq!(seen, rows(&[(200, route), (404, "none")]));
    }
}

/// `axum::serve` wants axum's body back.
#[tokio::test]
async fn a_router_that_is_wrapped_from_outside_can_be_served_by_axum() {
    let recorder = Recorder::new();
    let service = ServiceBuilder::new()
        .layer(MapResponseBodyLayer::new(Body::new))
        .layer(server(&recorder))
        .service(nested().layer(ObserveLayer::route_recorder()));
    let (listener, address) = listen().await;
    let service = ServiceExt::<Request>::into_make_service(service);
    tokio::spawn(async { axum::serve(listener, service).await });
    let seen = routes(&recorder, address, &["/api/v1/users/7"]).await;
    assert_eq!(seen, rows(&[(200, "/api/v1/users/{id}")]));
}

#[tokio::test]
async fn the_users_own_extractor_goes_first() {
    let recorder = Recorder::new();
    let own = Routes::new().extract(|head| (head.uri.path() == "/").then(|| "home".into()));
    let address = serve_axum(nested().layer(server(&recorder).routes(own))).await;
    let seen = routes(&recorder, address, &["/", "/api/v1/users/7"]).await;
    assert_eq!(seen, rows(&[(200, "home"), (200, "/api/v1/users/{id}")]));
}

#[tokio::test]
async fn a_handler_can_name_the_route_itself() {
    let recorder = Recorder::new();
    let handler = service_fn(async |_| {
        let facts = tower_observability::exchange::Facts::current().unwrap();
        assert!(facts.set_route("/named"));
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    let address = serve(Http::One, server(&recorder).layer(handler)).await;
    assert_eq!(routes(&recorder, address, &["/x"]).await, rows(&[(200, "/named")]));
}

#[tokio::test]
async fn a_grpc_method_is_the_route_and_bounded_by_those_that_are_known() {
    let method = "tests.echo.v1.Echo/Unary";
    let unknown = "tests.echo.v1.Echo/Expand";
    for (known, expected) in [(None, unknown), (Some(method), "_OTHER")] {
        let recorder = Recorder::new();
        let layer = server(&recorder);
        let layer = match known {
            Some(known) => layer.routes(Routes::new().grpc_methods([known]).unwrap()),
            None => layer,
        };
        let address = serve_echo(TonicServer::builder(), layer).await;
        let mut client = EchoClient::new(endpoint(address).connect_lazy());
        client.unary(message("hello")).await.unwrap();
        let mut answers = client.expand(message("a b")).await.unwrap().into_inner();
        while answers.message().await.unwrap().is_some() {}
        until(|| recorder.records().len() == 2).await;
        let unary = Record::called(Server, method, Code::Ok);
        let other = Record::called(Server, expected, Code::Ok);
        let other = Record { response_bytes: 2 * wire_bytes("a"), ..other };
        let unary = Record { response_bytes: wire_bytes("hello"), ..unary };
        assert_eq!(recorder.records(), [unary, other]);
    }
}

/// What a stranger asks for is no route, whatever it looks like.
#[tokio::test]
async fn a_grpc_path_that_nobody_serves() {
    let recorder = Recorder::new();
    let address = serve_echo(TonicServer::builder(), server(&recorder)).await;
    let mut connection = Connection::open(Http::Two, address).await;
    for path in ["/a/b/c", "/", "/made.Up/Method"] {
        let mut request = get_at(path);
        *request.method_mut() = Method::POST;
        request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        let response = bounded(connection.send(request)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    until(|| recorder.records().len() == 3).await;
    let seen = recorder.records();
    let other = Record::called(Server, "_OTHER", Code::Unimplemented);
    assert_eq!(seen[..2], [other.clone(), other]);
    // though it has the right form
    assert_eq!(seen[2], Record::called(Server, "made.Up/Method", Code::Unimplemented));
}

#[tokio::test]
async fn a_grpc_method_is_known_by_its_first_answer() {
    let recorder = Recorder::new();
    let address = serve_echo(TonicServer::builder(), server(&recorder)).await;
    let mut client = EchoClient::new(endpoint(address).connect_lazy());
    for (before, word) in ["fail", "panic", "hello", "fail", "panic"].into_iter().enumerate() {
        let _ = bounded(client.unary(message(word))).await;
        until(|| recorder.records().len() == before + 1).await;
    }
    let method = "tests.echo.v1.Echo/Unary";
    let failed = Record::called(Server, method, Code::Unavailable);
    let panicked = Record::called(Server, method, Code::Internal).unanswered();
    let panicked = panicked.ended(Outcome::Panicked);
    let hello = Record::called(Server, method, Code::Ok);
    let hello = Record { response_bytes: wire_bytes("hello"), ..hello };
    let known = |record: &Record| Record { route: Some(method.into()), ..record.clone() };
    let (failed_again, panicked_again) = (known(&failed), known(&panicked));
    assert_eq!(recorder.records(), [failed, panicked, hello, failed_again, panicked_again]);
}

/// A check in front of the routes answers for methods that nobody has.
#[tokio::test]
async fn a_grpc_path_that_was_refused_before_it_was_routed() {
    let recorder = Recorder::new();
    let refuses = |_| Err(tonic::Status::unauthenticated("who are you?"));
    let (listener, address) = listen().await;
    let served = TonicServer::builder()
        .layer(server(&recorder))
        .layer(InterceptorLayer::new(refuses))
        .add_service(EchoServer::new(Obedient));
    tokio::spawn(served.serve_with_incoming(TcpListenerStream::new(listener)));
    let mut connection = Connection::open(Http::Two, address).await;
    for path in ["/made.Up/Method", "/tests.echo.v1.Echo/Unary"] {
        let mut request = get_at(path);
        *request.method_mut() = Method::POST;
        request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        let response = bounded(connection.send(request)).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "16");
    }
    until(|| recorder.records().len() == 2).await;
    let other = Record::called(Server, "_OTHER", Code::Unauthenticated);
    assert_eq!(recorder.records(), [other.clone(), other]);
}

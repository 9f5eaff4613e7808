//! The one layer of a telemetry, by its names, on every framework: a service that calls three others.

use std::net::SocketAddr;

use axum::extract::State;
use axum::routing::get;
use axum::{Router, serve as serve_axum};
use example_proto::echo::echo_client::EchoClient;
use example_proto::echo::echo_server::EchoServer;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint, Server};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_http::normalize_path::NormalizePathLayer;
use tower_observability::access_log::JsonLines;
use tower_observability::exchange::ObserveLayer;
use tower_observability::reqwest::ReqwestService;
use tower_observability::stack::{ClientService, ServerLayer};
use tower_observability::telemetry::Telemetry;

use crate::echo::{Obedient, message};
use crate::support::{Http, listen, serve};
use crate::written::Written;

/// What a program stores: every type has a name.
#[derive(Clone)]
struct Gateway {
    hyper: ClientService<Client<HttpConnector, Empty<bytes::Bytes>>>,
    reqwest: ClientService<ReqwestService>,
    tonic: EchoClient<ClientService<Channel>>,
    plain: SocketAddr,
}

struct Program {
    telemetry: Telemetry,
    server: ServerLayer,
    lines: Written,
}

impl Program {
    fn new() -> Self {
        let lines = Written::default();
        let telemetry = Telemetry::builder("shop").json_lines(JsonLines::new(lines.clone()));
        let telemetry = telemetry.build().unwrap();
        Self { server: telemetry.server(), telemetry, lines }
    }

    async fn plain(&self) -> SocketAddr {
        let plain = service_fn(async |_| {
            Ok::<_, std::convert::Infallible>(Response::new("plain".to_owned()))
        });
        serve(Http::One, self.server.layer(plain)).await
    }

    async fn grpc(&self) -> SocketAddr {
        let (listener, address) = listen().await;
        let grpc =
            Server::builder().layer(self.server.clone()).add_service(EchoServer::new(Obedient));
        tokio::spawn(grpc.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    fn gateway(&self, plain: SocketAddr, grpc: SocketAddr) -> Gateway {
        let client = self.telemetry.client();
        let endpoint = Endpoint::from_shared(format!("http://{grpc}")).unwrap();
        let channel = client.layer(endpoint.connect_lazy());
        Gateway {
            hyper: client.layer(Client::builder(TokioExecutor::new()).build_http()),
            reqwest: client.layer(ReqwestService::new(reqwest::Client::new())),
            tonic: EchoClient::with_origin(channel, endpoint.uri().clone()),
            plain,
        }
    }

    /// What each line tells: side, method, route, status, outcome, and the trace and the request ID.
    fn told(&self) -> Vec<([String; 5], [String; 2])> {
        let text = self.lines.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut told: Vec<_> = lines
            .map(|line| {
                let of = |key: &str| {
                    let value = &line["attributes"][key];
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                };
                let route = match of("rpc.method").as_str() {
                    "null" => of("http.route"),
                    method => method.to_owned(),
                };
                let status = of("http.response.status_code");
                let ids = [line["trace_id"].to_string(), of("request_id")];
                let told = [of("side"), of("http.request.method"), route, status, of("outcome")];
                (told, ids)
            })
            .collect();
        told.sort();
        told
    }
}

/// Asks all three, one after another.
async fn page(State(gateway): State<Gateway>) -> String {
    let Gateway { hyper, reqwest, mut tonic, plain } = gateway;
    let uri = format!("http://{plain}/");
    let empty = || Request::get(&uri);
    let one = hyper.oneshot(empty().body(Empty::new()).unwrap()).await.unwrap();
    let one = one.into_body().collect().await.unwrap().to_bytes();
    let two = reqwest.oneshot(empty().body(String::new()).unwrap()).await.unwrap();
    let two = two.into_body().collect().await.unwrap().to_bytes();
    let three = tonic.unary(message("grpc")).await.unwrap().into_inner().text;
    let text = |bytes: bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    format!("{} {} {three}", text(one), text(two))
}

fn line(side: &str, method: &str, route: &str) -> [String; 5] {
    [side, method, route, "200", "completed"].map(str::to_owned)
}

#[tokio::test]
async fn every_framework_takes_it_and_one_call_is_one_trace() {
    let program = Program::new();
    let (plain, grpc) = (program.plain().await, program.grpc().await);
    let routes = Router::new()
        .route("/page", get(page))
        .layer(ObserveLayer::route_recorder())
        .with_state(program.gateway(plain, grpc));
    // around the router, as what rewrites paths has to be
    let app = ServiceBuilder::new()
        .layer(program.server.clone())
        .layer(NormalizePathLayer::trim_trailing_slash())
        .service(routes)
        .into_router();
    let (listener, address) = listen().await;
    tokio::spawn(async { serve_axum(listener, app).await });

    let answer = reqwest::get(format!("http://{address}/page/")).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "plain plain grpc");
    while program.telemetry.under_way() > 0 {
        tokio::task::yield_now().await;
    }
    let told = program.told();
    let ids: std::collections::HashSet<_> = told.iter().map(|(_, ids)| ids).collect();
    assert_eq!(ids.len(), 1, "one trace, one request ID: {told:?}");
    let told: Vec<_> = told.iter().map(|(told, _)| told.clone()).collect();
    let method = "tests.echo.v1.Echo/Unary";
    let expected = [
        line("client", "GET", "null"),
        line("client", "GET", "null"),
        line("client", "POST", method),
        line("server", "GET", "/page"),
        line("server", "GET", "null"),
        line("server", "GET", "null"),
        line("server", "POST", method),
    ];
    assert_eq!(told, expected);
}

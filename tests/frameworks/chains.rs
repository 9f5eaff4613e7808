//! Exchanges that cause each other, over real connections: each is one of its own, and knows the
//! one in whose scope it began.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use example_proto::echo::Message;
use example_proto::echo::echo_client::EchoClient;
use example_proto::echo::echo_server::{Echo, EchoServer};
use futures_util::future::join_all;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server as TonicServer;
use tower::retry::{Policy, RetryLayer};
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::attribute::Value;
use tower_observability::classify::Side::{Client as ClientSide, Server};
use tower_observability::classify::{Blame, ErrorType};
use tower_observability::exchange::{InExchangeExt, Observe, annotate};
use tower_observability::grpc::Code;
use tower_observability::testing::{Record, Recorder, Script, ScriptBody};

use crate::echo::*;
use crate::support::*;

type Http1Client<B> = Observe<Legacy<HttpConnector, B>, Recorder>;

fn http_client<B>(recorder: &Recorder) -> Http1Client<B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    client(recorder).layer(Legacy::builder(TokioExecutor::new()).build_http())
}

#[tokio::test]
async fn a_proxy_that_forwards_the_request_with_its_extensions() {
    let [gateway, hop, backend] = [(); 3].map(|()| Recorder::new());
    let script = Script::body(ScriptBody::new().data("hello"));
    let behind = serve(Http::One, server(&backend).layer(script)).await;
    let http = http_client::<Body>(&hop);
    let proxy = async move |mut request: Request<Body>| {
        *request.uri_mut() = format!("http://{behind}/").parse().unwrap();
        http.clone().oneshot(request).await.unwrap().map(Body::new)
    };
    let router = Router::new().route("/", any(proxy)).layer(server(&gateway));
    let mut connection = Connection::open(Http::One, serve_axum(router).await).await;
    assert_eq!(text(bounded(connection.send(get())).await.unwrap()).await, "hello");
    let route = Some("/".into());
    assert_eq!(recorded(&gateway).await, Record { route: route.clone(), ..server_ok(5) });
    // the template is the server's own: what the client asks for is another's
    let hop = recorded(&hop).await;
    assert_eq!(hop, Record { nested: true, route: hop.route.clone(), ..client_ok(5) });
    assert_eq!(recorded(&backend).await, server_ok(5), "another server knows of no parent");
}

/// A gRPC service that asks an HTTP service before it answers.
struct Asking {
    http: Http1Client<ScriptBody>,
    behind: SocketAddr,
}

#[tonic::async_trait]
impl Echo for Asking {
    async fn unary(
        &self,
        _: tonic::Request<Message>,
    ) -> Result<tonic::Response<Message>, tonic::Status> {
        let mut request = get();
        *request.uri_mut() = format!("http://{}/", self.behind).parse().unwrap();
        let response = self.http.clone().oneshot(request).await.unwrap();
        Ok(tonic::Response::new(message(&text(response).await)))
    }

    async fn collect(
        &self,
        _: tonic::Request<tonic::Streaming<Message>>,
    ) -> Result<tonic::Response<Message>, tonic::Status> {
        Err(tonic::Status::unimplemented("collect"))
    }

    type ExpandStream = tokio_stream::Empty<Result<Message, tonic::Status>>;

    async fn expand(
        &self,
        _: tonic::Request<Message>,
    ) -> Result<tonic::Response<Self::ExpandStream>, tonic::Status> {
        Err(tonic::Status::unimplemented("expand"))
    }

    type ChatStream = Self::ExpandStream;

    async fn chat(
        &self,
        _: tonic::Request<tonic::Streaming<Message>>,
    ) -> Result<tonic::Response<Self::ChatStream>, tonic::Status> {
        Err(tonic::Status::unimplemented("chat"))
    }
}

#[tokio::test]
async fn http_to_grpc_to_http_in_one_process() {
    let [gateway, to_grpc, grpc, to_http, backend] = [(); 5].map(|()| Recorder::new());
    let script = Script::body(ScriptBody::new().data("hello"));
    let behind = serve(Http::One, server(&backend).layer(script)).await;
    let (listener, address) = listen().await;
    let asking = Asking { http: http_client(&to_http), behind };
    let service = TonicServer::builder().layer(server(&grpc)).add_service(EchoServer::new(asking));
    tokio::spawn(service.serve_with_incoming(TcpListenerStream::new(listener)));
    let channel = client(&to_grpc).layer(endpoint(address).connect_lazy());
    let handler = async |State(channel): State<Observe<_, Recorder>>| {
        EchoClient::new(channel).unary(message("x")).await.unwrap().into_inner().text
    };
    let router = Router::new().route("/", any(handler)).with_state(channel);
    let address = serve_axum(router.layer(server(&gateway))).await;
    let mut connection = Connection::open(Http::One, address).await;
    assert_eq!(text(bounded(connection.send(get())).await.unwrap()).await, "hello");

    let unary = |side| {
        let call = Record::called(side, "tests.echo.v1.Echo/Unary", Code::Ok);
        Record { response_bytes: wire_bytes("hello"), ..call }
    };
    assert_eq!(recorded(&gateway).await, Record { route: Some("/".into()), ..server_ok(5) });
    assert_eq!(recorded(&to_grpc).await, Record { nested: true, ..unary(ClientSide) });
    assert_eq!(recorded(&grpc).await, unary(Server));
    assert_eq!(recorded(&to_http).await, Record { nested: true, ..client_ok(5) });
    assert_eq!(recorded(&backend).await, server_ok(5));
}

/// Asks once more after a 503.
#[derive(Clone)]
struct OnceMore(bool);

impl<B, E> Policy<Request<ScriptBody>, Response<B>, E> for OnceMore {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<ScriptBody>,
        answer: &mut Result<Response<B>, E>,
    ) -> Option<Self::Future> {
        let busy = answer.as_ref().is_ok_and(|answer| answer.status() == 503);
        (busy && std::mem::take(&mut self.0)).then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<ScriptBody>) -> Option<Request<ScriptBody>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn each_attempt_of_a_retry_is_one() {
    let busy = http::StatusCode::SERVICE_UNAVAILABLE;
    let address = serve(Http::One, Script::status(busy)).await;
    let recorder = Recorder::new();
    let client = RetryLayer::new(OnceMore(true)).layer(http_client(&recorder));
    let mut request = get();
    *request.uri_mut() = format!("http://{address}/").parse().unwrap();
    assert_eq!(bounded(client.oneshot(request)).await.unwrap().status(), busy);
    let attempt = Record::completed(ClientSide, busy);
    let attempt = attempt.blaming(Blame::Ours, ErrorType::Status(busy));
    assert_eq!(recorder.records(), [attempt.clone(), attempt]);
}

#[tokio::test]
async fn a_task_that_outlives_its_answer_may_annotate_until_then() {
    let recorder = Recorder::new();
    let (answers, mut answered) = tokio::sync::mpsc::unbounded_channel();
    let (over, wait) = tokio::sync::watch::channel(false);
    let handler = async move || {
        let (early, late, mut wait) = (answers.clone(), answers.clone(), wait.clone());
        let task = async move {
            early.send(annotate("early", true)).unwrap();
            wait.wait_for(|over| *over).await.unwrap();
            late.send(annotate("late", true)).unwrap();
        };
        tokio::spawn(task.in_exchange());
        tokio::task::yield_now().await;
        "hello"
    };
    let router = Router::new().route("/", any(handler)).layer(server(&recorder));
    let mut connection = Connection::open(Http::One, serve_axum(router).await).await;
    assert_eq!(text(bounded(connection.send(get())).await.unwrap()).await, "hello");
    let mut expected = Record { route: Some("/".into()), ..server_ok(5) };
    expected.attributes.set("early", true);
    assert_eq!(recorded(&recorder).await, expected);
    over.send(true).unwrap();
    assert_eq!((answered.recv().await, answered.recv().await), (Some(true), Some(false)));
    assert_eq!(recorder.only(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_exchanges_of_many_connections_never_see_each_other() {
    const EACH: i64 = 500;
    const CONNECTIONS: i64 = 50;
    for version in BOTH {
        let recorder = Recorder::new();
        let handler = service_fn(async |request: Request<Incoming>| {
            let number: i64 = request.uri().path()[1..].parse().unwrap();
            assert!(annotate("first", number));
            for _ in 0..number % 5 {
                tokio::task::yield_now().await;
            }
            assert!(annotate("then", number));
            Ok::<_, Infallible>(Response::new(number.to_string()))
        });
        let address = serve(version, server(&recorder).layer(handler)).await;
        let tasks = (0..CONNECTIONS).map(|first| {
            tokio::spawn(async move {
                let mut connection = Connection::open(version, address).await;
                for number in (first..EACH).step_by(CONNECTIONS as usize) {
                    let request = get_at(&format!("/{number}"));
                    let answer = bounded(connection.send(request)).await.unwrap();
                    assert_eq!(text(answer).await, number.to_string());
                }
            })
        });
        for task in join_all(tasks).await {
            task.unwrap();
        }
        until(|| recorder.records().len() >= EACH as usize).await;
        let mut seen: Vec<i64> = Vec::new();
        for record in recorder.records() {
            let Some(Value::Int(number)) = record.attributes.get("first") else {
                panic!("nothing was annotated: {record:?}")
            };
            let mut expected = Record::completed(Server, OK);
            expected.response_bytes = number.to_string().len() as u64;
            expected.attributes.set("first", *number);
            expected.attributes.set("then", *number);
            assert_eq!(record, expected);
            seen.push(*number);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..EACH).collect::<Vec<_>>());
    }
}

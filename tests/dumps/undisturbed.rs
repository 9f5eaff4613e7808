//! What a client sees is the same without the layer, with it, and while it captures.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use example_proto::echo::echo_client::EchoClient;
use example_proto::echo::echo_server::EchoServer;
use futures_util::stream::{self, StreamExt};
use http::header::DATE;
use http::{HeaderMap, Method, StatusCode, Version};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, StreamBody};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tower::{Layer, ServiceExt};
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl};
use tower_observability::reqwest::ReqwestService;
use tower_observability::testing::{Script, ScriptBody};

use crate::armed::*;
use crate::echo::{Obedient, endpoint};
use crate::kinds::KINDS;
use crate::support::*;

/// How a service is wrapped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layered {
    Not,
    Off,
    Armed,
}

const ALL: [Layered; 3] = [Layered::Not, Layered::Off, Layered::Armed];

impl Layered {
    fn control(self) -> Option<DumpControl> {
        match self {
            Self::Not => None,
            Self::Off => Some(DumpControl::new()),
            Self::Armed => Some(armed()),
        }
    }

    /// How many are captured of so many.
    fn captures(self, of: usize) -> usize {
        if self == Self::Armed { of } else { 0 }
    }
}

/// What a client sees of an answer, or `None` where the body breaks off: how far it came is up to the
/// transport.
#[derive(Debug, PartialEq)]
struct View {
    status: StatusCode,
    version: Version,
    headers: HeaderMap,
    whole: Option<(Bytes, Option<HeaderMap>)>,
}

async fn view<B: http_body::Body>(response: http::Response<B>) -> View {
    let (mut head, body) = response.into_parts();
    head.headers.remove(DATE);
    let read = bounded(body.collect()).await.ok();
    let whole = read.map(|body| {
        let trailers = body.trailers().cloned();
        (body.to_bytes(), trailers)
    });
    View { status: head.status, version: head.version, headers: head.headers, whole }
}

fn pieces(pieces: &'static [Result<&'static str, &'static str>]) -> Body {
    // the headers and the first piece are on their way before an error
    Body::from_stream(stream::iter(pieces).then(async |piece| {
        tokio::task::yield_now().await;
        piece.map_err(std::io::Error::other)
    }))
}

async fn answers(request: Request) -> Response {
    let five = [("content-length", "5")];
    match request.uri().path() {
        "/text" => "hello".into_response(),
        "/stream" => pieces(&[Ok("he"), Ok("llo")]).into_response(),
        "/trailers" => {
            let sum = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
            let frames = [Frame::data(Bytes::from("hello")), Frame::trailers(sum)];
            let frames = stream::iter(frames.map(Ok::<_, axum::Error>));
            ([("trailer", "x-sum")], Body::new(StreamBody::new(frames))).into_response()
        }
        "/nothing" => StatusCode::NO_CONTENT.into_response(),
        "/unchanged" => StatusCode::NOT_MODIFIED.into_response(),
        "/refused" => (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic")]).into_response(),
        "/exact" => (five, pieces(&[Ok("hello")])).into_response(),
        "/short" => (five, pieces(&[Ok("hell")])).into_response(),
        "/broken" => pieces(&[Ok("he"), Err("disk")]).into_response(),
        "/hint" => {
            let hint = request.body().size_hint();
            format!("{:?} {}", (hint.lower(), hint.upper()), request.body().is_end_stream())
                .into_response()
        }
        "/echo" => {
            let read = request.into_body().collect().await.unwrap();
            let frames = read.trailers().cloned().map(Frame::trailers);
            let frames = [Frame::data(read.to_bytes())].into_iter().chain(frames);
            let frames: Vec<_> = frames.map(Ok::<_, axum::Error>).collect();
            let body = Body::new(StreamBody::new(stream::iter(frames)));
            ([("trailer", "x-sum")], body).into_response()
        }
        other => panic!("nothing to do for {other}"),
    }
}

fn router(layered: Option<&DumpControl>) -> Router {
    let router = Router::new()
        .route("/limited", post(async |body: Bytes| body).layer(DefaultBodyLimit::max(4)))
        .route("/json", post(async |body: axum::Json<serde_json::Value>| body))
        .fallback(any(answers));
    match layered {
        Some(control) => router.layer(DebugDumpLayer::server(control)),
        None => router,
    }
}

fn asked(method: Method, path: &str, body: ScriptBody) -> http::Request<ScriptBody> {
    let request = http::Request::builder().method(method).uri(format!("http://localhost{path}"));
    let request = request.header("te", "trailers").header("content-type", "application/json");
    request.body(body).unwrap()
}

/// Requests, and the statuses they are answered with; `None` where the body breaks off.
fn requests() -> Vec<(http::Request<ScriptBody>, StatusCode, bool)> {
    let none = || ScriptBody::new().claims_end();
    let mut requests: Vec<_> = [
        ("/text", OK, true),
        ("/stream", OK, true),
        ("/trailers", OK, true),
        ("/nothing", StatusCode::NO_CONTENT, true),
        ("/unchanged", StatusCode::NOT_MODIFIED, true),
        ("/refused", StatusCode::UNAUTHORIZED, true),
        ("/exact", OK, true),
        ("/short", OK, false),
        ("/broken", OK, false),
        ("/hint", OK, true),
        ("/json", StatusCode::METHOD_NOT_ALLOWED, true),
    ]
    .into_iter()
    .map(|(path, status, ends)| (asked(Method::GET, path, none()), status, ends))
    .collect();
    requests.push((asked(Method::HEAD, "/text", none()), OK, true));
    let two = || ScriptBody::new().data("[1,").data("2]");
    for (path, body, status) in [
        ("/echo", none(), OK),
        ("/echo", two(), OK),
        ("/echo", two().exact(5), OK),
        ("/echo", two().trailers(&[("x-sum", "1")]), OK),
        ("/hint", two(), OK),
        ("/hint", two().exact(5), OK),
        ("/json", two(), OK),
        ("/json", ScriptBody::new().data("[1,"), StatusCode::BAD_REQUEST),
        ("/limited", ScriptBody::new().data("four"), OK),
        ("/limited", two(), StatusCode::PAYLOAD_TOO_LARGE),
        ("/limited", two().exact(5), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        requests.push((asked(Method::POST, path, body), status, true));
    }
    requests
}

#[tokio::test]
async fn on_axum() {
    let _turn = turn().await;
    for version in BOTH {
        for (request, status, ends) in requests() {
            let mut views = Vec::new();
            for layered in ALL {
                let control = layered.control();
                let address = serve_axum(router(control.as_ref())).await;
                let mut connection = Connection::open(version, address).await;
                views.push(view(bounded(connection.send(request.clone())).await.unwrap()).await);
                if let Some(control) = control {
                    captured(&control, layered.captures(1)).await;
                }
            }
            let what = format!("{version:?} {} {}", request.method(), request.uri().path());
            assert_eq!((views[0].status, views[0].whole.is_some()), (status, ends), "{what}");
            assert_eq!(views[0], views[1], "{what}, off");
            assert_eq!(views[0], views[2], "{what}, armed");
        }
    }
}

#[tokio::test]
async fn on_hyper() {
    let _turn = turn().await;
    let hello = || ScriptBody::new().data("he").data("llo");
    let scripts = [
        Script::status(StatusCode::NO_CONTENT),
        Script::status(StatusCode::NOT_FOUND),
        Script::body(hello()),
        Script::body(hello().exact(5)),
        Script::body(hello()).with_header("content-length", "5"),
        Script::body(hello().trailers(&[("x-sum", "1")])).with_header("trailer", "x-sum"),
        Script::body(ScriptBody::new()).with_header("set-cookie", "a=1").with_header("x-a", "\t b"),
        Script::body(ScriptBody::new().data("hell")).with_header("content-length", "5"),
    ];
    for version in BOTH {
        for script in &scripts {
            let mut views = Vec::new();
            for layered in ALL {
                let control = layered.control();
                let address = match &control {
                    Some(control) => {
                        let layer = DebugDumpLayer::server(control);
                        serve(version, layer.layer(script.clone())).await
                    }
                    None => serve(version, script.clone()).await,
                };
                let mut connection = Connection::open(version, address).await;
                let request = asked(Method::GET, "/", ScriptBody::new().claims_end());
                // of a body that is too short, HTTP/1 may send nothing at all
                views.push(match bounded(connection.send(request)).await {
                    Ok(response) => Some(view(response).await),
                    Err(_) => None,
                });
                if let Some(control) = control {
                    captured(&control, layered.captures(1)).await;
                }
            }
            assert_eq!(views[0], views[1], "{version:?} {script:?}, off");
            assert_eq!(views[0], views[2], "{version:?} {script:?}, armed");
        }
    }
}

/// What a caller of a method sees: the words, and the status with its metadata.
type Called = (Vec<String>, Option<(tonic::Code, String, HeaderMap)>);

async fn call(layered: Layered) -> Vec<Called> {
    let (there, here) = (layered.control(), layered.control());
    let (listener, address) = listen().await;
    let incoming = TcpListenerStream::new(listener);
    let service = EchoServer::new(Obedient);
    let mut server = Server::builder();
    match &there {
        Some(control) => {
            let layer = DebugDumpLayer::server(control);
            let server = server.layer(layer).add_service(service);
            tokio::spawn(server.serve_with_incoming(incoming));
        }
        None => {
            tokio::spawn(server.add_service(service).serve_with_incoming(incoming));
        }
    }
    let channel: Channel = endpoint(address).connect_lazy();
    let mut called = Vec::new();
    let calls = || {
        KINDS
            .into_iter()
            .flat_map(|kind| ["hello", "a b c", "fail", "a fail"].map(|words| (kind, words)))
    };
    for (kind, words) in calls() {
        let (words, ended) = match &here {
            Some(control) => {
                let layer = DebugDumpLayer::client(control);
                let mut client = EchoClient::new(layer.layer(channel.clone()));
                bounded(kind.call(&mut client, words, true)).await
            }
            None => {
                let mut client = EchoClient::new(channel.clone());
                bounded(kind.call(&mut client, words, true)).await
            }
        };
        let status = ended.err().map(|status| {
            let mut metadata = status.metadata().clone().into_headers();
            metadata.remove(DATE);
            (status.code(), status.message().to_owned(), metadata)
        });
        called.push((words, status));
    }
    for control in [there, here].into_iter().flatten() {
        captured(&control, layered.captures(calls().count())).await;
    }
    called
}

#[tokio::test]
async fn on_tonic_by_all_kinds_of_calls() {
    let _turn = turn().await;
    let plain = call(Layered::Not).await;
    let failed = plain.iter().filter(|(_, status)| status.is_some()).count();
    assert_eq!((plain.len(), failed), (16, 7), "{plain:?}");
    assert_eq!(plain, call(Layered::Off).await);
    assert_eq!(plain, call(Layered::Armed).await);
}

#[tokio::test]
async fn on_a_client_of_reqwest() {
    let _turn = turn().await;
    let address = serve_axum(router(None)).await;
    let plain = || ReqwestService::new(reqwest::Client::builder().no_proxy().build().unwrap());
    let request = |path: &str, body: reqwest::Body| {
        let request = http::Request::post(format!("http://{address}{path}"));
        request.header("content-type", "application/json").body(body).unwrap()
    };
    let streamed = || {
        let two = ScriptBody::new().data("[1,").data("2]");
        reqwest::Body::wrap(two)
    };
    let bodies: [fn() -> reqwest::Body; 2] = [|| "[1,2]".into(), reqwest::Body::default];
    for path in ["/text", "/stream", "/echo", "/json", "/limited", "/hint", "/refused", "/broken"] {
        for body in bodies.into_iter().map(Some).chain([None]) {
            let mut views = Vec::new();
            for layered in ALL {
                let request = request(path, body.map_or_else(streamed, |body| body()));
                match layered.control() {
                    Some(control) => {
                        let client = DebugDumpLayer::client(&control).layer(plain());
                        views.push(view(bounded(client.oneshot(request)).await.unwrap()).await);
                        captured(&control, layered.captures(1)).await;
                    }
                    None => {
                        views.push(view(bounded(plain().oneshot(request)).await.unwrap()).await);
                    }
                }
            }
            assert_eq!(views[0], views[1], "{path}, off");
            assert_eq!(views[0], views[2], "{path}, armed");
        }
    }
}

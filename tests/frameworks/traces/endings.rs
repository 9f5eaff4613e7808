//! Whatever a transport does, each exchange has one span, which ends once and says how.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::any;
use futures_util::stream::{self, StreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry::Value;
use tower::{Layer, Service, ServiceExt};
use tower_observability::classify::Side::{Client as ClientSide, Server};
use tower_observability::testing::{Script, ScriptBody, SpanRecord};

use super::kit::*;
use crate::support::*;

const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

fn told(version: Http) -> Value {
    match version {
        Http::One => "1.1".into(),
        Http::Two => "2".into(),
    }
}

/// The span of a server's GET of `http://localhost/` that it answered with this status.
fn served(version: Http, status: StatusCode) -> SpanRecord {
    span(
        Server,
        "GET",
        &[
            ("http.request.method", "GET".into()),
            ("http.response.status_code", i64::from(status.as_u16()).into()),
            ("network.protocol.version", told(version)),
            ("server.address", "localhost".into()),
            ("server.port", 80.into()),
            ("url.path", "/".into()),
            ("url.scheme", "http".into()),
        ],
    )
}

/// The span of a client's GET of a server at `address` that was answered with this status.
fn sent(version: Http, address: SocketAddr, status: StatusCode) -> SpanRecord {
    span(
        ClientSide,
        "GET",
        &[
            ("http.request.method", "GET".into()),
            ("http.response.status_code", i64::from(status.as_u16()).into()),
            ("network.protocol.version", told(version)),
            ("server.address", address.ip().to_string().into()),
            ("server.port", i64::from(address.port()).into()),
            ("url.full", format!("http://{address}/").into()),
        ],
    )
}

fn unanswered(span: SpanRecord) -> SpanRecord {
    let span = span.without("http.response.status_code");
    match span.kind {
        opentelemetry::trace::SpanKind::Client => span.without("network.protocol.version"),
        _ => span,
    }
}

mod hyper_server {
    use super::*;

    /// Serves `script`, asks for it, does `then` with what comes, hangs up, and answers the span.
    async fn exchange(
        version: Http,
        script: Script,
        then: impl AsyncFnOnce(hyper::Result<Response<Incoming>>),
    ) -> SpanRecord {
        let watch = Watch::new();
        let address = serve(version, watch.layer(Server).layer(script)).await;
        let mut connection = Connection::open(version, address).await;
        watch.silent(Server);
        bounded(async { then(connection.send(get()).await).await }).await;
        drop(connection);
        watch.ended(Server).await
    }

    async fn read(response: hyper::Result<Response<Incoming>>) {
        let _ = async { response?.collect().await }.await;
    }

    #[tokio::test]
    async fn success_and_a_status_that_is_an_error() {
        for version in BOTH {
            let script = Script::body(ScriptBody::new().data("hello"));
            assert_eq!(exchange(version, script, read).await, served(version, OK));
            let span = exchange(version, Script::status(UNAVAILABLE), read).await;
            assert_eq!(span, served(version, UNAVAILABLE).error("503"));
        }
    }

    #[tokio::test]
    async fn the_client_leaves_before_the_headers() {
        for version in BOTH {
            let watch = Watch::new();
            let address = serve(version, watch.layer(Server).layer(Script::pends())).await;
            let mut connection = Connection::open(version, address).await;
            let asking = tokio::spawn(async move { connection.send(get()).await });
            watch.begun(Server).await;
            asking.abort();
            let expected = unanswered(served(version, OK)).and("error.type", "cancelled");
            assert_eq!(watch.ended(Server).await, expected);
        }
    }

    #[tokio::test]
    async fn the_client_leaves_in_the_middle_of_the_body() {
        for version in BOTH {
            let script = Script::body(ScriptBody::new().data("he").pending());
            let watch = Watch::new();
            let address = serve(version, watch.layer(Server).layer(script)).await;
            let mut connection = Connection::open(version, address).await;
            let mut body = bounded(connection.send(get())).await.unwrap().into_body();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "he");
            settle().await;
            watch.silent(Server);
            drop((body, connection));
            let expected = served(version, OK).and("error.type", "aborted");
            assert_eq!(watch.ended(Server).await, expected);
        }
    }

    #[tokio::test]
    async fn errors_and_panics() {
        for version in BOTH {
            let answered = || served(version, OK);
            let broken = Script::body(ScriptBody::new().data("he").error("disk"));
            assert_eq!(exchange(version, broken, read).await, answered().exception("failed"));
            let short =
                Script::body(ScriptBody::new().data("he")).with_header("content-length", "5");
            let expected = answered().exception("content_length_mismatch");
            assert_eq!(exchange(version, short, read).await, expected);
            let panics = Script::body(ScriptBody::new().data("he").panic("boom"));
            assert_eq!(exchange(version, panics, read).await, answered().exception("panic"));
            let none = || unanswered(served(version, OK));
            let span = exchange(version, Script::fails("disk"), read).await;
            assert_eq!(span, none().exception("failed"));
            for script in [Script::panics("boom"), Script::panics_in_call("boom")] {
                assert_eq!(exchange(version, script, read).await, none().exception("panic"));
            }
        }
    }
}

mod axum_server {
    use super::*;

    async fn handler(request: Request<Body>) -> AxumResponse {
        let open = |ends: bool| {
            let pieces = stream::iter([Ok("he")]);
            let then = stream::iter(ends.then(|| Err(std::io::Error::other("disk"))));
            let rest = if ends { then.left_stream() } else { stream::pending().right_stream() };
            Body::from_stream(pieces.chain(rest)).into_response()
        };
        match request.uri().path() {
            "/text" => "hello".into_response(),
            "/error" => UNAVAILABLE.into_response(),
            "/pending" => std::future::pending().await,
            "/open" => open(false),
            "/broken" => open(true),
            "/late" => {
                let pieces = stream::iter(["he", "boom"]).map(|piece| match piece {
                    "boom" => panic!("{piece}"),
                    piece => Ok::<_, std::io::Error>(piece),
                });
                Body::from_stream(pieces).into_response()
            }
            _ => panic!("boom"),
        }
    }

    async fn observed() -> (Watch, Connection) {
        let watch = Watch::new();
        let router = Router::new().route("/{what}", any(handler)).layer(watch.layer(Server));
        let connection = Connection::open(Http::One, serve_axum(router).await).await;
        (watch, connection)
    }

    fn answered(path: &str, status: StatusCode) -> SpanRecord {
        let span = served(Http::One, status).and("url.path", path.to_owned());
        let span = span.and("http.route", "/{what}");
        SpanRecord { name: "GET /{what}".into(), ..span }
    }

    #[tokio::test]
    async fn answers_that_end_by_themselves() {
        for (path, expected) in [
            ("/text", answered("/text", OK)),
            ("/error", answered("/error", UNAVAILABLE).error("503")),
            ("/broken", answered("/broken", OK).exception("failed")),
            ("/panic", unanswered(answered("/panic", OK)).exception("panic")),
            ("/late", answered("/late", OK).exception("panic")),
        ] {
            let (watch, mut connection) = observed().await;
            watch.silent(Server);
            let _ = bounded(async { connection.send(get_at(path)).await?.collect().await }).await;
            assert_eq!(watch.ended(Server).await, expected);
        }
    }

    #[tokio::test]
    async fn the_client_leaves_before_the_headers() {
        let (watch, mut connection) = observed().await;
        let asking = tokio::spawn(async move { connection.send(get_at("/pending")).await });
        watch.begun(Server).await;
        asking.abort();
        let expected = unanswered(answered("/pending", OK)).and("error.type", "cancelled");
        assert_eq!(watch.ended(Server).await, expected);
    }

    #[tokio::test]
    async fn the_client_leaves_in_the_middle_of_the_body() {
        let (watch, mut connection) = observed().await;
        let mut body = bounded(connection.send(get_at("/open"))).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "he");
        settle().await;
        watch.silent(Server);
        drop((body, connection));
        let expected = answered("/open", OK).and("error.type", "aborted");
        assert_eq!(watch.ended(Server).await, expected);
    }
}

/// The same, whichever client it is.
async fn clients_tell<C, B, R>(version: Http, client: impl Fn() -> C)
where
    C: Service<Request<B>, Response = Response<R>, Error: std::fmt::Debug + Send + 'static>
        + Clone
        + Send
        + 'static,
    C::Future: Send,
    B: Default + Send + 'static,
    R: http_body::Body<Data = bytes::Bytes, Error: std::fmt::Debug> + Send + Unpin + 'static,
{
    let to = |address: SocketAddr| {
        Request::get(format!("http://{address}/")).body(B::default()).unwrap()
    };
    let wrap = |watch: &Watch| watch.layer(ClientSide).layer(client());

    for (script, status, error) in [
        (Script::body(ScriptBody::new().data("hello")), OK, None),
        (Script::status(StatusCode::NOT_FOUND), StatusCode::NOT_FOUND, Some("404")),
        (Script::status(UNAVAILABLE), UNAVAILABLE, Some("503")),
    ] {
        let (watch, address) = (Watch::new(), serve(version, script).await);
        watch.silent(ClientSide);
        text(bounded(wrap(&watch).oneshot(to(address))).await.unwrap()).await;
        let expected = sent(version, address, status);
        let expected = error.map_or(expected.clone(), |error| expected.error(error));
        assert_eq!(watch.ended(ClientSide).await, expected);
    }

    // gives up before the headers, and leaves in the middle of the body: the caller's own doing
    let (watch, address) = (Watch::new(), serve(version, Script::pends()).await);
    let asking = tokio::spawn(wrap(&watch).oneshot(to(address)));
    watch.begun(ClientSide).await;
    asking.abort();
    let expected = unanswered(sent(version, address, OK)).and("error.type", "cancelled");
    assert_eq!(watch.ended(ClientSide).await, expected);

    for breaks in [false, true] {
        let (address, go_on) = serve_in_two_parts(version, None, Some("disk")).await;
        let watch = Watch::new();
        let mut body = bounded(wrap(&watch).oneshot(to(address))).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hell");
        settle().await;
        watch.silent(ClientSide);
        let expected = sent(version, address, OK);
        if breaks {
            go_on.notify_one();
            assert!(bounded(body.frame()).await.unwrap().is_err());
            assert_eq!(watch.ended(ClientSide).await, expected.exception("failed"));
        } else {
            drop(body);
            assert_eq!(watch.ended(ClientSide).await, expected);
        }
    }

    // nobody listens, and a server that breaks off before the headers
    let (_, refused) = listen().await;
    for address in [refused, serve(version, Script::panics("boom")).await] {
        let watch = Watch::new();
        assert!(bounded(wrap(&watch).oneshot(to(address))).await.is_err());
        let expected = unanswered(sent(version, address, OK)).exception("failed");
        assert_eq!(watch.ended(ClientSide).await, expected);
    }
}

#[tokio::test]
async fn hyper_utils_client() {
    for version in BOTH {
        let client =
            || Client::builder(TokioExecutor::new()).http2_only(version == Http::Two).build_http();
        clients_tell::<_, Body, _>(version, client).await;
    }
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn reqwests_client() {
    use tower_observability::reqwest::ReqwestService;

    for version in BOTH {
        let client = || {
            let builder = reqwest::Client::builder().no_proxy();
            let builder = match version {
                Http::One => builder,
                Http::Two => builder.http2_prior_knowledge(),
            };
            ReqwestService::new(builder.build().unwrap())
        };
        clients_tell::<_, reqwest::Body, _>(version, client).await;
    }
}

#[tokio::test]
async fn a_servers_span_is_a_child_of_its_clients() {
    for version in BOTH {
        let here = Watch::new();
        let there = here.opposite();
        let script = Script::body(ScriptBody::new().data("hello"));
        let address = serve(version, there.layer(Server).layer(script)).await;
        let mut builder = Client::builder(TokioExecutor::new());
        let client = builder.http2_only(version == Http::Two).build_http::<Body>();
        let client = here.layer(ClientSide).layer(client);
        let request = Request::get(format!("http://{address}/")).body(Body::empty()).unwrap();
        text(bounded(client.oneshot(request)).await.unwrap()).await;
        let span = there.ended(Server).await;
        here.ended(ClientSide).await;
        let [sent] = <[_; 1]>::try_from(here.recorder.records()).unwrap();
        let [received] = <[_; 1]>::try_from(there.recorder.records()).unwrap();
        let (sent, received) = (sent.trace.unwrap(), received.trace.unwrap());
        assert_eq!(sent.trace_id(), received.trace_id());
        assert_eq!((span.parent, span.parent_is_remote), (Some(sent.span_id().into()), true));
    }
}

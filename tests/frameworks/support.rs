//! What the tests of all frameworks share: servers on the loopback, connections to them, requests,
//! and waiting for what was recorded.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tower::{BoxError, Layer, Service, service_fn};
use tower_observability::classify::Side;
use tower_observability::clock::{Clock, TimeSource};
use tower_observability::exchange::ObserveLayer;
use tower_observability::testing::{ManualClock, Record, Recorder, Script, ScriptBody};

pub(crate) const OK: StatusCode = StatusCode::OK;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Http {
    One,
    Two,
}

pub(crate) const BOTH: [Http; 2] = [Http::One, Http::Two];

/// A layer that records, and whose clock stands still.
pub(crate) fn still(recorder: &Recorder, side: Side) -> ObserveLayer<Recorder> {
    recorder.layer(side).clock(ManualClock::new().clock())
}

pub(crate) fn server(recorder: &Recorder) -> ObserveLayer<Recorder> {
    still(recorder, Side::Server)
}

pub(crate) fn client(recorder: &Recorder) -> ObserveLayer<Recorder> {
    still(recorder, Side::Client)
}

/// What is recorded of a 200 whose body was handed over.
pub(crate) fn server_ok(bytes: u64) -> Record {
    Record { response_bytes: bytes, ..Record::completed(Side::Server, OK) }
}

pub(crate) fn client_ok(bytes: u64) -> Record {
    Record { side: Side::Client, ..server_ok(bytes) }
}

/// How long a framework's own time-out is, where there is no other way than to wait for one.
pub(crate) const LIMIT: Duration = Duration::from_millis(20);

/// A clock on which [`LIMIT`] passes between the first reading, at the start, and any later one.
#[derive(Default)]
struct Passes {
    start: OnceLock<Instant>,
}

impl TimeSource for Passes {
    fn now(&self) -> Instant {
        match self.start.get() {
            Some(start) => *start + LIMIT,
            None => *self.start.get_or_init(Instant::now),
        }
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// A layer for one exchange that takes [`LIMIT`].
pub(crate) fn passing(recorder: &Recorder, side: Side) -> ObserveLayer<Recorder> {
    recorder.layer(side).clock(Clock::new(Passes::default()))
}

/// Serves every connection with a clone of `service` until the test is over.
pub(crate) async fn serve<S, B>(version: Http, service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    use hyper::server::conn::{http1, http2};

    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(service.clone()));
            tokio::spawn(async move {
                // how a connection ends is seen from the client and by what is recorded
                let _ = match version {
                    Http::One => {
                        http1::Builder::new().serve_connection(io, service).with_upgrades().await
                    }
                    Http::Two => {
                        let builder = http2::Builder::new(TokioExecutor::new());
                        builder.serve_connection(io, service).await
                    }
                };
            });
        }
    });
    address
}

/// Serves a body of "hell" that, when told so, goes on with `rest`.
pub(crate) async fn serve_in_two_parts(
    version: Http,
    length: Option<&'static str>,
    rest: Option<&'static str>,
) -> (SocketAddr, Arc<Notify>) {
    let go_on = Arc::new(Notify::new());
    let waits = go_on.clone();
    let service = service_fn(move |_| {
        let waits = waits.clone();
        let first = stream::iter([Ok(Frame::data(Bytes::from("hell")))]);
        let then = stream::once(async move {
            waits.notified().await;
            rest.map(|error| Err(std::io::Error::other(error)))
        });
        let mut response =
            Response::new(StreamBody::new(first.chain(then.filter_map(std::future::ready))));
        if let Some(length) = length {
            response.headers_mut().insert("content-length", length.parse().unwrap());
        }
        async { Ok::<_, Infallible>(response) }
    });
    (serve(version, service).await, go_on)
}

/// `axum::serve` until the test is over.
pub(crate) async fn serve_axum(router: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A client's end of one connection.
pub(crate) enum Connection {
    One(hyper::client::conn::http1::SendRequest<ScriptBody>),
    Two(hyper::client::conn::http2::SendRequest<ScriptBody>),
}

impl Connection {
    pub(crate) async fn open(version: Http, address: SocketAddr) -> Self {
        use hyper::client::conn::{http1, http2};

        let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
        match version {
            Http::One => {
                let (sender, connection) = http1::handshake(io).await.unwrap();
                tokio::spawn(connection.with_upgrades());
                Self::One(sender)
            }
            Http::Two => {
                let (sender, connection) =
                    http2::handshake(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                Self::Two(sender)
            }
        }
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<ScriptBody>,
    ) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::One(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Two(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

/// An empty request of this method.
pub(crate) fn request(method: Method) -> Request<ScriptBody> {
    let body = ScriptBody::new().claims_end();
    Request::builder().method(method).uri("http://localhost/").body(body).unwrap()
}

pub(crate) fn get() -> Request<ScriptBody> {
    request(Method::GET)
}

pub(crate) fn get_at(path: &str) -> Request<ScriptBody> {
    let mut request = get();
    *request.uri_mut() = format!("http://localhost{path}").parse().unwrap();
    request
}

/// A request whose upload has begun and never ends.
pub(crate) fn endless_upload() -> Request<ScriptBody> {
    request(Method::POST).map(|_| ScriptBody::new().data("first of many").pending())
}

/// Serves `script`, sends it `request`, does `then` with what comes of it, hangs up, and answers
/// the one record there must be.
pub(crate) async fn exchange(
    version: Http,
    script: Script,
    request: Request<ScriptBody>,
    then: impl AsyncFnOnce(hyper::Result<Response<Incoming>>),
) -> Record {
    let recorder = Recorder::new();
    let address = serve(version, server(&recorder).layer(script)).await;
    let mut connection = Connection::open(version, address).await;
    assert_eq!(recorder.records(), []);
    bounded(async { then(connection.send(request).await).await }).await;
    let record = recorded(&recorder).await;
    drop(connection);
    settle().await;
    assert_eq!(recorder.only(), record);
    record
}

/// The data of a body that ends well.
pub(crate) async fn text<B: Body<Error: std::fmt::Debug>>(body: B) -> String {
    let bytes = body.collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Fails the test rather than hang.
#[track_caller]
pub(crate) fn bounded<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        let waited = tokio::time::timeout(Duration::from_secs(10), future).await;
        waited.unwrap_or_else(|_| panic!("what is waited for at {caller} does not happen"))
    }
}

/// Waits until something is so, looking again whenever everybody else has had a turn.
#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) -> impl Future<Output = ()> {
    bounded(async move {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    })
}

/// Gives everybody else enough turns for what would happen next.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Waits for the one record.
pub(crate) async fn recorded(recorder: &Recorder) -> Record {
    until(|| !recorder.records().is_empty()).await;
    settle().await;
    recorder.only()
}

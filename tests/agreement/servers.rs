//! The servers of one round.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::Request as AxumRequest;
use axum::routing::any;
use axum::serve::ListenerExt;
use bytes::Bytes;
use example_proto::echo::echo_server::EchoServer;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tower::buffer::BufferLayer;
use tower::util::{BoxCloneSyncService, MapRequestLayer};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_observability::classify::Side::Server;
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl};
use tower_observability::reqwest::ReqwestService;

use crate::acts::Place;
use crate::echo::Obedient;
use crate::handler::{Onward, Shop, panic_in_call};
use crate::script::Script;
use crate::sinks::Sinks;
use crate::support::listen;

/// The servers of one round, and where they dump to.
pub(crate) struct Servers {
    axum: SocketAddr,
    inside: SocketAddr,
    outside: SocketAddr,
    buffered: SocketAddr,
    tonic: SocketAddr,
    /// Of clients of each place, by its number.
    pub(crate) client_dumps: [DumpControl; 5],
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

impl Servers {
    pub(crate) fn address(&self, place: Place) -> SocketAddr {
        match place {
            Place::Axum => self.axum,
            Place::Inside => self.inside,
            Place::Outside => self.outside,
            Place::Buffered => self.buffered,
            Place::Tonic => self.tonic,
        }
    }

    pub(crate) async fn start(sinks: &Sinks, script: &Arc<Script>) -> Self {
        let shop = Arc::new(Shop {
            script: script.clone(),
            notes: sinks.notes.clone(),
            out: OnceLock::new(),
            in_process: OnceLock::new(),
        });
        let (stop, stopped) = watch::channel(false);
        let client_dumps = [(); 5].map(|()| sinks.dumps());
        let (witness, keeping) = (sinks.witness(Server), sinks.keeping(Server));
        let mut running = Vec::new();

        let (listener, axum) = listen().await;
        let router = router(&shop)
            .layer(witness.clone())
            .layer(sinks.server(&sinks.dumps()))
            .layer(keeping.clone());
        let listener = listener.tap_io(|stream| at_once(stream));
        let serving = axum::serve(listener, router);
        let serving = serving.with_graceful_shutdown(until_stopped(stopped.clone()));
        running.push(tokio::spawn(async { serving.await.unwrap() }));

        let (listener, inside) = listen().await;
        let service =
            sinks.server(&sinks.dumps()).layer(keeping.layer(witness.layer(handler(&shop))));
        running.push(tokio::spawn(serve(listener, service, stopped.clone())));

        let (listener, outside) = listen().await;
        let service =
            keeping.layer(sinks.server(&sinks.dumps()).layer(witness.layer(handler(&shop))));
        running.push(tokio::spawn(serve(listener, service, stopped.clone())));

        let (listener, buffered) = listen().await;
        let parts = sinks.telemetry.server_parts();
        let service = ServiceBuilder::new()
            .layer(keeping.clone())
            .layer(parts.request_id.unwrap())
            .layer(parts.trace.unwrap())
            .layer(parts.access_log.unwrap())
            .layer(BufferLayer::new(64))
            .layer(parts.metrics.unwrap())
            .layer(parts.live.unwrap())
            .layer(parts.slo.unwrap())
            .layer(DebugDumpLayer::server(&sinks.dumps()))
            .layer(parts.catch_panic)
            .service(witness.layer(handler(&shop)));
        running.push(tokio::spawn(serve(listener, service, stopped.clone())));

        let (listener, tonic) = listen().await;
        let serving = tonic::transport::Server::builder()
            .layer(keeping.clone())
            .layer(sinks.server(&sinks.dumps()))
            .layer(witness.clone())
            .add_service(EchoServer::new(Obedient))
            .serve_with_incoming_shutdown(
                TcpListenerStream::new(listener),
                until_stopped(stopped.clone()),
            );
        running.push(tokio::spawn(async { serving.await.unwrap() }));

        let in_process =
            keeping.layer(sinks.server(&sinks.dumps()).layer(witness.layer(handler(&shop))));
        let _ = shop.in_process.set(onward(in_process));
        let _ = shop.out.set(out(sinks, &client_dumps[Place::Outside as usize], outside));
        Self { axum, inside, outside, buffered, tonic, client_dumps, stop, running }
    }

    /// Waits until no connection is left.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        for running in self.running {
            running.await.unwrap();
        }
    }
}

/// Lets small pieces go at once: nobody is to wait for them.
fn at_once(stream: &TcpStream) {
    stream.set_nodelay(true).unwrap();
}

async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn router(shop: &Arc<Shop>) -> Router {
    let shop = shop.clone();
    let obeys = any(move |request: AxumRequest| {
        let shop = shop.clone();
        async move { shop.obey(request).await.unwrap() }
    });
    let panics = MapRequestLayer::new(|request: AxumRequest| {
        panic_in_call(request.uri().path());
        request
    });
    Router::new().route("/do/{act}", obeys).layer(panics)
}

type Handler<B> = BoxCloneSyncService<Request<B>, Response<Body>, BoxError>;

/// The same service without a router.
fn handler<B>(shop: &Arc<Shop>) -> Handler<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let shop = shop.clone();
    BoxCloneSyncService::new(service_fn(move |request: Request<B>| {
        panic_in_call(request.uri().path());
        shop.clone().obey(request.map(Body::new))
    }))
}

/// A service with the bodies that handlers ask with.
fn onward<S, B>(service: S) -> Onward
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let service = service.map_err(Into::into).map_response(|response| response.map(Body::new));
    BoxCloneSyncService::new(service)
}

/// An observed client of that server.
fn out(sinks: &Sinks, dumps: &DumpControl, server: SocketAddr) -> Onward {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let client = sinks.recorded(dumps, ReqwestService::new(client));
    onward(client.map_request(move |request: Request<Body>| {
        let (mut head, _) = request.into_parts();
        head.uri = format!("http://{server}{}", head.uri).parse().unwrap();
        Request::from_parts(head, reqwest::Body::default())
    }))
}

/// Serves HTTP/1 and HTTP/2 until it is stopped, and then until all connections are gone.
async fn serve<S, B>(listener: TcpListener, service: S, stopped: watch::Receiver<bool>)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let (mut connections, mut stop) = (JoinSet::new(), std::pin::pin!(until_stopped(stopped)));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, _) = accepted.unwrap();
        at_once(&stream);
        let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(service.clone()));
        connections.spawn(async move {
            // how a connection ends is seen from the client and by what is told
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(io, service).await;
        });
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

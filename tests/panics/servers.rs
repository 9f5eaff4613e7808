//! The handlers, and servers of them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::{Route, get};
use axum::serve::ListenerExt;
use bytes::Bytes;
use example_proto::echo::Message;
use example_proto::echo::echo_server::{Echo, EchoServer};
use futures_util::FutureExt;
use futures_util::stream::{self, Stream, StreamExt};
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tower::{Layer, Service};

use crate::mines::*;
use crate::signals::Layers;
use crate::support::*;

/// The header of a request whose answer is held in its middle.
pub(crate) const HOLD: &str = "x-hold";
/// The header of a request whose answer tells its length.
pub(crate) const LENGTH: &str = "x-length";

/// Lets an answer go on that is held.
#[derive(Clone, Default)]
pub(crate) struct Hold(Arc<Notify>);

impl Hold {
    pub(crate) fn release(&self) {
        self.0.notify_one();
    }

    /// The two parts of every answer; what came before the second one is sent without it.
    fn parts(self, is_held: bool) -> impl Stream<Item = &'static str> {
        let second = async move {
            if is_held {
                self.0.notified().await;
            }
            yield_now().await;
            "two"
        };
        stream::iter(["one"]).chain(stream::once(second))
    }
}

/// Two frames and trailers.
async fn orders(State(hold): State<Hold>, asked: HeaderMap) -> AxumResponse {
    walk(Place::of(&asked)).await;
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from(2))]);
    let data = hold.parts(asked.contains_key(HOLD)).map(|part| Frame::data(Bytes::from(part)));
    // lets the data go out first
    let last = stream::once(yield_now().map(|()| Frame::trailers(trailers)));
    let frames = data.chain(last);
    let body = StreamBody::new(frames.map(Ok::<_, Infallible>));
    let mut answer = AxumResponse::new(Body::new(body));
    answer.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    if asked.contains_key(LENGTH) {
        answer.headers_mut().insert("content-length", HeaderValue::from(6));
    }
    answer
}

pub(crate) fn http<L>(hold: &Hold, layers: L) -> Router
where
    L: Layer<Route> + Clone + Send + Sync + 'static,
    L::Service: Service<
            axum::extract::Request,
            Response: IntoResponse + 'static,
            Error: Into<Infallible> + 'static,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    Router::new().route("/orders/{id}", get(orders)).layer(layers).with_state(hold.clone())
}

struct Orders(Hold);

fn message(text: &str) -> Message {
    Message { text: text.into() }
}

#[tonic::async_trait]
impl Echo for Orders {
    async fn unary(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        walk(Place::of(request.metadata().as_ref())).await;
        Ok(Response::new(request.into_inner()))
    }

    async fn collect(&self, _: Request<Streaming<Message>>) -> Result<Response<Message>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }

    type ExpandStream = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

    async fn expand(
        &self,
        request: Request<Message>,
    ) -> Result<Response<Self::ExpandStream>, Status> {
        let asked: &HeaderMap = request.metadata().as_ref();
        walk(Place::of(asked)).await;
        let parts = self.0.clone().parts(asked.contains_key(HOLD));
        Ok(Response::new(Box::pin(parts.map(|part| Ok(message(part))))))
    }

    type ChatStream = Self::ExpandStream;

    async fn chat(
        &self,
        _: Request<Streaming<Message>>,
    ) -> Result<Response<Self::ChatStream>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }
}

/// A tonic server.
pub(crate) async fn serve_grpc(hold: &Hold, layers: Layers) -> SocketAddr {
    let (listener, address) = listen().await;
    let server = Server::builder().layer(layers).add_service(EchoServer::new(Orders(hold.clone())));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

/// One axum server for HTTP/1, HTTP/2 and gRPC.
pub(crate) async fn serve_all(hold: &Hold, layers: Layers) -> SocketAddr {
    let grpc = Routes::new(EchoServer::new(Orders(hold.clone()))).into_axum_router();
    let app = http(hold, layers.clone()).merge(grpc.layer(layers));
    let (listener, address) = listen().await;
    // a second part of an answer would wait for the first one's acknowledgement
    let listener = listener.tap_io(|io| io.set_nodelay(true).unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

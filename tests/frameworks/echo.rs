//! A tonic service that does what its messages say, and its wrapped clients.

use std::net::SocketAddr;
use std::pin::Pin;

use example_proto::echo::Message;
use example_proto::echo::echo_client::EchoClient;
use example_proto::echo::echo_server::{Echo, EchoServer};
use futures_util::stream::{self, Stream, StreamExt};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use tower_observability::exchange::{Observe, ObserveLayer, Observer};
use tower_observability::testing::Recorder;

use crate::support::*;

pub(crate) type Client = EchoClient<Observe<Channel, Recorder>>;
type Messages = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

/// Answers each message with itself, unless it is an order: `fail`, `panic` or `pend`.
pub(crate) struct Obedient;

async fn obey(text: &str) -> Result<Message, Status> {
    match text {
        "fail" => Err(Status::unavailable("as ordered")),
        "panic" => {
            // lets what was answered before go out first
            tokio::task::yield_now().await;
            panic!("as ordered")
        }
        "pend" => std::future::pending().await,
        other => Ok(message(other)),
    }
}

pub(crate) fn message(text: &str) -> Message {
    Message { text: text.into() }
}

/// Its bytes on the wire: the frame's head, the field's head, the text.
pub(crate) fn wire_bytes(text: &str) -> u64 {
    5 + 2 + text.len() as u64
}

#[tonic::async_trait]
impl Echo for Obedient {
    async fn unary(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        obey(&request.get_ref().text).await.map(Response::new)
    }

    /// Obeys each message, and answers the last.
    async fn collect(
        &self,
        request: Request<Streaming<Message>>,
    ) -> Result<Response<Message>, Status> {
        let mut messages = request.into_inner();
        let mut last = message("");
        while let Some(message) = messages.message().await? {
            last = obey(&message.text).await?;
        }
        Ok(Response::new(last))
    }

    type ExpandStream = Messages;

    /// Obeys each word; `fail` alone before it begins to answer.
    async fn expand(&self, request: Request<Message>) -> Result<Response<Messages>, Status> {
        let words: Vec<String> = request.get_ref().text.split(' ').map(String::from).collect();
        if words == ["fail"] {
            obey("fail").await?;
        }
        let answers = stream::iter(words).then(async |word| obey(&word).await);
        Ok(Response::new(Box::pin(answers)))
    }

    type ChatStream = Messages;

    async fn chat(
        &self,
        request: Request<Streaming<Message>>,
    ) -> Result<Response<Messages>, Status> {
        let answers = request.into_inner().then(async |message| obey(&message?.text).await);
        Ok(Response::new(Box::pin(answers)))
    }
}

/// A tonic server with this layer.
pub(crate) async fn serve_echo<O: Observer + Clone>(
    server: Server,
    layer: ObserveLayer<O>,
) -> SocketAddr {
    let (listener, address) = listen().await;
    let server = server.clone().layer(layer).add_service(EchoServer::new(Obedient));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

pub(crate) fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::new(format!("http://{address}")).unwrap()
}

/// A client and a server that are both recorded.
pub(crate) struct Pair {
    pub(crate) client: Client,
    pub(crate) here: Recorder,
    pub(crate) there: Recorder,
}

impl Pair {
    pub(crate) async fn new() -> Self {
        let (here, there) = (Recorder::new(), Recorder::new());
        let address = serve_echo(Server::builder(), server(&there)).await;
        let channel = endpoint(address).connect_lazy();
        let client = EchoClient::new(tower::Layer::layer(&client(&here), channel));
        Self { client, here, there }
    }
}

//! The four kinds of gRPC methods, and how each is called.

use std::pin::Pin;

use bytes::Bytes;
use example_proto::echo::Message;
use example_proto::echo::echo_client::EchoClient;
use futures_util::stream::{self, Stream, StreamExt};
use http_body::Body;
use tonic::client::GrpcService;
use tonic::{Status, Streaming};
use tower::BoxError;

use crate::echo::message;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Unary,
    Collect,
    Expand,
    Chat,
}
pub(crate) use Kind::*;

pub(crate) const KINDS: [Kind; 4] = [Unary, Collect, Expand, Chat];

impl Kind {
    pub(crate) fn method(self) -> &'static str {
        match self {
            Unary => "tests.echo.v1.Echo/Unary",
            Collect => "tests.echo.v1.Echo/Collect",
            Expand => "tests.echo.v1.Echo/Expand",
            Chat => "tests.echo.v1.Echo/Chat",
        }
    }

    /// Calls with these words, and answers the words of the answer, or what had come until it
    /// failed. A stream of requests ends after the words, or never.
    pub(crate) async fn call<C>(
        self,
        client: &mut EchoClient<C>,
        words: &str,
        ends: bool,
    ) -> (Vec<String>, Result<(), Status>)
    where
        C: GrpcService<tonic::body::Body, Error: Into<BoxError>>,
        C::ResponseBody: Body<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
    {
        let one = message(words);
        let many = || -> Pin<Box<dyn Stream<Item = Message> + Send>> {
            let words: Vec<_> = words.split(' ').map(message).collect();
            let words = stream::iter(words);
            if ends { Box::pin(words) } else { Box::pin(words.chain(stream::pending())) }
        };
        let single = |answer: tonic::Response<Message>| vec![answer.into_inner().text];
        let streamed = match self {
            Unary => return split(client.unary(one).await.map(single)),
            Collect => return split(client.collect(many()).await.map(single)),
            Expand => client.expand(one).await,
            Chat => client.chat(many()).await,
        };
        match streamed {
            Ok(answer) => drain(answer.into_inner()).await,
            Err(status) => (Vec::new(), Err(status)),
        }
    }
}

fn split(answer: Result<Vec<String>, Status>) -> (Vec<String>, Result<(), Status>) {
    match answer {
        Ok(words) => (words, Ok(())),
        Err(status) => (Vec::new(), Err(status)),
    }
}

async fn drain(mut answers: Streaming<Message>) -> (Vec<String>, Result<(), Status>) {
    let mut words = Vec::new();
    loop {
        match answers.message().await {
            Ok(Some(message)) => words.push(message.text),
            Ok(None) => return (words, Ok(())),
            Err(status) => return (words, Err(status)),
        }
    }
}

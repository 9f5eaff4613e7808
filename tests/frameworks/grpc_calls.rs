//! Each way in which a call of each streaming kind ends, on a tonic server and a tonic channel.

use std::pin::Pin;

use bytes::Bytes;
use example_proto::echo::Message;
use example_proto::echo::echo_client::EchoClient;
use futures_util::stream::{self, Stream, StreamExt};
use http_body::Body;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::GrpcService;
use tonic::{Code as TonicCode, Status, Streaming};
use tower::BoxError;
use tower_observability::classify::Side::{self, Client as ClientSide, Server};
use tower_observability::classify::{Blame, Goodness, Outcome};
use tower_observability::grpc::Code;
use tower_observability::testing::{Event, Record};

use crate::echo::*;
use crate::support::*;

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

fn called(side: Side, kind: Kind, code: Code, bytes: u64) -> Record {
    Record { response_bytes: bytes, ..Record::called(side, kind.method(), code) }
}

/// Calls, and demands the records of both ends.
async fn demand(
    kind: Kind,
    words: &str,
    answer: &[&str],
    code: TonicCode,
    there: Record,
    here: Record,
) {
    let mut pair = Pair::new().await;
    assert_eq!((pair.here.records(), pair.there.records()), (vec![], vec![]));
    let (got, ended) = bounded(kind.call(&mut pair.client, words, true)).await;
    assert_eq!(got, answer, "{kind:?}");
    assert_eq!(ended.err().map_or(TonicCode::Ok, |status| status.code()), code, "{kind:?}");
    assert_eq!(recorded(&pair.there).await, there, "{kind:?} on the server");
    assert_eq!(recorded(&pair.here).await, here, "{kind:?} on the client");
}

#[tokio::test]
async fn the_status_comes_in_the_trailers() {
    for kind in KINDS {
        let ok = |side| called(side, kind, Code::Ok, wire_bytes("hello"));
        demand(kind, "hello", &["hello"], TonicCode::Ok, ok(Server), ok(ClientSide)).await;
    }
    for kind in [Expand, Chat] {
        let bytes = 2 * wire_bytes("a");
        let ok = |side| called(side, kind, Code::Ok, bytes);
        demand(kind, "a b", &["a", "b"], TonicCode::Ok, ok(Server), ok(ClientSide)).await;
        let late = |side| called(side, kind, Code::Unavailable, bytes);
        let code = TonicCode::Unavailable;
        demand(kind, "a b fail", &["a", "b"], code, late(Server), late(ClientSide)).await;
    }
}

#[tokio::test]
async fn the_status_comes_with_the_headers_alone() {
    for kind in [Unary, Collect, Expand] {
        let failed = |side| called(side, kind, Code::Unavailable, 0);
        let code = TonicCode::Unavailable;
        demand(kind, "fail", &[], code, failed(Server), failed(ClientSide)).await;
    }
}

#[tokio::test]
async fn a_handler_panics_before_it_answers() {
    for kind in [Unary, Collect] {
        let there = called(Server, kind, Code::Internal, 0).unanswered().ended(Outcome::Panicked);
        let here = called(ClientSide, kind, Code::Unavailable, 0).unanswered();
        let here = Record { error: Some("transport error".into()), ..here.ended(Outcome::Failed) };
        demand(kind, "panic", &[], TonicCode::Cancelled, there, here).await;
    }
}

#[tokio::test]
async fn a_handler_panics_in_the_middle_of_its_answer() {
    for kind in [Expand, Chat] {
        let bytes = wire_bytes("a");
        let mut pair = Pair::new().await;
        let (_, ended) = bounded(kind.call(&mut pair.client, "a panic", true)).await;
        let status = ended.unwrap_err();
        let there = called(Server, kind, Code::Internal, bytes).ended(Outcome::Panicked);
        assert_eq!(recorded(&pair.there).await, there);
        // whether the first message still gets through is up to the transport
        let here = recorded(&pair.here).await;
        let expected = called(ClientSide, kind, Code::Cancelled, here.response_bytes);
        let error = Some(status.to_string());
        assert_eq!(here, Record { error, ..expected.ended(Outcome::Failed) });
    }
}

#[tokio::test]
async fn the_client_leaves_before_the_headers() {
    for kind in [Unary, Collect] {
        for ends in [true, false] {
            let mut pair = Pair::new().await;
            let waiting = async {
                until(|| pair.there.events() == [Event::Begin]).await;
                settle().await;
                assert_eq!((pair.here.records(), pair.there.records()), (vec![], vec![]));
            };
            tokio::select! {
                _ = kind.call(&mut pair.client, "pend", ends) => panic!("it was ordered to pend"),
                () = waiting => {}
            }
            let cancelled = |side| {
                called(side, kind, Code::Cancelled, 0).unanswered().ended(Outcome::Cancelled)
            };
            assert_eq!(recorded(&pair.there).await, cancelled(Server));
            assert_eq!(recorded(&pair.here).await, cancelled(ClientSide));
        }
    }
}

#[tokio::test]
async fn the_client_leaves_in_the_middle_of_the_answer() {
    for kind in [Expand, Chat] {
        let mut pair = Pair::new().await;
        let (more, requests) = tokio::sync::mpsc::channel(2);
        more.send(message("a")).await.unwrap();
        more.send(message("pend")).await.unwrap();
        let mut answers = match kind {
            Expand => pair.client.expand(message("a pend")).await,
            _ => pair.client.chat(ReceiverStream::new(requests)).await,
        }
        .unwrap()
        .into_inner();
        assert_eq!(answers.message().await.unwrap(), Some(message("a")));
        settle().await;
        assert_eq!((pair.here.records(), pair.there.records()), (vec![], vec![]));
        // of a chat both halves: while one lives, the stream does
        drop((answers, more));
        let bytes = wire_bytes("a");
        let there = called(Server, kind, Code::Cancelled, bytes).ended(Outcome::Aborted);
        assert_eq!(recorded(&pair.there).await, there);
        // the caller's own doing, and no error
        let here = Record {
            unread: true,
            blame: Blame::Peer,
            goodness: Goodness::LeftOut,
            error_type: None,
            is_error: false,
            ..called(ClientSide, kind, Code::Cancelled, bytes)
        };
        assert_eq!(recorded(&pair.here).await, here);
    }
}

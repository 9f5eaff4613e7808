//! Each way in which a call of each streaming kind ends, on a tonic server and a tonic channel.

use tokio_stream::wrappers::ReceiverStream;
use tonic::Code as TonicCode;
use tower_observability::classify::Side::{self, Client as ClientSide, Server};
use tower_observability::classify::{Blame, Goodness, Outcome};
use tower_observability::grpc::Code;
use tower_observability::testing::{Event, Record};

use crate::echo::*;
use crate::kinds::*;
use crate::support::*;

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

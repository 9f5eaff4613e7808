//! Calls of each streaming kind, on a tonic server and a tonic channel: the whole span of each end.

use std::net::SocketAddr;
use std::time::Duration;

use example_proto::echo::echo_client::EchoClient;
use opentelemetry::Value;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::transport::{Channel, Server as TonicServer};
use tower::Layer;
use tower_observability::classify::Side::{Client as ClientSide, Server};
use tower_observability::clock::Clock;
use tower_observability::exchange::{Observe, ObserveLayer};
use tower_observability::route::Routes;
use tower_observability::testing::{ManualClock, Script, ScriptBody, SpanRecord};

use super::kit::*;
use crate::echo::*;
use crate::kinds::*;
use crate::support::*;

type Wrapped = EchoClient<Observe<Channel, Traced>>;

/// A client and a server whose spans are kept together.
struct Traces {
    client: Wrapped,
    address: SocketAddr,
    here: Watch,
    there: Watch,
}

impl Traces {
    async fn new() -> Self {
        Self::with(|layer| layer, |layer| layer).await
    }

    async fn with(
        server: impl FnOnce(ObserveLayer<Traced>) -> ObserveLayer<Traced>,
        client: impl FnOnce(ObserveLayer<Traced>) -> ObserveLayer<Traced>,
    ) -> Self {
        let here = Watch::new();
        let there = here.opposite();
        let layer = there.layer(Server).routes(known());
        let address = serve_echo(TonicServer::builder(), server(layer)).await;
        let client = wrapped(client(here.layer(ClientSide)), address);
        Self { client, address, here, there }
    }

    /// Against a server that is no tonic.
    async fn scripted(script: Script, routes: Routes) -> Self {
        let here = Watch::new();
        let there = here.opposite();
        let layer = there.layer(Server).routes(routes);
        let address = serve(Http::Two, layer.layer(script)).await;
        let client = wrapped(here.layer(ClientSide), address);
        Self { client, address, here, there }
    }

    /// Demands the spans of both ends, and that the server's is the child of the client's.
    async fn demand(&self, kind: Kind, there: SpanRecord, here: SpanRecord) {
        let received = self.there.ended(Server).await;
        assert_eq!(self.here.ended(ClientSide).await, here, "{kind:?} on the client");
        let sent = self.here.recorder.only().trace.unwrap();
        assert_eq!(self.there.recorder.only().trace.unwrap().trace_id(), sent.trace_id());
        let parent = Some(sent.span_id().into());
        let there = SpanRecord { parent, parent_is_remote: true, ..there };
        // the client's own port is new each time
        let there = match received.attribute("network.peer.port") {
            Some(Value::I64(port)) => there.and("network.peer.port", *port),
            _ => there,
        };
        assert_eq!(received, there, "{kind:?} on the server");
    }

    /// What the server tells of a call.
    fn received(&self, kind: Kind, code: &'static str) -> SpanRecord {
        let path = format!("/{}", kind.method());
        let agent = concat!("tonic/", "0.14.9");
        self.both(Server, kind, code)
            .and("client.address", "127.0.0.1")
            .and("network.peer.address", "127.0.0.1")
            .and("network.protocol.version", "2")
            .and("url.path", path)
            .and("user_agent.original", agent)
    }

    /// What the client tells of a call; where it goes the channel does not say.
    fn sent(&self, kind: Kind, code: &'static str) -> SpanRecord {
        self.both(ClientSide, kind, code)
            .without("server.address")
            .without("server.port")
            .and("network.protocol.version", "2")
    }

    fn both(
        &self,
        side: tower_observability::classify::Side,
        kind: Kind,
        code: &'static str,
    ) -> SpanRecord {
        span(
            side,
            kind.method(),
            &[
                ("rpc.method", kind.method().into()),
                ("rpc.response.status_code", code.into()),
                ("rpc.system.name", "grpc".into()),
                ("server.address", "127.0.0.1".into()),
                ("server.port", i64::from(self.address.port()).into()),
            ],
        )
    }
}

/// The methods that the service has, so that each end is told by name.
fn known() -> Routes {
    Routes::new().grpc_methods(KINDS.map(Kind::method)).unwrap()
}

fn wrapped(layer: ObserveLayer<Traced>, address: SocketAddr) -> Wrapped {
    EchoClient::new(layer.layer(endpoint(address).connect_lazy()))
}

fn unanswered(span: SpanRecord) -> SpanRecord {
    match span.kind {
        opentelemetry::trace::SpanKind::Client => span.without("network.protocol.version"),
        _ => span,
    }
}

/// Where tonic is not the server, nobody says who the peer is.
fn no_peer(span: SpanRecord) -> SpanRecord {
    span.without("client.address").without("network.peer.address")
}

async fn call(traces: &mut Traces, kind: Kind, words: &str) -> Code {
    traces.here.silent(ClientSide);
    traces.there.silent(Server);
    let (_, ended) = bounded(kind.call(&mut traces.client, words, true)).await;
    ended.err().map_or(Code::Ok, |status| status.code())
}

#[tokio::test]
async fn the_status_comes_in_the_trailers() {
    for kind in KINDS {
        let mut traces = Traces::new().await;
        assert_eq!(call(&mut traces, kind, "hello").await, Code::Ok);
        let (there, here) = (traces.received(kind, "OK"), traces.sent(kind, "OK"));
        traces.demand(kind, there, here).await;
    }
    for kind in [Expand, Chat] {
        let mut traces = Traces::new().await;
        assert_eq!(call(&mut traces, kind, "a b fail").await, Code::Unavailable);
        let there = traces.received(kind, "UNAVAILABLE").error("UNAVAILABLE");
        let here = traces.sent(kind, "UNAVAILABLE").error("UNAVAILABLE");
        traces.demand(kind, there, here).await;
    }
}

#[tokio::test]
async fn the_status_comes_with_the_headers_alone() {
    for kind in [Unary, Collect, Expand] {
        let mut traces = Traces::new().await;
        assert_eq!(call(&mut traces, kind, "fail").await, Code::Unavailable);
        let there = traces.received(kind, "UNAVAILABLE").error("UNAVAILABLE");
        let here = traces.sent(kind, "UNAVAILABLE").error("UNAVAILABLE");
        traces.demand(kind, there, here).await;
    }
    // an error of the client's call is none of the server
    let exhausted = Script::status(OK)
        .with_header("content-type", "application/grpc")
        .with_header("grpc-status", "8");
    let mut traces = Traces::scripted(exhausted, known()).await;
    assert_eq!(call(&mut traces, Unary, "hello").await, Code::ResourceExhausted);
    let there = no_peer(traces.received(Unary, "RESOURCE_EXHAUSTED"));
    let here = traces.sent(Unary, "RESOURCE_EXHAUSTED").error("RESOURCE_EXHAUSTED");
    traces.demand(Unary, there, here).await;
}

#[tokio::test]
async fn a_missing_status_is_unknown() {
    let silent = || {
        Script::body(ScriptBody::new().claims_end()).with_header("content-type", "application/grpc")
    };
    for kind in KINDS {
        let mut traces = Traces::scripted(silent(), known()).await;
        call(&mut traces, kind, "hello").await;
        let there = no_peer(traces.received(kind, "UNKNOWN")).error("UNKNOWN");
        let here = traces.sent(kind, "UNKNOWN").error("UNKNOWN");
        traces.demand(kind, there, here).await;
    }
}

#[tokio::test]
async fn a_panic_on_the_server() {
    for kind in [Unary, Collect] {
        let mut traces = Traces::new().await;
        call(&mut traces, kind, "panic").await;
        let there = traces.received(kind, "INTERNAL").exception("panic");
        let here = unanswered(traces.sent(kind, "UNAVAILABLE")).exception("failed");
        traces.demand(kind, there, here).await;
    }
    for kind in [Expand, Chat] {
        let mut traces = Traces::new().await;
        call(&mut traces, kind, "a panic").await;
        let there = traces.received(kind, "INTERNAL").exception("panic");
        let here = traces.sent(kind, "CANCELLED").exception("failed");
        traces.demand(kind, there, here).await;
    }
}

#[tokio::test]
async fn the_client_leaves_before_the_headers() {
    for kind in [Unary, Collect] {
        let mut traces = Traces::new().await;
        let there = traces.there.clone();
        tokio::select! {
            _ = kind.call(&mut traces.client, "pend", true) => panic!("it was ordered to pend"),
            () = there.begun(Server) => {}
        }
        let cancelled = |span: SpanRecord| unanswered(span).and("error.type", "cancelled");
        let there = cancelled(traces.received(kind, "CANCELLED"));
        let here = cancelled(traces.sent(kind, "CANCELLED"));
        traces.demand(kind, there, here).await;
    }
}

#[tokio::test]
async fn the_client_leaves_in_the_middle_of_the_answer() {
    for kind in [Expand, Chat] {
        let mut traces = Traces::new().await;
        let (more, requests) = tokio::sync::mpsc::channel(2);
        more.send(message("a")).await.unwrap();
        more.send(message("pend")).await.unwrap();
        let mut answers = match kind {
            Expand => traces.client.expand(message("a pend")).await,
            _ => traces.client.chat(ReceiverStream::new(requests)).await,
        }
        .unwrap()
        .into_inner();
        assert_eq!(bounded(answers.message()).await.unwrap(), Some(message("a")));
        settle().await;
        traces.here.silent(ClientSide);
        traces.there.silent(Server);
        drop((answers, more));
        let there = traces.received(kind, "CANCELLED").and("error.type", "aborted");
        // the caller's own doing, and no error
        let here = traces.sent(kind, "CANCELLED");
        traces.demand(kind, there, here).await;
    }
}

#[tokio::test]
async fn the_callers_time_had_run_out() {
    let limit = Duration::from_secs(3600);
    for kind in KINDS {
        let (time, mut traces) = timed().await;
        let words = if matches!(kind, Expand | Chat) { "a pend" } else { "pend" };
        let (more, requests) = tokio::sync::mpsc::channel(4);
        for word in words.split(' ') {
            more.send(message(word)).await.unwrap();
        }
        let mut client = traces.client.clone();
        let words = words.to_owned();
        let asking = tokio::spawn(async move {
            let mut one = tonic::Request::new(message(&words));
            one.set_timeout(limit);
            let mut many = tonic::Request::new(ReceiverStream::new(requests));
            many.set_timeout(limit);
            let mut answers = match kind {
                Unary => return drop(client.unary(one).await),
                Collect => return drop(client.collect(many).await),
                Expand => client.expand(one).await,
                Chat => client.chat(many).await,
            }
            .unwrap()
            .into_inner();
            while answers.message().await.is_ok() {}
        });
        traces.there.begun(Server).await;
        let answered = matches!(kind, Expand | Chat);
        if answered {
            // the headers have come
            let both = [&traces.here, &traces.there];
            let has_headers = |watch: &Watch| watch.recorder.events().len() == 2;
            until(|| both.into_iter().all(has_headers)).await;
            settle().await;
        }
        time.advance(limit);
        asking.abort();
        drop(more);
        let late = |span: SpanRecord| match answered {
            true => span.error("deadline_exceeded"),
            false => unanswered(span).error("deadline_exceeded"),
        };
        let there = late(traces.received(kind, "DEADLINE_EXCEEDED"));
        let here = late(traces.sent(kind, "DEADLINE_EXCEEDED"));
        traces.client = wrapped(Watch::new().layer(ClientSide), traces.address);
        traces.demand(kind, there, here).await;
    }
}

/// Both ends by a clock that stands still.
async fn timed() -> (ManualClock, Traces) {
    let time = ManualClock::new();
    let clock: Clock = time.clock();
    let traces =
        Traces::with(|layer| layer.clock(clock.clone()), |layer| layer.clock(time.clock()));
    let traces = traces.await;
    (time, traces)
}

#[tokio::test]
async fn a_call_that_is_answered_in_plain_http() {
    for (status, code, server) in [(404, "UNIMPLEMENTED", None), (503, "UNAVAILABLE", Some("503"))]
    {
        let script = Script::status(http::StatusCode::from_u16(status).unwrap());
        let mut traces = Traces::scripted(script, Routes::new()).await;
        call(&mut traces, Unary, "hello").await;
        // the service is not one of gRPC, so the method is a path that its caller chose
        let there = no_peer(traces.received(Unary, ""))
            .without("rpc.method")
            .without("rpc.response.status_code")
            .and("http.request.method", "POST")
            .and("http.response.status_code", i64::from(status))
            .and("url.scheme", "http");
        let there = SpanRecord { name: "POST".into(), ..there };
        let there = server.map_or(there.clone(), |error| there.error(error));
        let here = traces.sent(Unary, code).error(code);
        traces.demand(Unary, there, here).await;
    }
}

#[tokio::test]
async fn methods_that_are_not_known_are_not_told_by_the_server() {
    let unimplemented = || {
        let headers = Script::status(OK).with_header("content-type", "application/grpc");
        headers.with_header("grpc-status", "12")
    };
    let fine = || {
        let headers = Script::status(OK).with_header("content-type", "application/grpc");
        headers.with_header("grpc-status", "0")
    };
    let listed = Routes::new().grpc_methods([Collect.method()]).unwrap();
    for (script, routes, code, is_error) in [
        (unimplemented(), Routes::new(), "UNIMPLEMENTED", true),
        (unimplemented(), listed.clone(), "UNIMPLEMENTED", true),
        (fine(), listed, "OK", false),
    ] {
        let mut traces = Traces::scripted(script, routes).await;
        call(&mut traces, Unary, "hello").await;
        let there = no_peer(traces.received(Unary, code)).and("rpc.method", "_OTHER");
        let there = SpanRecord { name: "grpc".into(), ..there };
        let (there, here) = match is_error {
            true => (there.error(code), traces.sent(Unary, code).error(code)),
            false => (there, traces.sent(Unary, code)),
        };
        traces.demand(Unary, there, here).await;
    }
}

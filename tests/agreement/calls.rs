//! Who makes gRPC calls, one after the other.

use std::net::SocketAddr;
use std::sync::Arc;

use example_proto::echo::echo_client::EchoClient;
use http::{HeaderValue, Method, Request};
use http_body_util::BodyExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tower::util::MapRequest;
use tower_observability::classify::Side;
use tower_observability::debug_dump::DumpControl;
use tower_observability::testing::ScriptBody;

use crate::acts::{Act, Caller, Way};
use crate::bench::Recorded;
use crate::callers::turns;
use crate::dice::Dice;
use crate::echo::{endpoint, message};
use crate::kinds::{Expand, Kind, Unary};
use crate::script::{DUMP, INTENT, Intent, Script};
use crate::sinks::Sinks;
use crate::support::{Connection, Http};
use crate::witness::{Notes, WitnessLayer};

/// Calls the gRPC server.
pub(crate) struct Calls {
    address: SocketAddr,
    script: Arc<Script>,
    notes: Notes,
    witness: WitnessLayer,
    client: Client,
}

enum Client {
    Bare(Option<Connection>),
    Channel(Recorded<Channel>),
}

impl Calls {
    pub(crate) fn new(
        way: Way,
        sinks: &Sinks,
        dumps: &DumpControl,
        address: SocketAddr,
        script: &Arc<Script>,
    ) -> Self {
        let client = match way.caller {
            Caller::Bare => Client::Bare(None),
            Caller::Observed => {
                Client::Channel(sinks.recorded(dumps, endpoint(address).connect_lazy()))
            }
        };
        let (script, notes) = (script.clone(), sinks.notes.clone());
        Self { address, script, notes, witness: sinks.witness(Side::Client), client }
    }

    /// Has the call of this number.
    pub(crate) async fn ask(&mut self, number: usize) {
        let intent = self.script.intents[number].clone();
        match &mut self.client {
            Client::Bare(kept) => {
                let mut connection = match kept.take() {
                    Some(connection) => connection,
                    None => Connection::open(Http::Two, self.address).await,
                };
                let request = raw(&intent, number);
                let watch = self.witness.watch(request.headers());
                let answer = watch.over(connection.send(request));
                if let Ok(response) = answer.await {
                    let _ = response.into_body().collect().await;
                }
                *kept = Some(connection);
            }
            Client::Channel(channel) => {
                let is_dumped = intent.is_dumped;
                let stamp = move |mut request: Request<tonic::body::Body>| {
                    request.headers_mut().insert(INTENT, number.into());
                    if is_dumped {
                        request.headers_mut().insert(DUMP, HeaderValue::from_static("1"));
                    }
                    request
                };
                let mut client = EchoClient::new(MapRequest::new(channel.clone(), stamp));
                match intent.act {
                    Act::Says(kind, words) => {
                        let _ = kind.call(&mut client, words, true).await;
                    }
                    Act::Hangs(kind @ (Kind::Unary | Kind::Collect)) => tokio::select! {
                        _ = kind.call(&mut client, "pend", true) => panic!("it was ordered to pend"),
                        () = self.notes.entered(number) => {}
                    },
                    Act::Hangs(kind) => {
                        // while the requests of a chat go on, so does its stream
                        let (more, requests) = tokio::sync::mpsc::channel(2);
                        more.send(message("a")).await.unwrap();
                        more.send(message("pend")).await.unwrap();
                        let answers = match kind {
                            Expand => client.expand(message("a pend")).await,
                            _ => client.chat(ReceiverStream::new(requests)).await,
                        };
                        let mut answers = answers.unwrap().into_inner();
                        assert_eq!(answers.message().await.unwrap(), Some(message("a")));
                        drop((answers, more));
                    }
                    Act::HangsUp(kind) => tokio::select! {
                        _ = kind.call(&mut client, "a b c d", true) => {}
                        () = turns(intent.seed % 60) => {}
                    },
                    other => panic!("{other:?} is no act of a channel"),
                }
            }
        }
    }
}

/// A request as no client of tonic's would send it.
fn raw(intent: &Intent, number: usize) -> Request<ScriptBody> {
    let mut dice = Dice::new(intent.seed);
    let frame: &[u8] = b"\0\0\0\0\x06\x0a\x04pend";
    let posted = ScriptBody::new().data(frame).claims_end();
    let (method, path, body) = match intent.act {
        Act::Plain => (Method::GET, format!("/{}", dice.word()), ScriptBody::new().claims_end()),
        Act::Unknown => {
            let path = format!("/{}.{}/{}", dice.word(), dice.next(), dice.word());
            (Method::POST, path, posted)
        }
        _ => (Method::POST, format!("/{}", Unary.method()), posted),
    };
    let request = Request::builder().method(method.clone()).uri(format!("http://localhost{path}"));
    let mut request = request.header(INTENT, number);
    if intent.is_dumped {
        request = request.header(DUMP, "1");
    }
    if method == Method::POST {
        request = request.header("content-type", "application/grpc");
    }
    if intent.act == Act::OutOfTime {
        request = request.header("grpc-timeout", "1n");
    }
    for (name, value) in [
        ("x-request-id", &intent.identity.request_id),
        ("traceparent", &intent.identity.traceparent),
    ] {
        if let Some(value) = value {
            request = request.header(name, &value[..]);
        }
    }
    request.body(body).unwrap()
}

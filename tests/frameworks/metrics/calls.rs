//! Who makes gRPC calls, one after the other, and what each is to be counted as.

use std::net::SocketAddr;

use example_proto::echo::echo_client::EchoClient;
use http::{Method, Request};
use http_body_util::BodyExt;
use tonic::transport::{Channel, Server};
use tower::Layer;
use tower_observability::classify::Side;
use tower_observability::exchange::Observe;
use tower_observability::route::Routes;
use tower_observability::testing::ScriptBody;

use super::chaos::{Intended, Intends};
use super::dice::Dice;
use super::gathered::Series;
use super::told::{Ends, Observers, Told};
use crate::echo::*;
use crate::kinds::{Chat, Collect, Expand, KINDS, Kind, Unary};
use crate::support::*;

/// Where the client is told that its calls go to.
pub(crate) const SERVER: (&str, u16) = ("echo.example", 50051);

/// A tonic server, and two clients of it.
pub(crate) struct Calls<'a> {
    address: SocketAddr,
    /// The exchanges of the server.
    there: Ends,
    told: &'a Told,
    here: Ends,
    client: EchoClient<Observe<Channel, Observers>>,
    bare: Connection,
}

/// One way in which a call goes.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Ordered by these words.
    Says(&'static str),
    /// The client leaves before the headers, or in the middle of the answer.
    Leaves,
    /// Of a method that the one who calls made up.
    Hostile,
    /// A plain GET.
    Plain,
    OutOfTime,
}

fn series(side: Side, method: &str, code: &str, error: Option<&str>) -> Series {
    let port = SERVER.1.to_string();
    let mut labels = vec![
        ("rpc_system_name", "grpc"),
        ("rpc_method", method),
        ("rpc_response_status_code", code),
    ];
    labels.extend(error.map(|error| ("error_type", error)));
    let side = match side {
        Side::Server => "server",
        Side::Client => {
            labels.extend([("server_address", SERVER.0), ("server_port", &port)]);
            "client"
        }
    };
    Series::new(&format!("rpc_{side}_call_duration_seconds"), &labels)
}

impl<'a> Calls<'a> {
    pub(crate) async fn new(server: &Told, client: &'a Told) -> Self {
        let (there, here) = (Ends::default(), Ends::default());
        // so that a call that never shows it is told by its method from the first one on
        let routes = Routes::new().grpc_methods(KINDS.map(Kind::method)).unwrap();
        let address = serve_echo(Server::builder(), server.layer(&there).routes(routes)).await;
        let bare = Connection::open(Http::Two, address).await;
        let channel = client.layer(&here).layer(endpoint(address).connect_lazy());
        Self { address, there, told: client, here, client: EchoClient::new(channel), bare }
    }

    /// Makes this many calls, and answers what they are to be counted as.
    pub(crate) async fn run(&mut self, exchanges: usize, mut dice: Dice) -> Intended {
        let mut intended = Intended::default();
        for _ in 0..exchanges {
            let kind = dice.of(&KINDS);
            let streams = matches!(kind, Expand | Chat);
            let act = match dice.below(8) {
                0 | 1 => Act::Says("hello"),
                2 => Act::Says("fail"),
                3 => Act::Says(if streams { "a b fail" } else { "a" }),
                4 => Act::Says(if streams { "a panic" } else { "panic" }),
                5 => Act::Leaves,
                6 => Act::Hostile,
                _ => dice.of(&[Act::Plain, Act::OutOfTime]),
            };
            bounded(self.call(kind, act, &mut dice, &mut intended)).await;
        }
        intended
    }

    async fn call(&mut self, kind: Kind, act: Act, dice: &mut Dice, intended: &mut Intended) {
        let before = self.there.begun();
        assert_eq!(self.there.ended(), before, "one after the other");
        match act {
            Act::Says(words) => self.say(kind, words, intended).await,
            Act::Leaves => self.leave(kind, intended).await,
            Act::Hostile => {
                let path = format!("/{}.{}/{}", dice.word(), dice.next(), dice.word());
                let unimplemented =
                    series(Side::Server, "_OTHER", "UNIMPLEMENTED", Some("UNIMPLEMENTED"));
                intended.server.add(unimplemented);
                self.ask(Method::POST, &path, &[("content-type", "application/grpc")]).await;
            }
            Act::Plain => {
                let labels = [
                    ("http_request_method", "GET"),
                    ("http_response_status_code", "200"),
                    ("http_route", "_unmatched"),
                    ("url_scheme", "http"),
                ];
                intended.server.add(Series::new("http_server_request_duration_seconds", &labels));
                self.ask(Method::GET, &format!("/{}", dice.word()), &[]).await;
            }
            Act::OutOfTime => {
                let late = Some("deadline_exceeded");
                intended.server.add(series(
                    Side::Server,
                    Unary.method(),
                    "DEADLINE_EXCEEDED",
                    late,
                ));
                let headers = [("content-type", "application/grpc"), ("grpc-timeout", "1n")];
                self.ask(Method::POST, &format!("/{}", Unary.method()), &headers).await;
            }
        }
        until(|| self.there.ended() == before + 1).await;
        until(|| self.here.ended() == self.here.begun()).await;
    }

    async fn say(&mut self, kind: Kind, words: &str, intended: &mut Intended) {
        let ((there, there_wrong), (here, here_wrong)) = match words {
            "fail" | "a b fail" => {
                let unavailable = ("UNAVAILABLE", Some("UNAVAILABLE"));
                (unavailable, unavailable)
            }
            "panic" => (("INTERNAL", Some("panic")), ("UNAVAILABLE", Some("failed"))),
            "a panic" => (("INTERNAL", Some("panic")), ("CANCELLED", Some("failed"))),
            _ => (("OK", None), ("OK", None)),
        };
        intended.server.add(series(Side::Server, kind.method(), there, there_wrong));
        intended.client.add(series(Side::Client, kind.method(), here, here_wrong));
        kind.call(&mut self.client, words, true).await.1.err();
        if words.ends_with("panic") {
            // the connection went with it
            let channel = self.told.layer(&self.here).layer(endpoint(self.address).connect_lazy());
            self.client = EchoClient::new(channel);
        }
    }

    async fn leave(&mut self, kind: Kind, intended: &mut Intended) {
        let wrong = |error| series(Side::Server, kind.method(), "CANCELLED", Some(error));
        let here = |error| series(Side::Client, kind.method(), "CANCELLED", error);
        match kind {
            Unary | Collect => {
                intended.server.add(wrong("cancelled"));
                intended.client.add(here(Some("cancelled")));
                let before = self.there.begun();
                tokio::select! {
                    _ = kind.call(&mut self.client, "pend", true) => panic!("it was ordered to pend"),
                    () = until(|| self.there.begun() > before) => {}
                }
            }
            Expand | Chat => {
                intended.server.add(series(
                    Side::Server,
                    Expand.method(),
                    "CANCELLED",
                    Some("aborted"),
                ));
                // the caller's own doing
                intended.client.add(series(Side::Client, Expand.method(), "CANCELLED", None));
                let answers = self.client.expand(message("a pend")).await;
                let mut answers = answers.unwrap().into_inner();
                assert_eq!(answers.message().await.unwrap(), Some(message("a")));
            }
        }
    }

    /// Asks as no client of tonic's would.
    async fn ask(&mut self, method: Method, path: &str, headers: &[(&'static str, &'static str)]) {
        let frame: &[u8] = b"\0\0\0\0\x06\x0a\x04pend";
        let body = match method {
            Method::POST => ScriptBody::new().data(frame).claims_end(),
            _ => ScriptBody::new().claims_end(),
        };
        let mut request = Request::builder().method(method).uri(format!("http://localhost{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.bare.send(request.body(body).unwrap()).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
}

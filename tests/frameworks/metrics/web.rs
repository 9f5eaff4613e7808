//! Who asks for HTTP exchanges, one after the other, and what each is to be counted as.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::routing::any;
use http::{Method, Request, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::Notify;
use tower::util::MapRequestLayer;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_observability::classify::Side;
use tower_observability::exchange::{Observe, ObserveLayer};
use tower_observability::reqwest::ReqwestService;
use tower_observability::testing::ScriptBody;

use super::act::{Act, obey, panic_in_call};
use super::chaos::{Intended, Intends};
use super::dice::Dice;
use super::told::{Ends, Observers, Told};
use crate::support::*;

/// A server of its own, and a client of it.
pub(crate) struct Web {
    version: Http,
    framework: Framework,
    address: SocketAddr,
    /// Lets a body go on.
    go_on: Arc<Notify>,
    /// The exchanges of the server.
    there: Ends,
    client: Client,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Framework {
    Axum,
    Hyper,
}

enum Client {
    Bare(Option<Connection>),
    Reqwest { client: Observe<ReqwestService, Observers>, here: Ends },
}

impl Web {
    /// With a client that is not observed.
    pub(crate) async fn bare(version: Http, framework: Framework, server: &Told) -> Self {
        Self::new(version, framework, server, Client::Bare(None)).await
    }

    /// With reqwest, observed.
    pub(crate) async fn reqwest(
        version: Http,
        framework: Framework,
        server: &Told,
        client: &Told,
    ) -> Self {
        // a connection of its own for each exchange, as some of them leave it broken
        let builder = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let builder = match version {
            Http::One => builder,
            Http::Two => builder.http2_prior_knowledge(),
        };
        let here = Ends::default();
        let client = client.layer(&here).layer(ReqwestService::new(builder.build().unwrap()));
        Self::new(version, framework, server, Client::Reqwest { client, here }).await
    }

    async fn new(version: Http, framework: Framework, server: &Told, client: Client) -> Self {
        let (there, go_on) = (Ends::default(), Arc::new(Notify::new()));
        let layer = server.layer(&there);
        let address = match framework {
            Framework::Axum => serve_axum(router(layer, go_on.clone())).await,
            Framework::Hyper => serve(version, layer.layer(handler(go_on.clone()))).await,
        };
        Self { version, framework, address, go_on, there, client }
    }

    /// Has this many exchanges, and answers what they are to be counted as.
    pub(crate) async fn run(&mut self, exchanges: usize, mut dice: Dice) -> Intended {
        let mut intended = Intended::default();
        for _ in 0..exchanges {
            let act = loop {
                let act = dice.of(&Act::ALL);
                if self.can(act) {
                    break act;
                }
            };
            bounded(self.exchange(act, &mut dice, &mut intended)).await;
        }
        intended
    }

    fn can(&self, act: Act) -> bool {
        match act {
            Act::Fails => self.framework == Framework::Hyper,
            // an observed client calls what it knows
            Act::ClaimsGrpc => matches!(self.client, Client::Bare(_)),
            _ => true,
        }
    }

    async fn exchange(&mut self, act: Act, dice: &mut Dice, intended: &mut Intended) {
        let asked = Asked::new(act, dice, self.address, matches!(self.client, Client::Bare(_)));
        let route = match (act, self.framework) {
            (Act::Hostile, _) | (_, Framework::Hyper) => "_unmatched",
            (_, Framework::Axum) => "/do/{act}",
        };
        let (method, scheme) = (asked.method_label(), asked.scheme_label());
        intended.server.add(act.series(Side::Server, method, scheme, &[("http_route", route)]));
        let before = self.there.begun();
        assert_eq!(self.there.ended(), before, "one after the other");
        match &mut self.client {
            Client::Bare(kept) => {
                let mut connection = match kept.take() {
                    Some(connection) => connection,
                    None => Connection::open(self.version, self.address).await,
                };
                let answer = connection.send(asked.request(ScriptBody::new().claims_end()));
                see(act, answer, &self.go_on, &self.there).await;
                if act.is_clean() {
                    *kept = Some(connection);
                }
            }
            Client::Reqwest { client, here } => {
                let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
                let own = [("server_address", &*host), ("server_port", &*port)];
                intended.client.add(act.series(Side::Client, method, scheme, &own));
                let answer = ServiceExt::<Request<reqwest::Body>>::ready(client)
                    .await
                    .unwrap()
                    .call(asked.request(reqwest::Body::default()));
                see(act, answer, &self.go_on, &self.there).await;
                until(|| here.ended() == here.begun()).await;
            }
        }
        until(|| self.there.ended() == before + 1).await;
    }
}

/// Waits for the answer and sees to its body; leaves where the act is to leave.
async fn see<B, E>(
    act: Act,
    answer: impl Future<Output = Result<http::Response<B>, E>>,
    go_on: &Notify,
    there: &Ends,
) where
    B: Body<Error: std::fmt::Debug>,
    E: std::fmt::Debug,
{
    if act == Act::Pends {
        tokio::select! {
            answer = answer => panic!("it was ordered to pend: {:?}", answer.map(drop)),
            () = until(|| there.begun() > there.ended()) => {}
        }
        return;
    }
    let Ok(response) = answer.await else { return };
    let mut body = pin!(response.into_body());
    if act == Act::Leaves || act.goes_on() {
        assert!(body.frame().await.unwrap().is_ok());
    }
    if act.goes_on() {
        go_on.notify_one();
    }
    if act != Act::Leaves {
        while let Some(Ok(_)) = body.frame().await {}
    }
}

/// What is asked for.
struct Asked {
    method: Method,
    uri: Uri,
    host: Option<String>,
    claims_grpc: bool,
}

impl Asked {
    fn new(act: Act, dice: &mut Dice, address: SocketAddr, may_lie: bool) -> Self {
        let claims_grpc = act == Act::ClaimsGrpc;
        if act != Act::Hostile {
            let method = match act {
                Act::Head => Method::HEAD,
                Act::ClaimsGrpc => Method::POST,
                _ => Method::GET,
            };
            let uri = format!("http://{address}{}", act.path()).parse().unwrap();
            return Self { method, uri, host: None, claims_grpc };
        }
        let path = match dice.below(2) {
            0 => format!("/{}?{}", dice.word(), dice.word()),
            _ => format!("/{}/{}/{}", dice.word(), dice.word(), dice.next()),
        };
        // whoever is told where to go is to go there
        let (scheme, authority) = match may_lie {
            true => (dice.of(&["http", "https", "gopher"]), format!("{}.example", dice.next())),
            false => ("http", address.to_string()),
        };
        Self {
            method: format!("X{}", dice.word()).parse().unwrap(),
            uri: format!("{scheme}://{authority}{path}").parse().unwrap(),
            host: may_lie.then(|| format!("{}.example", dice.next())),
            claims_grpc,
        }
    }

    fn method_label(&self) -> &'static str {
        match self.method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            _ => "_OTHER",
        }
    }

    fn scheme_label(&self) -> &'static str {
        match self.uri.scheme_str() {
            Some("http") => "http",
            Some("https") => "https",
            _ => "_OTHER",
        }
    }

    fn request<B>(&self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        if let Some(host) = &self.host {
            request.headers_mut().insert("host", host.parse().unwrap());
        }
        if self.claims_grpc {
            request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        }
        request
    }
}

fn router(layer: ObserveLayer<Observers>, go_on: Arc<Notify>) -> Router {
    let obeys = any(move |request: AxumRequest| {
        let (path, go_on) = (request.uri().path().to_owned(), go_on.clone());
        async move { obey(path, go_on).await.unwrap() }
    });
    let panics = MapRequestLayer::new(|request: AxumRequest| {
        panic_in_call(request.uri().path());
        request
    });
    Router::new().route("/do/{act}", obeys).layer(panics).layer(layer)
}

fn handler(
    go_on: Arc<Notify>,
) -> impl Service<
    Request<Incoming>,
    Response = http::Response<axum::body::Body>,
    Error = BoxError,
    Future: Send,
> + Clone
+ Send
+ 'static {
    service_fn(move |request: Request<Incoming>| {
        panic_in_call(request.uri().path());
        obey(request.uri().path().to_owned(), go_on.clone())
    })
}

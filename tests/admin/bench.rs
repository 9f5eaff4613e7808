//! An admin service with all its sections, where it is served, and a service that is dumped.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Method, Request};
use http_body_util::BodyExt;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_observability::admin::{Admin, BearerToken, LogControl};
use tower_observability::debug_dump::{DebugDumpLayer, DumpControl, Rule};
use tower_observability::health::Health;
use tower_observability::live::{Board, LiveLayer};
use tower_observability::metrics::MetricsService;
use tower_observability::pprof::PprofService;
use tower_observability::slo::{Objective, SloLayer, SloTracker, Target};
use tower_observability::testing::ManualClock;

pub(crate) const TOKEN: &str = "the-token-of-the-operators";
pub(crate) const READER: &str = "the-token-of-the-readers";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    AxumNested,
    AxumFallback,
    HyperOne,
    HyperTwo,
}

pub(crate) const PLACES: [Place; 4] =
    [Place::AxumNested, Place::AxumFallback, Place::HyperOne, Place::HyperTwo];

pub(crate) struct Bench {
    pub(crate) control: DumpControl,
    pub(crate) log: LogControl,
    app: Router,
    base: String,
    client: Client,
}

impl Bench {
    pub(crate) async fn new(place: Place) -> Self {
        let clock = ManualClock::new();
        let control = DumpControl::builder().clock(clock.clock()).build();
        let log = LogControl::new("info", |_| Ok::<_, &str>(())).unwrap().clock(clock.clock());
        let objective = Objective::availability("echo", Target::percent("99.9").unwrap());
        let tracker = SloTracker::builder()
            .objective(objective.route("/users/{id}").build().unwrap())
            .clock(clock.clock())
            .build()
            .unwrap();
        let board = Board::builder().clock(clock.clock()).build().unwrap();
        let admin = Admin::builder(BearerToken::new(TOKEN).unwrap().reader(READER).unwrap())
            .metrics(MetricsService::new(&prometheus::Registry::new()))
            .log(log.clone())
            .dumps(control.clone())
            .objectives(tracker.clone())
            .health(&Health::builder().release_id("7").start().unwrap())
            .live(board.clone())
            .profiles(PprofService::new())
            .build();
        let base = serve(place, admin).await;
        let app = Router::new()
            .route("/users/{id}", post(|body: String| async { body }))
            .layer(DebugDumpLayer::server(&control).clock(clock.clock()))
            .layer(LiveLayer::server(&board).clock(clock.clock()))
            .layer(SloLayer::server(&tracker).clock(clock.clock()));
        let client = Client::builder().no_proxy();
        let client = match place {
            Place::HyperTwo => client.http2_prior_knowledge(),
            _ => client.http1_only(),
        };
        Self { control, log, app, base, client: client.build().unwrap() }
    }

    pub(crate) async fn send(
        &self,
        method: &Method,
        path: &str,
        token: Option<&str>,
        json: Option<&str>,
    ) -> Response {
        let request = self.client.request(method.clone(), format!("{}{path}", self.base));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let request = match json {
            Some(json) => request.header("content-type", "application/json").body(json.to_owned()),
            None => request,
        };
        request.send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let response = self.send(&Method::GET, path, Some(READER), None).await;
        assert_eq!(response.status(), 200, "{path}");
        response
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    /// Dumps all that comes.
    pub(crate) fn arm(&self) {
        let rule = Rule::new(Duration::from_secs(60)).unwrap();
        let rule = rule.captures(1_000).and_then(|rule| rule.bytes(64 << 20));
        self.control.arm(rule.unwrap().body_cap(1 << 20).unwrap());
    }

    /// Has the service answer with what it was sent.
    pub(crate) async fn call(&self, body: String) {
        let request = Request::post("/users/7?token=s3cret")
            .header("host", "example.com")
            .header("content-type", "text/plain")
            .body(Body::from(body.clone()))
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);
    }
}

async fn serve(place: Place, admin: Admin) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = match place {
        Place::AxumNested => Router::new().nest_service("/admin", admin),
        Place::AxumFallback => Router::new().fallback_service(admin),
        Place::HyperOne | Place::HyperTwo => {
            tokio::spawn(serve_hyper(place, listener, admin));
            return format!("http://{address}");
        }
    };
    tokio::spawn(async { axum::serve(listener, router).await });
    let at = if place == Place::AxumNested { "/admin" } else { "" };
    format!("http://{address}{at}")
}

async fn serve_hyper(place: Place, listener: TcpListener, admin: Admin) {
    while let Ok((stream, _)) = listener.accept().await {
        let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(admin.clone()));
        tokio::spawn(async move {
            // how a connection ends is seen from the client
            let _ = if place == Place::HyperOne {
                http1::Builder::new().serve_connection(io, service).await
            } else {
                http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
            };
        });
    }
}

//! The customer of the script: sends real requests to the gateway, and hangs up on some.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::layers::Places;
use crate::services::BoxError;

/// How long the script waits for anything before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long it waits before it looks again.
pub const PAUSE: Duration = Duration::from_millis(2);

/// What the customer does.
#[derive(Clone, Copy)]
pub enum Act {
    /// Reads the whole answer.
    Get(&'static str),
    /// Posts JSON, and reads the whole answer.
    Post(&'static str, &'static str),
    /// Hangs up before there are response headers, once the inventory is at work.
    HangUpBeforeHeaders(&'static str),
    /// Hangs up after the first piece of the response body.
    HangUpInBody(&'static str),
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get(path) | Self::HangUpBeforeHeaders(path) | Self::HangUpInBody(path) => {
                write!(f, "GET {path}")
            }
            Self::Post(path, json) => write!(f, "POST {path} {json}"),
        }
    }
}

/// What the customer got.
#[derive(Default)]
pub struct Answer {
    /// Nothing when the connection was closed without an answer.
    pub status: Option<StatusCode>,
    /// The request ID that came with it.
    pub request_id: Option<String>,
    /// The problem details (RFC 9457) that were its body.
    pub problem: Option<Value>,
}

pub struct Customer {
    http: Client,
    gateway: SocketAddr,
}

impl Customer {
    pub fn new(gateway: SocketAddr) -> Result<Self, BoxError> {
        // one connection a request, as of customers who do not know each other
        let http = Client::builder().pool_max_idle_per_host(0).timeout(PATIENCE).build()?;
        Ok(Self { http, gateway })
    }

    pub async fn act(&self, act: Act, places: &Places) -> Result<Answer, BoxError> {
        match act {
            Act::Get(path) => whole(self.http.get(self.url(path))).await,
            Act::Post(path, json) => whole(self.post(path, json)).await,
            Act::HangUpInBody(path) => {
                let mut response = self.http.get(self.url(path)).send().await?;
                response.chunk().await?.ok_or("the body ended at once")?;
                Ok(Answer::of(&response))
            }
            Act::HangUpBeforeHeaders(path) => {
                let before = places.inventory.begun();
                tokio::select! {
                    answered = self.http.get(self.url(path)).send() => {
                        Err(format!("this was to wait, but got {:?}", answered?.status()).into())
                    }
                    at_work = until(|| places.inventory.begun() == before + 2) => {
                        at_work.then(Answer::default).ok_or_else(|| "nobody is at work".into())
                    }
                }
            }
        }
    }

    /// Waits until a checkout that needs all three services is answered.
    pub async fn wait_for_services(&self) -> Result<(), BoxError> {
        let cart = r#"{"product": "lamp", "quantity": 1, "card": "4242"}"#;
        let ready = async {
            loop {
                match whole(self.post("/checkout", cart)).await {
                    Ok(Answer { status: Some(StatusCode::OK), .. }) => break,
                    _ => sleep(Duration::from_millis(20)).await,
                }
            }
        };
        timeout(PATIENCE, ready).await.map_err(|_| "the services do not answer".into())
    }

    fn post(&self, path: &str, json: &'static str) -> RequestBuilder {
        self.http.post(self.url(path)).header("content-type", "application/json").body(json)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway)
    }
}

impl Answer {
    fn of(response: &Response) -> Self {
        let id = response.headers().get("x-request-id");
        Self {
            status: Some(response.status()),
            request_id: id.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned()),
            problem: None,
        }
    }
}

async fn whole(request: RequestBuilder) -> Result<Answer, BoxError> {
    match request.send().await {
        Ok(response) => {
            let mut answer = Answer::of(&response);
            let content_type = response.headers().get("content-type");
            let is_problem = content_type.is_some_and(|it| it == "application/problem+json");
            let body = response.bytes().await?;
            if is_problem {
                answer.problem = Some(serde_json::from_slice(&body)?);
            }
            Ok(answer)
        }
        Err(error) if error.is_timeout() || error.is_connect() => Err(error.into()),
        Err(_) => Ok(Answer::default()),
    }
}

/// Waits until a condition holds; `false` when it does not in time.
pub async fn until(condition: impl Fn() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        sleep(PAUSE).await;
    }
    true
}

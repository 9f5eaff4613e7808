//! Panics at every place, what the caller gets, and what the exchange is told as.

mod answers;
mod bodies;
mod hook;
mod places;
mod traits;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tower::{Layer, Service};

use super::*;
use crate::classify::Side::Server;
use crate::testing::{ManualClock, Record, Recorder, Script, ScriptBody, ScriptError};

/// What a caller got.
#[derive(Debug, PartialEq)]
struct Got {
    status: u16,
    content_type: Option<String>,
    body: String,
    trailers: Option<HeaderMap>,
    /// What the body ended with.
    error: Option<Caught<ScriptError>>,
}

impl Got {
    fn problem(body: &str) -> Self {
        Self::answer(500, "application/problem+json", body)
    }

    fn answer(status: u16, content_type: &str, body: &str) -> Self {
        let (content_type, body) = (Some(content_type.to_owned()), body.to_owned());
        Self { status, content_type, body, trailers: None, error: None }
    }

    fn body(body: &str) -> Self {
        Self { content_type: None, ..Self::answer(200, "", body) }
    }
}

const PROBLEM: &str = r#"{"type":"about:blank","title":"Internal Server Error","status":500}"#;

/// Asks a service, and reads all that it answers.
fn ask<S>(service: &mut S, request: Request<()>) -> Got
where
    S: Service<Request<()>, Response = Response<CatchPanicBody<ScriptBody>>>,
    S::Error: std::fmt::Debug,
{
    read(service.call(request).now_or_never().unwrap().unwrap())
}

fn read<B>(response: Response<B>) -> Got
where
    B: Body<Data = Bytes, Error = Caught<ScriptError>> + Unpin,
{
    let (head, mut body) = response.into_parts();
    let content_type = head.headers.get("content-type");
    let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
    let mut got = Got { content_type, ..Got::answer(head.status.as_u16(), "", "") };
    while let Some(frame) = body.frame().now_or_never().unwrap() {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => got.body.push_str(std::str::from_utf8(&data).unwrap()),
            Ok(Err(frame)) => got.trailers = frame.into_trailers().ok(),
            Err(error) => {
                got.error = Some(error);
                break;
            }
        }
    }
    got
}

/// As [`ask`], in an exchange that is recorded.
fn recorded<S>(layer: &CatchPanicLayer, service: S, request: Request<()>) -> (Got, Record)
where
    S: Service<Request<()>, Response = Response<ScriptBody>>,
    S::Error: std::fmt::Debug + 'static,
{
    let recorder = Recorder::new();
    let outside = recorder.layer(Server).clock(ManualClock::new().clock());
    let mut service = outside.layer(layer.layer(service));
    let got = read(service.call(request).now_or_never().unwrap().unwrap());
    (got, recorder.only())
}

fn get() -> Request<()> {
    Request::get("/users/7").body(()).unwrap()
}

fn call() -> Request<()> {
    let call = Request::post("/shop.Cart/Add").header("content-type", "application/grpc");
    call.body(()).unwrap()
}

fn internal() -> HeaderMap {
    let internal = [("grpc-status", "13"), ("grpc-message", "internal error")];
    internal
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .into_iter()
        .collect()
}

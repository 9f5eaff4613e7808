//! OTLP over HTTP, as protobuf.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use super::{Failure, LONGEST_ANSWER, SPEAKS_GRPC, Target, USER_AGENT, tell_chain};
use crate::config::ConfigError;

/// A client of a receiver's endpoint.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    url: String,
    headers: HeaderMap,
}

impl Http {
    pub(super) fn new(target: Target) -> Result<Self, ConfigError> {
        // gRPC knows no proxy of the environment, and a collector is beside the program
        let client = Client::builder().redirect(Policy::none()).no_proxy().user_agent(USER_AGENT);
        let client = client.build().map_err(|error| {
            let allowed = "what the HTTP client can be built for";
            ConfigError::new("telemetry.otlp_endpoint", error.to_string(), allowed)
        })?;
        let mut headers = target.headers;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        Ok(Self { client, url: target.url.to_string(), headers })
    }

    pub(super) async fn send(&self, message: Bytes) -> Result<Bytes, Failure> {
        let request = self.client.post(&self.url).headers(self.headers.clone()).body(message);
        let response = request.send().await.map_err(|error| broken(&error))?;
        let status = response.status();
        if status.is_success() {
            return read(response).await;
        }
        let mut reason = format!("HTTP {status}");
        if answers_as_grpc(response.headers()) {
            reason.push_str(SPEAKS_GRPC);
        }
        // OTLP specification, "OTLP/HTTP Response", "Failures"
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Failure::passing(reason, wait(response.headers())),
            _ => Failure::last(reason),
        })
    }
}

fn answers_as_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|value| value.starts_with(b"application/grpc"))
}

/// The wait that the receiver asks for, in seconds (RFC 9110, section 10.2.3); a date is not read.
fn wait(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or_default())
}

async fn read(mut response: Response) -> Result<Bytes, Failure> {
    let mut answer = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        if answer.len().saturating_add(chunk.len()) > LONGEST_ANSWER {
            return Err(Failure::last(format!("an answer of more than {LONGEST_ANSWER} bytes")));
        }
        answer.extend_from_slice(&chunk);
    }
    Ok(answer.freeze())
}

fn broken(error: &reqwest::Error) -> Failure {
    // the outer error names the URL, which may hold a password; the inner ones say why
    let mut reason = "cannot send".to_owned();
    tell_chain(&mut reason, error.source());
    // HTTP/2's frames, before the request or read as its status line, or a connection that was closed
    // for want of them; hyper has no type for any
    let told = ["unexpected message", "invalid HTTP version", "connection was not ready"];
    if told.iter().any(|text| reason.contains(text)) {
        reason.push_str(SPEAKS_GRPC);
    }
    Failure::passing(reason, Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_read_in_seconds() {
        for (value, seconds) in [
            (Some("3"), 3),
            (Some("-1"), 0),
            (Some("soon"), 0),
            (Some("Wed, 21 Oct 2015 07:28:00 GMT"), 0),
            (None, 0),
        ] {
            let headers = value.map(|value| (RETRY_AFTER, HeaderValue::from_static(value)));
            assert_eq!(wait(&headers.into_iter().collect()), Duration::from_secs(seconds));
        }
    }
}

//! OTLP over gRPC.

use std::error::Error;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use prost::Message;
use tonic::client;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::{Failure, Io, LONGEST_ANSWER, SPEAKS_HTTP, Target, USER_AGENT, tell_chain};
use crate::config::ConfigError;

/// A channel to a receiver's service; it connects when it first sends, and again when it must.
#[derive(Debug)]
pub(super) struct Grpc {
    channel: Channel,
    path: PathAndQuery,
    headers: MetadataMap,
}

impl Grpc {
    pub(super) fn new(io: &Io, target: Target) -> Result<Self, ConfigError> {
        let refused = |_| {
            let allowed = "a URL of scheme http";
            ConfigError::new("telemetry.otlp_endpoint", target.url.to_string(), allowed)
        };
        let endpoint = Endpoint::from_shared(target.url.to_string())
            .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
            .map_err(refused)?;
        Ok(Self {
            channel: io.enter(|| endpoint.connect_lazy()),
            path: PathAndQuery::from_static(target.signal.method()),
            headers: MetadataMap::from_headers(target.headers),
        })
    }

    pub(super) async fn send(&self, message: Bytes) -> Result<Bytes, Failure> {
        let mut client =
            client::Grpc::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER);
        client.ready().await.map_err(|error| {
            Failure::passing(format!("cannot connect: {error}"), Duration::ZERO)
        })?;
        let mut request = Request::new(message);
        *request.metadata_mut() = self.headers.clone();
        let answer = client.unary(request, self.path.clone(), Raw).await;
        answer.map(tonic::Response::into_inner).map_err(|status| failure(&status))
    }
}

/// Which statuses may pass: OTLP specification, "OTLP/gRPC Response", "Failures".
fn failure(status: &Status) -> Failure {
    let mut reason = format!("{:?}: {}", status.code(), status.message());
    if let Some(source) = status.source() {
        // the receiver said nothing: the connection broke off, which tonic calls UNKNOWN
        tell_chain(&mut reason, Some(source));
        // an HTTP/1 status line, read as a frame
        if reason.contains("frame with invalid size") {
            reason.push_str(SPEAKS_HTTP);
        }
        return Failure::passing(reason, Duration::ZERO);
    }
    // what tonic says of an answer that is none of gRPC
    if status.message().contains("grpc-status header missing") {
        reason.push_str(SPEAKS_HTTP);
    }
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => {
            Failure::passing(reason, retry_delay(status.details()).unwrap_or_default())
        }
        Code::ResourceExhausted => match retry_delay(status.details()) {
            Some(delay) => Failure::passing(reason, delay),
            None => Failure::last(reason),
        },
        _ => Failure::last(reason),
    }
}

/// The wait that a `google.rpc.RetryInfo` in the details asks for.
fn retry_delay(details: &[u8]) -> Option<Duration> {
    let status = RpcStatus::decode(details).ok()?;
    let info = status.details.into_iter().find(|any| any.type_url.ends_with(RETRY_INFO))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    let (seconds, nanos) = (u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?);
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

const RETRY_INFO: &str = "/google.rpc.RetryInfo";

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Span>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Messages as the bytes they are, encoded once for all attempts.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(type_url: &str, seconds: i64, nanos: i32) -> Vec<u8> {
        let info = RetryInfo { retry_delay: Some(Span { seconds, nanos }) };
        let any = Any { type_url: type_url.to_owned(), value: info.encode_to_vec() };
        RpcStatus { details: vec![any] }.encode_to_vec()
    }

    #[test]
    fn a_status_may_pass_as_the_specification_says() {
        let wait = details("type.googleapis.com/google.rpc.RetryInfo", 3, 5);
        let asked = Some(Duration::new(3, 5));
        for (code, details, retry) in [
            (Code::Unavailable, vec![], Some(Duration::ZERO)),
            (Code::Unavailable, wait.clone(), asked),
            (Code::ResourceExhausted, vec![], None),
            (Code::ResourceExhausted, wait.clone(), asked),
            (Code::ResourceExhausted, details("x/google.rpc.Help", 3, 5), None),
            (Code::ResourceExhausted, details("x/google.rpc.RetryInfo", -3, 5), None),
            (Code::InvalidArgument, wait, None),
            (Code::Unauthenticated, vec![], None),
        ] {
            let status = Status::with_details(code, "no", details.into());
            assert_eq!(failure(&status).retry, retry, "{status:?}");
        }
    }
}

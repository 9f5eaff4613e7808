//! The clients, and what they see.

use std::error::Error;
use std::net::SocketAddr;

use example_proto::echo::Message;
use example_proto::echo::echo_client::EchoClient;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Extensions, Status, Streaming};
use tower_observability::testing::ScriptBody;

use crate::endpoint::secret_headers;
use crate::mines::{PANIC, Place};
use crate::servers::{HOLD, LENGTH};
use crate::support::*;

/// How an exchange travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Chunked,
    Length,
    Two,
    Unary,
    Streaming,
}
pub(crate) use Over::*;

pub(crate) const ALL: [Over; 5] = [Chunked, Length, Two, Unary, Streaming];

impl Over {
    pub(crate) fn is_grpc(self) -> bool {
        matches!(self, Unary | Streaming)
    }

    /// Whether there are streams beside each other on a connection.
    pub(crate) fn has_streams(self) -> bool {
        !matches!(self, Chunked | Length)
    }
}

/// What a client sees of one answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    /// Status and headers, unless the gRPC client keeps them to itself.
    pub(crate) head: String,
    pub(crate) data: String,
    /// That it is whole, or the error.
    pub(crate) end: String,
}

impl Seen {
    /// The status, if it is seen, and the end.
    pub(crate) fn kind(&self) -> (&str, &str) {
        (self.head.split(' ').next().unwrap_or_default(), &self.end)
    }
}

/// A connection of either kind.
pub(crate) enum Caller {
    Http(Connection),
    Grpc(EchoClient<Channel>),
}

/// An answer that has begun.
pub(crate) enum Begun {
    Http(Incoming),
    Grpc(Streaming<Message>),
}

impl Caller {
    pub(crate) async fn open(over: Over, address: SocketAddr) -> Self {
        match over {
            Chunked | Length => Self::Http(Connection::open(Http::One, address).await),
            Two => Self::Http(Connection::open(Http::Two, address).await),
            Unary | Streaming => {
                let endpoint = Endpoint::new(format!("http://{address}")).unwrap();
                let endpoint = endpoint.origin("http://localhost".parse().unwrap());
                Self::Grpc(EchoClient::new(endpoint.connect().await.unwrap()))
            }
        }
    }

    /// Asks for a panic, or for none.
    pub(crate) async fn ask(&mut self, over: Over, place: Option<Place>) -> Seen {
        let asked = headers(over, place);
        match self {
            Self::Http(connection) => {
                http(bounded(connection.send(order(over, asked))).await).await
            }
            Self::Grpc(client) if over == Unary => {
                match bounded(client.unary(call(asked, "onetwo"))).await {
                    Ok(answer) => grpc(answer.into_inner().text, Ok(())),
                    Err(status) => grpc(String::new(), Err(status)),
                }
            }
            Self::Grpc(client) => match bounded(client.expand(call(asked, ""))).await {
                Ok(answer) => {
                    let (data, end) = read(&mut answer.into_inner()).await;
                    grpc(data, end)
                }
                Err(status) => grpc(String::new(), Err(status)),
            },
        }
    }

    /// Begins an exchange whose answer is held after its first part.
    pub(crate) async fn begin(&mut self, over: Over) -> Begun {
        let mut asked = headers(over, None);
        asked.insert(HOLD, HeaderValue::from_static("1"));
        match self {
            Self::Http(connection) => {
                let mut body =
                    bounded(connection.send(order(over, asked))).await.unwrap().into_body();
                let first = bounded(body.frame()).await.unwrap().unwrap();
                assert_eq!(first.into_data().unwrap(), "one");
                Begun::Http(body)
            }
            Self::Grpc(client) => {
                let answer = bounded(client.expand(call(asked, ""))).await.unwrap();
                let mut words = answer.into_inner();
                let first = bounded(words.message()).await.unwrap().unwrap();
                assert_eq!(first.text, "one");
                Begun::Grpc(words)
            }
        }
    }

    /// Whether the connection takes another request.
    pub(crate) async fn lives(&mut self) -> bool {
        match self {
            Self::Http(Connection::One(sender)) => bounded(sender.ready()).await.is_ok(),
            Self::Http(Connection::Two(sender)) => bounded(sender.ready()).await.is_ok(),
            // a channel would open another one; what is held tells
            Self::Grpc(_) => true,
        }
    }
}

impl Begun {
    /// The rest of the answer.
    pub(crate) async fn rest(self) -> String {
        match self {
            Self::Http(body) => bounded(text(body)).await,
            Self::Grpc(mut words) => {
                let (data, end) = read(&mut words).await;
                end.unwrap();
                data
            }
        }
    }
}

fn headers(over: Over, place: Option<Place>) -> HeaderMap {
    let mut headers = secret_headers();
    if let Some(place) = place {
        headers.insert(PANIC, HeaderValue::from_static(place.name()));
    }
    if over == Length {
        headers.insert(LENGTH, HeaderValue::from_static("1"));
    }
    headers
}

fn order(over: Over, headers: HeaderMap) -> Request<ScriptBody> {
    let mut request = get_at("/orders/7?page=2&token=s3cret-query");
    if !over.has_streams() {
        // as clients send it that do not talk to a proxy
        let target = request.uri().path_and_query().unwrap().clone();
        *request.uri_mut() = target.into();
        request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
    }
    request.headers_mut().extend(headers);
    request
}

fn call(headers: HeaderMap, text: &str) -> tonic::Request<Message> {
    let message = Message { text: text.into() };
    tonic::Request::from_parts(MetadataMap::from_headers(headers), Extensions::default(), message)
}

async fn http(answer: hyper::Result<Response<Incoming>>) -> Seen {
    let (head, mut body) = match answer {
        Ok(answer) => answer.into_parts(),
        Err(error) => return Seen { head: String::new(), data: String::new(), end: cause(&error) },
    };
    let header = |name: &str| head.headers[name].to_str().unwrap();
    let (kind, id) = (header("content-type"), header("x-request-id"));
    let head = format!("{} {kind} {id}", head.status.as_u16());
    let mut data = String::new();
    loop {
        match bounded(body.frame()).await {
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    data.push_str(std::str::from_utf8(&bytes).unwrap());
                }
            }
            Some(Err(error)) => return Seen { head, data, end: cause(&error) },
            None => return Seen { head, data, end: "whole".into() },
        }
    }
}

async fn read(words: &mut Streaming<Message>) -> (String, Result<(), Status>) {
    let mut data = String::new();
    loop {
        match bounded(words.message()).await {
            Ok(Some(message)) => data.push_str(&message.text),
            Ok(None) => return (data, Ok(())),
            Err(status) => return (data, Err(status)),
        }
    }
}

fn grpc(data: String, end: Result<(), Status>) -> Seen {
    let end = match end {
        Ok(()) => "whole".into(),
        Err(status) => format!("{:?}: {}", status.code(), status.message()),
    };
    Seen { head: String::new(), data, end }
}

/// What is at the bottom of an error.
fn cause(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => cause(source),
        None => error.to_string(),
    }
}

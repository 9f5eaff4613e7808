mod client;
#[cfg(feature = "axum")]
mod extract;
mod generator;
mod incoming;
mod isolation;
#[cfg(feature = "testing")]
mod placement;
mod properties;
mod server;
mod sources;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderValue, Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::attribute::Value;
use crate::caller::TrustedProxies;
use crate::exchange::ObserveLayer;

/// What a service saw of one exchange, and what came back.
struct Seen {
    facts: Arc<Facts>,
    /// The head of the request, as the service inside saw it.
    head: request::Parts,
    response: Response<String>,
}

impl Seen {
    fn id(&self) -> Option<String> {
        self.facts.request_id().map(RequestId::to_string)
    }

    /// What was not taken over.
    fn kept(&self) -> Option<String> {
        self.facts.with_attributes(|attributes| match attributes.get(CLIENT_REQUEST_ID) {
            Some(Value::Text(text)) => Some(text.to_string()),
            other => {
                assert_eq!(other, None);
                None
            }
        })
    }

    /// The values of the header that the service inside saw.
    fn inside(&self) -> Vec<&[u8]> {
        self.head.headers.get_all("x-request-id").iter().map(HeaderValue::as_bytes).collect()
    }

    /// The values of the header that came back.
    fn echoed(&self) -> Vec<&[u8]> {
        self.response.headers().get_all("x-request-id").iter().map(HeaderValue::as_bytes).collect()
    }

    /// The ID of an exchange that everybody agrees on and nobody chose.
    fn new_id(&self) -> String {
        let id = self.id().expect("every server's exchange has an ID");
        assert_eq!(self.inside(), [id.as_bytes()]);
        assert_eq!(self.echoed(), [id.as_bytes()]);
        assert!(uuid::Uuid::parse_str(&id).is_ok_and(|uuid| uuid.get_version_num() == 7), "{id}");
        id
    }
}

/// Sends a request through the layer to a service that answers `answer`.
async fn send_for(layer: RequestIdLayer, request: Request<()>, answer: Response<String>) -> Seen {
    let seen = Mutex::new(None);
    let answer = Mutex::new(Some(answer));
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let facts = Facts::current().expect("a service runs in its exchange's scope");
        *seen.lock().unwrap() = Some((facts, request.into_parts().0));
        Ok::<_, Infallible>(answer.lock().unwrap().take().expect("called once"))
    }));
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    drop(body);
    let (facts, inner_head) = seen.into_inner().unwrap().expect("the service was called");
    Seen { facts, head: inner_head, response: Response::from_parts(head, String::new()) }
}

async fn send(layer: RequestIdLayer, request: Request<()>) -> Seen {
    send_for(layer, request, Response::new(String::new())).await
}

fn request(headers: &[(&'static str, &[u8])]) -> Request<()> {
    let mut request = Request::new(());
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

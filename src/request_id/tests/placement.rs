//! What the documentation tells of where to put a client's layer.

use tower::ServiceBuilder;
use tower::buffer::BufferLayer;

use super::*;
use crate::testing::Recorder;

/// Tries twice, whatever happens.
#[derive(Clone)]
struct Twice(bool);

impl<T> tower::retry::Policy<Request<()>, T, Infallible> for Twice {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<()>,
        _: &mut Result<T, Infallible>,
    ) -> Option<Self::Future> {
        (!std::mem::replace(&mut self.0, true)).then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn outside_of_a_retry_its_attempts_share_one_id() {
    let recorder = Recorder::new();
    let sent = Mutex::new(Vec::new());
    let client = ServiceBuilder::new()
        .layer(RequestIdLayer::client())
        .retry(Twice(false))
        .layer(RequestIdLayer::client())
        .layer(recorder.layer(Side::Client))
        .service(service_fn(async |request: Request<()>| {
            sent.lock().unwrap().push(request.headers()["x-request-id"].clone());
            Ok::<_, Infallible>(Response::new(String::new()))
        }));
    drop(client.oneshot(request(&[])).await.unwrap());
    let sent = sent.into_inner().unwrap();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    let ids: Vec<_> = recorder.records().iter().map(|record| record.request_id).collect();
    assert_eq!(ids, [RequestId::from_bytes(sent[0].as_bytes()).ok(); 2]);
}

/// What a client sends that is called in a server's exchange of the ID `outer`.
async fn sent_from_within<S, B>(client: impl FnOnce(Answer) -> S) -> HeaderValue
where
    S: tower::Service<Request<()>, Response = Response<B>, Error: std::fmt::Debug> + Clone,
{
    let sent = Arc::new(Mutex::new(None));
    let seen = sent.clone();
    let client = client(Answer::new(service_fn(move |request: Request<()>| {
        *seen.lock().unwrap() = Some(request.headers()["x-request-id"].clone());
        std::future::ready(Ok(Response::new(String::new())))
    })));
    let server = RequestIdLayer::server().layer(service_fn(async |_: Request<()>| {
        client.clone().oneshot(request(&[])).await.unwrap();
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    server.oneshot(request(&[("x-request-id", b"outer")])).await.unwrap();
    sent.lock().unwrap().take().unwrap()
}

type Answer = tower::util::BoxCloneSyncService<Request<()>, Response<String>, Infallible>;

#[tokio::test]
async fn the_layer_belongs_outside_of_a_buffer() {
    let buffer = || BufferLayer::new(1);
    let ids = RequestIdLayer::client;
    let outside = sent_from_within(|answer| ids().layer(buffer().layer(answer))).await;
    assert_eq!(outside, "outer");
    let inside = sent_from_within(|answer| buffer().layer(ids().layer(answer))).await;
    assert_ne!(inside, "outer", "it runs on the buffer's worker");
}

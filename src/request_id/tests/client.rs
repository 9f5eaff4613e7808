use super::*;
use crate::exchange::InExchangeExt;

#[tokio::test]
async fn outside_of_any_exchange_a_new_id_is_sent() {
    let seen = send(RequestIdLayer::client(), request(&[])).await;
    let id = seen.id().unwrap();
    assert_eq!(seen.inside(), [id.as_bytes()]);
    assert!(seen.echoed().is_empty(), "a response is left as it is");
}

#[tokio::test]
async fn the_callers_own_header_is_never_changed() {
    let seen = send(RequestIdLayer::client(), request(&[("x-request-id", b"own")])).await;
    assert_eq!(seen.id().as_deref(), Some("own"));
    assert_eq!(seen.inside(), [b"own"]);

    let invalid = request(&[("x-request-id", b"not one\t")]);
    let seen = send(RequestIdLayer::client(), invalid).await;
    assert_eq!(seen.id(), None, "none rather than another than was sent");
    assert_eq!(seen.inside(), [b"not one\t"]);
    assert_eq!(seen.kept().as_deref(), Some(r"not one\t"));

    let twice = request(&[("x-request-id", b"a"), ("x-request-id", b"b")]);
    let seen = send(RequestIdLayer::client(), twice).await;
    assert_eq!(seen.id(), None);
    assert_eq!(seen.inside(), [b"a", b"b"]);
    assert_eq!(seen.kept().as_deref(), Some("a, b"));
}

#[tokio::test]
async fn other_sources_are_not_read() {
    let seen = send(RequestIdLayer::client(), request(&[("request-id", b"other")])).await;
    assert_ne!(seen.id().as_deref(), Some("other"));
    assert_eq!(seen.head.headers["request-id"], "other");
}

/// A server whose handler calls a client in `call`, in a poll and in a spawned task; answers what
/// was sent.
async fn sent_from_within(client: RequestIdLayer, headers: fn() -> Request<()>) -> Vec<String> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = RequestIdLayer::server().layer(service_fn(move |_: Request<()>| {
        let sender = sender.clone();
        let client = client.layer(service_fn(move |request: Request<()>| {
            let id = request.headers()["x-request-id"].to_str().unwrap().to_owned();
            sender.send(id).unwrap();
            std::future::ready(Ok::<_, Infallible>(Response::new(String::new())))
        }));
        let in_call = tower::Service::call(&mut client.clone(), headers());
        async move {
            in_call.await?;
            tokio::task::yield_now().await;
            client.clone().oneshot(headers()).await?;
            let spawned = tokio::spawn(client.oneshot(headers()).in_exchange());
            spawned.await.unwrap()?;
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    }));
    let response = server.oneshot(request(&[("x-request-id", b"outer")])).await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "outer");
    receiver.try_iter().collect()
}

#[tokio::test]
async fn inside_a_servers_exchange_its_id_is_sent() {
    let sent = sent_from_within(RequestIdLayer::client(), || request(&[])).await;
    assert_eq!(sent, ["outer"; 3]);
}

#[tokio::test]
async fn inside_a_servers_exchange_the_callers_own_header_goes_first() {
    let own = || request(&[("x-request-id", b"own")]);
    assert_eq!(sent_from_within(RequestIdLayer::client(), own).await, ["own"; 3]);
}

#[tokio::test]
async fn an_id_is_inherited_across_an_exchange_that_has_none() {
    let seen = Mutex::new(None);
    let client = RequestIdLayer::client().layer(service_fn(async |_: Request<()>| {
        *seen.lock().unwrap() = Facts::current().and_then(|facts| facts.request_id().copied());
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let between = ObserveLayer::new(Side::Server, ())
        .layer(service_fn(async |_: Request<()>| client.clone().oneshot(request(&[])).await));
    let server = RequestIdLayer::server()
        .layer(service_fn(async |_: Request<()>| between.clone().oneshot(request(&[])).await));
    server.oneshot(request(&[("x-request-id", b"outer")])).await.unwrap();
    assert_eq!(seen.into_inner().unwrap().unwrap().as_str(), "outer");
}

#[tokio::test]
async fn each_attempt_of_a_retry_sends_the_same_id() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let client = RequestIdLayer::client().layer(service_fn(async |request: Request<()>| {
        sender.send(request.headers()["x-request-id"].clone()).unwrap();
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let server = RequestIdLayer::server().layer(service_fn(async |_: Request<()>| {
        let again = request(&[]);
        client.clone().oneshot(again.clone()).await?;
        client.clone().oneshot(again).await
    }));
    server.oneshot(request(&[("x-request-id", b"outer")])).await.unwrap();
    assert!(receiver.try_iter().eq(["outer"; 2]));
}

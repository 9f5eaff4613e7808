//! The gRPC health protocol, over real connections.

use std::collections::HashMap;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_prost::ProstCodec;
use tower_observability::health::GrpcHealth;

use super::*;
use ServingStatus::{NotServing, ServiceUnknown, Serving};

/// A server, which ends gracefully when told.
struct Served {
    channel: Channel,
    end: oneshot::Sender<()>,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
}

async fn serve(health: &Health) -> Served {
    let service = GrpcHealth::new(health)
        .service("shop.Payment", Group::Ready)
        .unwrap()
        .service("shop.Admin", Group::Live)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel();
    let ended = async move {
        let _ = ended.await;
    };
    let router = Server::builder().add_service(service);
    let incoming = TcpListenerStream::new(listener);
    let server = tokio::spawn(router.serve_with_incoming_shutdown(incoming, ended));
    let channel = Endpoint::new(format!("http://{address}")).unwrap().connect().await.unwrap();
    Served { channel, end, server }
}

async fn check(channel: &Channel, service: &str) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let checked = HealthClient::new(channel.clone()).check(request).await;
    checked.map(|response| response.get_ref().status()).map_err(|status| status.code())
}

async fn watch(
    channel: &Channel,
    service: &str,
) -> Result<Streaming<HealthCheckResponse>, tonic::Status> {
    let request = HealthCheckRequest { service: service.to_owned() };
    Ok(HealthClient::new(channel.clone()).watch(request).await?.into_inner())
}

async fn next(watched: &mut Streaming<HealthCheckResponse>) -> Option<ServingStatus> {
    watched.message().await.unwrap().map(|response| response.status())
}

#[derive(Clone, PartialEq, prost::Message)]
struct ListRequest {}

#[derive(Clone, PartialEq, prost::Message)]
struct ListResponse {
    #[prost(map = "string, message", tag = "1")]
    statuses: HashMap<String, HealthCheckResponse>,
}

async fn list(channel: &Channel) -> Vec<(String, ServingStatus)> {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/grpc.health.v1.Health/List");
    let codec = ProstCodec::<ListRequest, ListResponse>::default();
    let request = tonic::Request::new(ListRequest {});
    let listed = client.unary(request, path, codec).await.unwrap().into_inner();
    let statuses = listed.statuses.into_iter();
    let mut statuses: Vec<_> = statuses.map(|(name, told)| (name, told.status())).collect();
    statuses.sort();
    statuses
}

fn listed(ready: ServingStatus, live: ServingStatus) -> Vec<(String, ServingStatus)> {
    [
        ("", ready),
        ("live", live),
        ("ready", ready),
        ("shop.Admin", live),
        ("shop.Payment", ready),
        ("startup", Serving),
    ]
    .map(|(name, status)| (name.to_owned(), status))
    .into()
}

#[tokio::test]
async fn not_serving_before_the_first_pass_and_serving_after_it() {
    let (component, is_well) = switched("db", &[Group::Ready]);
    let health = builder().component(component).start().unwrap();
    let Served { channel, end, server } = serve(&health).await;
    for service in ["", "ready", "shop.Payment"] {
        assert_eq!(check(&channel, service).await, Ok(NotServing), "{service}");
    }
    for service in ["live", "startup", "shop.Admin"] {
        assert_eq!(check(&channel, service).await, Ok(Serving), "{service}");
    }
    assert_eq!(check(&channel, "shop.Other").await, Err(Code::NotFound));
    assert_eq!(list(&channel).await, listed(NotServing, Serving));
    is_well.store(true, Ordering::Relaxed);
    health.until_healthy(Group::Ready).await;
    assert_eq!(check(&channel, "").await, Ok(Serving));
    assert_eq!(list(&channel).await, listed(Serving, Serving));
    health.drain();
    assert_eq!(check(&channel, "").await, Ok(NotServing));
    assert_eq!(check(&channel, "live").await, Ok(Serving));
    end.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_watch_tells_each_change_and_ends_when_the_service_drains() {
    let (component, is_well) = switched("db", &[Group::Ready]);
    let health = builder().component(component).start().unwrap();
    let Served { channel, end, server } = serve(&health).await;
    let mut ready = watch(&channel, "shop.Payment").await.unwrap();
    let mut live = watch(&channel, "live").await.unwrap();
    let mut unknown = watch(&channel, "shop.Other").await.unwrap();
    assert_eq!(next(&mut ready).await, Some(NotServing));
    assert_eq!(next(&mut live).await, Some(Serving));
    assert_eq!(next(&mut unknown).await, Some(ServiceUnknown));
    is_well.store(true, Ordering::Relaxed);
    assert_eq!(next(&mut ready).await, Some(Serving));
    is_well.store(false, Ordering::Relaxed);
    assert_eq!(next(&mut ready).await, Some(NotServing));
    is_well.store(true, Ordering::Relaxed);
    assert_eq!(next(&mut ready).await, Some(Serving));
    health.drain();
    assert_eq!(next(&mut ready).await, Some(NotServing));
    for watched in [&mut ready, &mut live, &mut unknown] {
        assert_eq!(next(watched).await, None);
    }
    let refused = watch(&channel, "shop.Payment").await.map(drop).unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    end.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_open_watch_does_not_hold_up_a_graceful_end() {
    let health = builder().start().unwrap();
    let Served { channel, end, mut server } = serve(&health).await;
    let mut watched = watch(&channel, "").await.unwrap();
    assert_eq!(next(&mut watched).await, Some(Serving));
    end.send(()).unwrap();
    // it would wait for the stream for ever
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(!server.is_finished());
    }
    health.drain();
    (&mut server).await.unwrap().unwrap();
    assert_eq!(next(&mut watched).await, Some(NotServing));
    assert_eq!(next(&mut watched).await, None);
}

#[tokio::test]
async fn a_watch_ends_when_the_checks_stop() {
    let health = builder().start().unwrap();
    let Served { channel, end, server } = serve(&health).await;
    let mut watched = watch(&channel, "").await.unwrap();
    assert_eq!(next(&mut watched).await, Some(Serving));
    health.stop();
    assert_eq!(next(&mut watched).await, Some(NotServing));
    assert_eq!(next(&mut watched).await, None);
    end.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_service_has_one_group() {
    let health = builder().start().unwrap();
    let twice = GrpcHealth::new(&health).service("live", Group::Ready).unwrap_err();
    assert_eq!((twice.field(), twice.value()), ("service", "live"));
}

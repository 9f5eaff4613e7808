//! The gRPC health protocol.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream as Changes;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, StdError};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as Protocol, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_prost::ProstCodec;
use tower_service::Service;

use super::board::{Board, State};
use super::{Group, Health};
use crate::config::ConfigError;

/// The service `grpc.health.v1.Health` of the
/// [gRPC health checking protocol](https://github.com/grpc/grpc/blob/master/doc/health-checking.md): `Check`,
/// `Watch` and `List`, by what the probes over HTTP read.
///
/// | service | told is |
/// |---|---|
/// | the empty name, `ready` | [`Group::Ready`] |
/// | `live`, `startup` | that group |
/// | what was [added](Self::service) | the group it was added with |
///
/// Pass and warn are `SERVING`, fail is `NOT_SERVING`. Of a service that is not known, `Check` is
/// `NOT_FOUND`, and `Watch` tells `SERVICE_UNKNOWN` and goes on.
///
/// When the service drains or stops, an open `Watch` tells its last status and ends, so that it does not
/// hold up a graceful shutdown; a new one is refused as `UNAVAILABLE`, without a message, as clients ask again at
/// once after one.
///
/// ```no_run
/// use tonic::transport::Server;
/// use tower_observability::health::{GrpcHealth, Group, Health};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let health = Health::builder().start()?;
/// let service = GrpcHealth::new(&health).service("shop.Payment", Group::Ready)?;
/// Server::builder().add_service(service).serve("127.0.0.1:50051".parse()?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct GrpcHealth {
    answers: Arc<Answers>,
}

#[derive(Clone)]
struct Answers {
    health: Health,
    services: Vec<(String, Group)>,
}

impl GrpcHealth {
    /// Answers for the empty name and the groups.
    #[must_use]
    pub fn new(health: &Health) -> Self {
        let groups = Group::ALL.map(|group| (group.as_str().to_owned(), group));
        let services = [(String::new(), Group::Ready)].into_iter().chain(groups).collect();
        Self { answers: Arc::new(Answers { health: health.clone(), services }) }
    }

    /// Answers for one more service, by its full name, such as `shop.Payment`.
    ///
    /// # Errors
    /// On a name that is there already.
    pub fn service(mut self, name: impl Into<String>, group: Group) -> Result<Self, ConfigError> {
        let name = name.into();
        if self.answers.group(&name).is_some() {
            return Err(ConfigError::new("service", name, "each name once"));
        }
        Arc::make_mut(&mut self.answers).services.push((name, group));
        Ok(self)
    }
}

impl fmt::Debug for GrpcHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcHealth")
            .field("services", &self.answers.services)
            .finish_non_exhaustive()
    }
}

impl NamedService for GrpcHealth {
    const NAME: &'static str = tonic_health::pb::health_server::SERVICE_NAME;
}

impl<B> Service<Request<B>> for GrpcHealth
where
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = GrpcHealthFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> GrpcHealthFuture {
        if request.uri().path() != LIST {
            // what was generated for `Check` and `Watch`, and answers UNIMPLEMENTED for the rest
            let mut server = HealthServer::from_arc(Arc::clone(&self.answers));
            return GrpcHealthFuture(Service::call(&mut server, request));
        }
        let list = List(Arc::clone(&self.answers));
        GrpcHealthFuture(Box::pin(async move {
            Ok(Grpc::new(ProstCodec::default()).unary(list, request).await)
        }))
    }
}

/// The future of a [`GrpcHealth`].
pub struct GrpcHealthFuture(BoxFuture<Response<Body>, Infallible>);

impl Future for GrpcHealthFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for GrpcHealthFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcHealthFuture").finish_non_exhaustive()
    }
}

impl Answers {
    fn group(&self, service: &str) -> Option<Group> {
        self.services.iter().find(|(name, _)| name == service).map(|(_, group)| *group)
    }
}

fn serving(board: &Arc<Board>, group: Group) -> ServingStatus {
    match board.snapshot().group(group).is_healthy() {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl Protocol for Answers {
    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, tonic::Status> {
        let group = self.group(&request.get_ref().service);
        let group = group.ok_or_else(|| tonic::Status::not_found("unknown service"))?;
        Ok(tonic::Response::new(response(serving(self.health.board(), group))))
    }

    type WatchStream = Watched;

    async fn watch(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Watched>, tonic::Status> {
        let board = self.health.board();
        if board.state().is_draining {
            return Err(tonic::Status::unavailable("the service is draining"));
        }
        Ok(tonic::Response::new(Watched {
            board: Arc::clone(board),
            changes: Changes::new(board.subscribe()),
            group: self.group(&request.get_ref().service),
            told: None,
            is_over: false,
        }))
    }
}

/// What a `Watch` tells. It does not keep the checks running.
struct Watched {
    board: Arc<Board>,
    changes: Changes<Arc<State>>,
    /// Nothing for a service that is not known.
    group: Option<Group>,
    told: Option<ServingStatus>,
    is_over: bool,
}

impl Stream for Watched {
    type Item = Result<HealthCheckResponse, tonic::Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.is_over {
            let Some(state) = ready!(Pin::new(&mut self.changes).poll_next(cx)) else {
                break;
            };
            self.is_over = state.is_draining;
            let status = match self.group {
                Some(group) => serving(&self.board, group),
                None => ServingStatus::ServiceUnknown,
            };
            if self.told.replace(status) != Some(status) {
                return Poll::Ready(Some(Ok(response(status))));
            }
        }
        Poll::Ready(None)
    }
}

const LIST: &str = "/grpc.health.v1.Health/List";

/// The messages of `List`, which tonic-health's protos do not have yet.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthListRequest {}

#[derive(Clone, PartialEq, prost::Message)]
struct HealthListResponse {
    #[prost(map = "string, message", tag = "1")]
    statuses: HashMap<String, HealthCheckResponse>,
}

struct List(Arc<Answers>);

impl UnaryService<HealthListRequest> for List {
    type Response = HealthListResponse;
    type Future = BoxFuture<tonic::Response<HealthListResponse>, tonic::Status>;

    fn call(&mut self, _: tonic::Request<HealthListRequest>) -> Self::Future {
        let board = self.0.health.board();
        let services = self.0.services.iter();
        let statuses =
            services.map(|(name, group)| (name.clone(), response(serving(board, *group))));
        let listed = HealthListResponse { statuses: statuses.collect() };
        Box::pin(async move { Ok(tonic::Response::new(listed)) })
    }
}

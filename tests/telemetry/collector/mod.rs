//! A receiver of OTLP over gRPC and over HTTP, which does with each request what a test says.

mod services;

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::post;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::LogsServiceServer;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::MetricsServiceServer;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::TraceServiceServer;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tower_observability::telemetry::Protocol;

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Take,
    /// Takes it, but says that this many items were rejected.
    Reject(i64),
    /// For now: UNAVAILABLE, 503.
    Busy,
    /// For good: INVALID_ARGUMENT, 400.
    Refuse,
    /// Never answers.
    Hang,
}

/// A request as it came, with its headers.
#[derive(Clone, Debug)]
pub(crate) struct Received<R> {
    pub(crate) headers: HeaderMap,
    pub(crate) request: R,
}

/// What came, and what is done with it.
#[derive(Clone)]
pub(crate) struct Seen {
    answers: Arc<Mutex<Vec<Answer>>>,
    pub(crate) traces: Arc<Mutex<Vec<Received<ExportTraceServiceRequest>>>>,
    pub(crate) logs: Arc<Mutex<Vec<Received<ExportLogsServiceRequest>>>>,
    pub(crate) metrics: Arc<Mutex<Vec<Received<ExportMetricsServiceRequest>>>>,
    /// How many requests came, taken or not.
    requests: watch::Sender<usize>,
    /// How many requests were given up by whoever sent them.
    given_up: watch::Sender<usize>,
}

/// A request that is never answered; says so when it is given up.
struct Hanging(watch::Sender<usize>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count += 1);
    }
}

/// A receiver on a thread of its own, so that no test's runtime serves it.
pub(crate) struct Collector {
    pub(crate) seen: Seen,
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Collector {
    /// One that answers the first requests so, and all others as the last of them.
    pub(crate) fn start(protocol: Protocol, answers: &[Answer]) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), protocol, answers)
    }

    /// One at this address.
    pub(crate) fn start_at(address: SocketAddr, protocol: Protocol, answers: &[Answer]) -> Self {
        let mut answers = answers.to_vec();
        answers.reverse();
        let seen = Seen {
            answers: Arc::new(Mutex::new(answers)),
            traces: Arc::default(),
            logs: Arc::default(),
            metrics: Arc::default(),
            requests: watch::Sender::new(0),
            given_up: watch::Sender::new(0),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .on_thread_start(|| {
                // a receiver is another process in life: what it logs is not this program's
                std::mem::forget(opentelemetry::Context::enter_telemetry_suppressed_scope());
            })
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener).unwrap()
        };
        let state = seen.clone();
        match protocol {
            Protocol::Grpc => runtime.spawn(async move {
                tonic::transport::Server::builder()
                    .add_service(TraceServiceServer::new(state.clone()))
                    .add_service(LogsServiceServer::new(state.clone()))
                    .add_service(MetricsServiceServer::new(state))
                    .serve_with_incoming(TcpListenerStream::new(listener))
                    .await
                    .unwrap();
            }),
            Protocol::HttpProtobuf => runtime.spawn(async move {
                let router = Router::new()
                    .route("/v1/traces", post(services::http_traces))
                    .route("/v1/logs", post(services::http_logs))
                    .route("/v1/metrics", post(services::http_metrics))
                    .with_state(state);
                axum::serve(listener, router).await.unwrap();
            }),
        };
        Self { seen, address, runtime: Some(runtime) }
    }

    /// Closes all connections, and the address; not inside of a runtime.
    pub(crate) fn stop(mut self) -> SocketAddr {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(crate::kit::LONG);
        }
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until this many requests came.
    pub(crate) async fn requests(&self, count: usize) {
        let mut requests = self.seen.requests.subscribe();
        requests.wait_for(|seen| *seen >= count).await.unwrap();
    }

    /// Waits until this many requests were given up.
    pub(crate) async fn given_up(&self, count: usize) {
        let mut given_up = self.seen.given_up.subscribe();
        given_up.wait_for(|seen| *seen >= count).await.unwrap();
    }

    /// The requests with traces, in the order in which they came.
    pub(crate) fn traces(&self) -> Vec<Received<ExportTraceServiceRequest>> {
        self.seen.traces.lock().unwrap().clone()
    }

    /// The requests with logs.
    pub(crate) fn logs(&self) -> Vec<Received<ExportLogsServiceRequest>> {
        self.seen.logs.lock().unwrap().clone()
    }

    /// The requests with metrics.
    pub(crate) fn metrics(&self) -> Vec<Received<ExportMetricsServiceRequest>> {
        self.seen.metrics.lock().unwrap().clone()
    }

    /// How many spans were taken.
    pub(crate) fn spans(&self) -> u64 {
        let count = |received: &Received<ExportTraceServiceRequest>| {
            let resources = received.request.resource_spans.iter();
            resources.flat_map(|one| &one.scope_spans).map(|scope| scope.spans.len()).sum::<usize>()
        };
        self.traces().iter().map(count).sum::<usize>() as u64
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Seen {
    fn answer(&self) -> Answer {
        let mut answers = self.answers.lock().unwrap();
        let answer = *answers.last().unwrap();
        if answers.len() > 1 {
            answers.pop();
        }
        answer
    }

    /// Keeps what is taken, and says how many items are rejected, or why all are.
    async fn keep<R>(
        &self,
        list: &Mutex<Vec<Received<R>>>,
        headers: HeaderMap,
        request: R,
    ) -> Result<Option<i64>, Answer> {
        let answer = self.answer();
        if matches!(answer, Answer::Take | Answer::Reject(_)) {
            list.lock().unwrap().push(Received { headers, request });
        }
        self.requests.send_modify(|count| *count += 1);
        match answer {
            Answer::Take => Ok(None),
            Answer::Reject(count) => Ok(Some(count)),
            Answer::Hang => {
                let _hanging = Hanging(self.given_up.clone());
                match pending::<Infallible>().await {}
            }
            refused => Err(refused),
        }
    }
}

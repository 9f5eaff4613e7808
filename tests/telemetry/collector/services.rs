//! The services of the official protocol.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::LogsService;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::MetricsService;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::TraceService;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;

use super::{Answer, Seen};

impl Seen {
    async fn keep_traces(
        &self,
        headers: HeaderMap,
        request: ExportTraceServiceRequest,
    ) -> Result<ExportTraceServiceResponse, Answer> {
        let rejected = self.keep(&self.traces, headers, request).await?;
        Ok(ExportTraceServiceResponse {
            partial_success: rejected.map(|rejected_spans| ExportTracePartialSuccess {
                rejected_spans,
                error_message: "too old".to_owned(),
            }),
        })
    }

    async fn keep_logs(
        &self,
        headers: HeaderMap,
        request: ExportLogsServiceRequest,
    ) -> Result<ExportLogsServiceResponse, Answer> {
        let rejected = self.keep(&self.logs, headers, request).await?;
        Ok(ExportLogsServiceResponse {
            partial_success: rejected.map(|rejected_log_records| ExportLogsPartialSuccess {
                rejected_log_records,
                error_message: "too old".to_owned(),
            }),
        })
    }

    async fn keep_metrics(
        &self,
        headers: HeaderMap,
        request: ExportMetricsServiceRequest,
    ) -> Result<ExportMetricsServiceResponse, Answer> {
        let rejected = self.keep(&self.metrics, headers, request).await?;
        Ok(ExportMetricsServiceResponse {
            partial_success: rejected.map(|rejected_data_points| ExportMetricsPartialSuccess {
                rejected_data_points,
                error_message: "too old".to_owned(),
            }),
        })
    }
}

fn status(answer: Answer) -> tonic::Status {
    match answer {
        Answer::Busy => tonic::Status::unavailable("busy"),
        _ => tonic::Status::invalid_argument("no"),
    }
}

#[tonic::async_trait]
impl TraceService for Seen {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let headers = request.metadata().clone().into_headers();
        let kept = self.keep_traces(headers, request.into_inner()).await;
        kept.map(tonic::Response::new).map_err(status)
    }
}

#[tonic::async_trait]
impl LogsService for Seen {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, tonic::Status> {
        let headers = request.metadata().clone().into_headers();
        let kept = self.keep_logs(headers, request.into_inner()).await;
        kept.map(tonic::Response::new).map_err(status)
    }
}

#[tonic::async_trait]
impl MetricsService for Seen {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        let headers = request.metadata().clone().into_headers();
        let kept = self.keep_metrics(headers, request.into_inner()).await;
        kept.map(tonic::Response::new).map_err(status)
    }
}

fn answered<M: Message>(kept: Result<M, Answer>) -> Response {
    match kept {
        Ok(message) => {
            ([("content-type", "application/x-protobuf")], message.encode_to_vec()).into_response()
        }
        Err(Answer::Busy) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

pub(super) async fn http_traces(
    State(seen): State<Seen>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(seen.keep_traces(headers, Message::decode(body).unwrap()).await)
}

pub(super) async fn http_logs(
    State(seen): State<Seen>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(seen.keep_logs(headers, Message::decode(body).unwrap()).await)
}

pub(super) async fn http_metrics(
    State(seen): State<Seen>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(seen.keep_metrics(headers, Message::decode(body).unwrap()).await)
}

//! Every exchange counted once, with its duration, by labels that nobody can blow up.
//!
//! ```
//! use axum::{Router, routing::get};
//! use prometheus::Registry;
//! use tower_observability::metrics::MetricsLayer;
//!
//! let registry = Registry::new(); // or prometheus::default_registry()
//! let layer = MetricsLayer::server().register(&registry)?;
//! let app: Router = Router::new().route("/users/{id}", get(|| async { "ada" })).layer(layer);
//! # Ok::<(), tower_observability::metrics::RegisterError>(())
//! ```
//!
//! The layer records into instruments of its own, which the registry reads when it is scraped, beside
//! the user's own metrics. It needs no runtime, no thread and no port, and holds no more for being
//! scraped seldom or never. Clone a layer to put it around several services.
//!
//! # What is measured
//!
//! | of a server's HTTP exchanges | what |
//! |---|---|
//! | `http_server_request_duration_seconds` | from the start to the end of the body, or whatever end came |
//! | `http_server_time_to_first_byte_seconds` | from the start to the response headers, if there were any |
//! | `http_server_request_body_size_bytes` | the request's Content-Length, if it has one, at most 1 TiB |
//! | `http_server_response_body_size_bytes` | the bytes handed over, once for each response |
//! | `http_server_active_requests` | under way now, by method and scheme |
//! | `http_server_active_requests_max` | the most under way at once since the last scrape |
//! | `http_server_poll_ready_duration_seconds` | how long the service kept a request waiting before it could be called; with `error_type` `refused` or `cancelled` where it never was |
//! | `http_server_shed_requests_total` | not taken on: tower's `Overloaded`, and [what else](MetricsBuilder::shed_when) |
//! | `http_server_overflow_requests_total` | counted under `_overflow`, see below |
//! | `feature_flag_evaluations_total` | evaluations of feature flags in server exchanges, by key and variant; `_overflow` for what is over the bound ([`flag`](crate::exchange::flag)) |
//! | `feature_flag_exchange_duration_seconds` | duration of the exchanges in which they were evaluated, by key, variant and error |
//!
//! A client's are called `http_client_...`. How many there are and how fast they come is what the
//! `_count` of each histogram tells.
//!
//! An exchange that proves to be gRPC is counted as such and not as HTTP:
//! `rpc_server_call_duration_seconds`, `rpc_server_time_to_first_byte_seconds`,
//! `rpc_server_request_body_size_bytes`, `rpc_server_response_body_size_bytes`,
//! `rpc_server_active_calls` and its `_max`, and `rpc_client_...` alike. What is under way is one of
//! the calls by its content type, as nothing has been answered yet.
//!
//! The names and labels are those of OpenTelemetry's
//! [semantic conventions](https://opentelemetry.io/docs/specs/semconv/), as they are translated for
//! Prometheus, so that dashboards and rules hold whichever way the data travels.
//!
//! # Labels
//!
//! | label | value |
//! |---|---|
//! | `http_request_method` | a known method, else `_OTHER` |
//! | `http_route` | a server's template, `_unmatched` where none was matched |
//! | `url_template` | a client's template, if one was told: see [`Routes`](crate::route::Routes) |
//! | `http_response_status_code` | what was sent, if anything was |
//! | `url_scheme` | `http`, `https` or `_OTHER` |
//! | `rpc_method`, `rpc_response_status_code`, `rpc_system_name` | the gRPC method (`_OTHER` if it is not [known](crate::route::Routes#grpc-methods-of-a-server)), the name of its status, `grpc` |
//! | `server_address`, `server_port` | where a client's request went |
//! | `error_type` | what went wrong, as log and span tell it: `503`, `UNAVAILABLE`, `cancelled`, `panic` |
//!
//! Nothing that a caller writes becomes a label: no path, no Host, no unknown method. What remains is
//! bounded: after [`max_series`](MetricsBuilder::max_series) series (2000) the route of a new one is
//! `_overflow` and its method and status stay, so that totals are exact; after
//! [`max_servers`](MetricsBuilder::max_servers) servers (100) a client's server is `_overflow`. Series
//! are never dropped.
//!
//! # Exemplars
//!
//! Each bucket keeps the trace and span of one sampled exchange, and takes another one at most once a
//! second. The trace is that of the exchange: put a trace layer around or beside this one.
//! OpenMetrics tells them, the text format 0.0.4 cannot.
//!
//! # What it costs
//!
//! An exchange takes no lock and, once its series is there, allocates nothing. Each histogram is split
//! among as many threads as there are processors (at most 8), so that two of them do not write the
//! same memory; a scrape adds up the parts.
//!
//! # What it cannot do
//!
//! - The time that a request waits in `poll_ready` comes before the exchange and is not part of its
//!   duration.
//! - A queue outside of the layer, such as tower's `Buffer` around it or the listener's, is not seen.
//! - An `Overloaded` that a layer inside turned into a response is a response: put the layer inside of
//!   axum's `HandleErrorLayer`, or count by status.
//! - A request body without Content-Length is not measured.

mod builder;
pub(crate) mod collect;
mod collector;
mod definitions;
pub(crate) mod exposition;
mod flags;
pub(crate) mod instrument;
mod instruments;
pub(crate) mod names;
mod observer;
#[cfg_attr(not(feature = "otel-metrics"), path = "otel/off.rs")]
mod otel;
pub(crate) mod register;
mod routes;
pub mod saturation;
mod series;
#[cfg(all(test, feature = "testing"))]
mod tests;

pub use builder::MetricsBuilder;
pub use exposition::{Format, MetricsBody, MetricsFuture, MetricsService, encode};
pub use observer::{Measuring, Metrics};
pub use register::RegisterError;

use crate::exchange::ObserveLayer;

/// The layer that measures each exchange.
pub type MetricsLayer = ObserveLayer<Metrics>;

//! What tells one series of exchanges from another, whoever tells it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use crate::config::Addresses;
use crate::scrape::{Durations, Labels, Scrape};
use crate::seen::Row;
use crate::telemetry::SERVICE;

/// The labels of a series; `-` where there is nothing to tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The name of the place that measures it.
    pub place: String,
    /// Of HTTP; gRPC has no other than POST.
    pub method: String,
    pub route: String,
    /// The status of HTTP or gRPC.
    pub status: String,
    pub error: String,
}

/// One for each protocol and side; an exchange is in one of them.
const FAMILIES: [&str; 4] = [
    "http_server_request_duration_seconds",
    "http_client_request_duration_seconds",
    "rpc_server_call_duration_seconds",
    "rpc_client_call_duration_seconds",
];

/// How long the exchanges of each series took between two scrapes.
pub fn between(
    before: &Scrape,
    after: &Scrape,
    addresses: &Addresses,
) -> BTreeMap<Series, Durations> {
    let families = FAMILIES.iter().flat_map(|family| after.since(before, family));
    families.map(|(labels, told)| (Series::of_labels(&labels, addresses), told)).collect()
}

impl Series {
    /// The series that an exchange belongs to.
    pub fn of_row([place, method, route, _, status, grpc, error, ..]: &Row) -> Self {
        let is_grpc = grpc != "-";
        let is_unmatched = route == "-" && !place.starts_with('→');
        Self {
            place: place.clone(),
            method: if is_grpc { "-" } else { method }.to_owned(),
            route: if is_unmatched { "_unmatched" } else { route }.to_owned(),
            status: if is_grpc { grpc } else { status }.clone(),
            error: error.clone(),
        }
    }

    fn of_labels(labels: &Labels, addresses: &Addresses) -> Self {
        let told = |names: &[&str]| told(labels, names);
        let port = told(&["server_port"]);
        let called = |address: SocketAddr| port == address.port().to_string();
        Self {
            place: match port.as_str() {
                "-" => told(&[SERVICE]),
                _ if called(addresses.inventory) => "→inventory".to_owned(),
                _ if called(addresses.payment) => "→payment".to_owned(),
                _ => format!("→{port}"),
            },
            method: told(&["http_request_method"]),
            route: told(&["http_route", "url_template", "rpc_method"]),
            status: told(&["http_response_status_code", "rpc_response_status_code"]),
            error: told(&["error_type"]),
        }
    }
}

/// The value of the first of these labels that there is.
pub fn told(labels: &Labels, names: &[&str]) -> String {
    let value = names.iter().find_map(|name| labels.get(*name));
    value.map_or("-", String::as_str).to_owned()
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, method, route, status, error } = self;
        write!(f, "{place} {method} {route} {status} {error}")
    }
}

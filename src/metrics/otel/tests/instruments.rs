//! The instruments as the SDK knows them: names, units, descriptions, attributes and their types.

use std::collections::BTreeMap;

use http::Request;
use opentelemetry::{KeyValue, Value};
use tower::{Layer, ServiceExt};

use super::{Sdk, points};
use crate::classify::Side;
use crate::metrics::MetricsLayer;
use crate::metrics::definitions::Each;
use crate::testing::Script;

/// With the layer, as one that is gone tells nothing more.
async fn recorded(side: Side, script: Script, request: Request<()>) -> (Sdk, MetricsLayer) {
    let sdk = Sdk::new();
    let builder = match side {
        Side::Server => MetricsLayer::server(),
        Side::Client => MetricsLayer::client(),
    };
    let layer = builder.constant_label("zone", "z").meter_provider(&sdk.provider).build().unwrap();
    layer.layer(script).oneshot(request).await.unwrap();
    (sdk, layer)
}

/// The attributes of the only point of each metric.
fn attributes(sdk: &Sdk) -> BTreeMap<String, Vec<KeyValue>> {
    let mut all = BTreeMap::new();
    sdk.each(|_, metric| {
        let mut points = points(metric);
        assert_eq!(points.len(), 1, "{}", metric.name());
        let (mut attributes, _) = points.remove(0);
        attributes.sort_by(|one, other| one.key.cmp(&other.key));
        all.insert(metric.name().to_owned(), attributes);
    });
    all
}

fn request(method: &str, uri: &str) -> Request<()> {
    Request::builder().method(method).uri(uri).header("content-length", "3").body(()).unwrap()
}

fn of(pairs: &[(&'static str, Value)]) -> Vec<KeyValue> {
    let zone = ("zone", Value::from("z"));
    let pairs = pairs.iter().cloned().chain([zone]);
    pairs.map(|(key, value)| KeyValue::new(key, value)).collect()
}

#[tokio::test]
async fn a_server_tells_these_attributes() {
    let script = Script::status(http::StatusCode::BAD_GATEWAY);
    let (sdk, _layer) = recorded(Side::Server, script, request("POST", "/")).await;
    let exchange = of(&[
        ("error.type", "502".into()),
        ("http.request.method", "POST".into()),
        ("http.response.status_code", Value::I64(502)),
        ("http.route", "_unmatched".into()),
        ("url.scheme", "http".into()),
    ]);
    let active = of(&[("http.request.method", "POST".into()), ("url.scheme", "http".into())]);
    let expected = [
        ("http.server.active_requests", active.clone()),
        ("http.server.active_requests_max", active),
        ("http.server.overflow_requests", of(&[])),
        ("http.server.poll_ready.duration", of(&[])),
        ("http.server.request.body.size", exchange.clone()),
        ("http.server.request.duration", exchange.clone()),
        ("http.server.response.body.size", exchange.clone()),
        ("http.server.shed_requests", of(&[])),
        ("http.server.time_to_first_byte", exchange),
    ];
    let expected = expected.map(|(name, attributes)| (name.to_owned(), attributes));
    assert_eq!(attributes(&sdk), BTreeMap::from(expected));
}

#[tokio::test]
async fn a_client_tells_these_attributes_of_a_call() {
    let script = Script::status(http::StatusCode::OK)
        .with_header("content-type", "application/grpc")
        .with_header("grpc-status", "14");
    let mut call = request("POST", "https://pay.example/shop.Cart/Add");
    call.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
    let (sdk, _layer) = recorded(Side::Client, script, call).await;
    let exchange = of(&[
        ("error.type", "UNAVAILABLE".into()),
        ("rpc.method", "shop.Cart/Add".into()),
        ("rpc.response.status_code", "UNAVAILABLE".into()),
        ("rpc.system.name", "grpc".into()),
        ("server.address", "pay.example".into()),
        ("server.port", Value::I64(443)),
    ]);
    let active = of(&[("rpc.system.name", "grpc".into())]);
    let expected = [
        ("http.client.overflow_requests", of(&[])),
        ("http.client.poll_ready.duration", of(&[])),
        ("http.client.shed_requests", of(&[])),
        ("rpc.client.active_calls", active.clone()),
        ("rpc.client.active_calls_max", active),
        ("rpc.client.call.duration", exchange.clone()),
        ("rpc.client.request.body.size", exchange.clone()),
        ("rpc.client.response.body.size", exchange.clone()),
        ("rpc.client.time_to_first_byte", exchange),
    ];
    let expected = expected.map(|(name, attributes)| (name.to_owned(), attributes));
    assert_eq!(attributes(&sdk), BTreeMap::from(expected));
}

#[tokio::test]
async fn units_descriptions_and_scope_are_told() {
    let (sdk, _layer) =
        recorded(Side::Server, Script::status(http::StatusCode::OK), request("GET", "/")).await;
    let described = Each::of(Side::Server).into_all();
    let described: BTreeMap<_, _> =
        described.map(|definition| (definition.name, definition.description)).collect();
    let mut units = Vec::new();
    sdk.each(|scope, metric| {
        assert_eq!(scope.name(), "tower-observability");
        assert_eq!(scope.version(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(scope.schema_url(), Some("https://opentelemetry.io/schemas/1.44.0"));
        assert_eq!(Some(metric.description()), described.get(metric.name()).copied());
        units.push((metric.name().to_owned(), metric.unit().to_owned()));
    });
    units.sort();
    let expected = [
        ("http.server.active_requests", "{request}"),
        ("http.server.active_requests_max", "{request}"),
        ("http.server.overflow_requests", "{request}"),
        ("http.server.poll_ready.duration", "s"),
        ("http.server.request.body.size", "By"),
        ("http.server.request.duration", "s"),
        ("http.server.response.body.size", "By"),
        ("http.server.shed_requests", "{request}"),
        ("http.server.time_to_first_byte", "s"),
    ];
    assert_eq!(units, expected.map(|(name, unit)| (name.to_owned(), unit.to_owned())));
}

#[tokio::test]
async fn the_length_that_a_caller_claims_harms_no_sum() {
    let sdk = Sdk::new();
    let layer = MetricsLayer::server().meter_provider(&sdk.provider).build().unwrap();
    for _ in 0..3 {
        let length = "9".repeat(19);
        let request = Request::builder().header("content-length", length).body(()).unwrap();
        layer.layer(Script::status(http::StatusCode::OK)).oneshot(request).await.unwrap();
    }
    let told = sdk.told();
    let super::Point::Histogram(_, 3, sum) =
        super::only(&told, "http_server_request_body_size_bytes")
    else {
        panic!("{told:?}");
    };
    // as much as is told of one
    assert_eq!(*sum, 3.0 * (1_u64 << 40) as f64);
}

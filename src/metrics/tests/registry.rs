//! Layers, registries, and settings that cannot be used.

use http::StatusCode;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tower::{Layer, ServiceExt};

use super::*;
use crate::metrics::RegisterError;
use crate::testing::{Script, ScriptBody};

const DURATION: &str = "http_server_request_duration_seconds";

fn ok() -> Script {
    Script::status(StatusCode::OK)
}

fn get() -> Request<()> {
    Request::get("/").body(()).unwrap()
}

fn counted(registry: &Registry) -> u64 {
    total(&gathered(registry), DURATION)
}

#[test]
fn two_layers_on_two_registries_know_nothing_of_each_other() {
    let (one, other) = (Registry::new(), Registry::new());
    let first = MetricsLayer::server().register(&one).unwrap();
    let second = MetricsLayer::server().register(&other).unwrap();
    ask(first.layer(ok()), get());
    assert_eq!((counted(&one), counted(&other)), (1, 0));
    ask(second.layer(ok()), get());
    ask(second.layer(ok()), get());
    assert_eq!((counted(&one), counted(&other)), (1, 2));
}

#[test]
fn a_servers_and_a_clients_layer_share_a_registry() {
    let registry = Registry::new();
    let server = MetricsLayer::server().register(&registry).unwrap();
    MetricsLayer::client().register(&registry).unwrap();
    ask(server.layer(ok()), get());
    assert_eq!(counted(&registry), 1);
    assert_eq!(total(&gathered(&registry), "http_client_request_duration_seconds"), 0);
}

#[test]
fn clones_record_into_the_same_series() {
    let registry = Registry::new();
    let layer = MetricsLayer::server().register(&registry).unwrap();
    let (clone, service) = (layer.clone(), layer.layer(ok()));
    ask(clone.layer(ok()), get());
    ask(service.clone(), get());
    ask(service, get());
    assert_eq!(counted(&registry), 3);
}

#[test]
fn neither_a_runtime_nor_a_registry_is_needed() {
    let registry = Registry::new();
    let layer = MetricsLayer::server().register(&registry).unwrap();
    let body = futures_util::FutureExt::now_or_never(layer.layer(ok()).oneshot(get()));
    drop(body.unwrap().unwrap());
    assert_eq!(counted(&registry), 1);
    ask(MetricsLayer::server().build().unwrap().layer(ok()), get());
    assert_eq!(counted(&registry), 1);
}

#[test]
fn a_second_registration_is_an_error_that_says_what_to_do() {
    let registry = Registry::new();
    let first = MetricsLayer::server().register(&registry).unwrap();
    let error = MetricsLayer::server().register(&registry).unwrap_err();
    assert!(
        matches!(error, RegisterError::Metric { source: prometheus::Error::AlreadyReg, .. }),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "the registry has http_server_request_duration_seconds already: clone the layer that was \
         registered, or give this one a prefix, or all of them constant labels of the same names, \
         with values of their own"
    );
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "Duplicate metrics collector registration attempted"
    );
    // it left what there was as it was
    ask(first.layer(ok()), get());
    assert_eq!(counted(&registry), 1);
}

#[test]
fn a_prefix_or_a_constant_label_sets_layers_apart() {
    let registry = Registry::new();
    let labelled = |value| MetricsLayer::server().constant_label("listener", value);
    let public = labelled("public").register(&registry).unwrap();
    let admin = labelled("admin").register(&registry).unwrap();
    let shop = MetricsLayer::server().prefix("shop").register(&registry).unwrap();
    assert!(labelled("admin").register(&registry).is_err());
    ask(public.layer(ok()), get());
    for _ in 0..2 {
        ask(admin.layer(ok()), get());
    }
    for _ in 0..3 {
        ask(shop.layer(ok()), get());
    }
    let gathered = gathered(&registry);
    assert_eq!(total(&gathered, "shop_http_server_request_duration_seconds"), 3);
    let by_listener = |wanted| {
        let told = gathered.iter().filter(|(series, _)| series.name == DURATION);
        let told = told.filter(|(series, _)| series.label("listener") == Some(wanted));
        told.map(|(_, value)| value.count()).collect::<Vec<_>>()
    };
    assert_eq!((by_listener("public"), by_listener("admin")), (vec![1], vec![2]));
    // every metric has it
    let own = gathered.keys().filter(|series| !series.name.starts_with("shop_"));
    assert!(own.into_iter().all(|series| series.label("listener").is_some()));
}

#[test]
fn a_constant_label_without_a_value_is_none() {
    let registry = Registry::new();
    MetricsLayer::server().constant_label("zone", "").register(&registry).unwrap();
    assert!(MetricsLayer::server().register(&registry).is_err());
    assert!(gathered(&registry).keys().all(|series| series.label("zone").is_none()));
}

#[test]
fn metrics_of_the_users_own_come_out_beside_them() {
    let registry = Registry::new();
    let orders = prometheus::IntCounter::new("orders_total", "Orders taken.").unwrap();
    registry.register(Box::new(orders.clone())).unwrap();
    let layer = MetricsLayer::server().register(&registry).unwrap();
    ask(layer.layer(ok()), get());
    orders.inc();
    assert_eq!((total(&gathered(&registry), "orders_total"), counted(&registry)), (1, 1));
}

/// Has a metric of a name that a layer has, with other labels.
struct Taken(Desc);

impl Collector for Taken {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        Vec::new()
    }
}

#[test]
fn a_name_that_is_taken_by_something_else_is_an_error() {
    let registry = Registry::new();
    let desc =
        Desc::new(DURATION.into(), "Another.".into(), vec!["own".into()], Default::default());
    registry.register(Box::new(Taken(desc.unwrap()))).unwrap();
    let error = MetricsLayer::server().register(&registry).unwrap_err().to_string();
    assert!(error.starts_with("the registry "), "{error}");
}

#[test]
fn settings_that_cannot_be_used_are_refused_by_name() {
    let server = MetricsLayer::server;
    let refused = [
        (server().prefix("my-shop"), "prefix", "my-shop"),
        (server().prefix("1"), "prefix", "1"),
        (server().prefix("shop_"), "prefix", "shop_"),
        (server().constant_label("a-b", "x"), "constant_label", "a-b"),
        (server().constant_label("", "x"), "constant_label", ""),
        (server().constant_label("__name__", "x"), "constant_label", "__name__"),
        (server().constant_label("le", "x"), "constant_label", "le"),
        (server().constant_label("error_type", "x"), "constant_label", "error_type"),
        (server().constant_label("rpc_method", "x"), "constant_label", "rpc_method"),
        (server().constant_label("a", "x").constant_label("a", "y"), "constant_label", "a"),
        (server().duration_buckets([]), "duration_buckets", "[]"),
        (server().duration_buckets([MS, MS]), "duration_buckets", "[0.001, 0.001]"),
        (
            server().time_to_first_byte_buckets([2 * MS, MS]),
            "time_to_first_byte_buckets",
            "[0.002, 0.001]",
        ),
        (server().request_body_size_buckets([0]), "request_body_size_buckets", "[0.0]"),
        (server().response_body_size_buckets([2, 1]), "response_body_size_buckets", "[2.0, 1.0]"),
        (server().poll_ready_buckets([Duration::ZERO]), "poll_ready_buckets", "[0.0]"),
        (MetricsLayer::client().server_address("a b", 80), "server_address", "a b"),
        (MetricsLayer::client().server_address("", 80), "server_address", ""),
        (
            MetricsLayer::client().constant_label("url_template", "x"),
            "constant_label",
            "url_template",
        ),
    ];
    for (builder, field, value) in refused {
        let registry = Registry::new();
        let RegisterError::Config(error) = builder.clone().register(&registry).unwrap_err() else {
            panic!("{field} is a setting");
        };
        assert_eq!((error.field(), error.value()), (field, value));
        assert_eq!(builder.build().unwrap_err(), error);
        assert_eq!(gathered(&registry), Gathered::new(), "nothing was registered");
    }
    // a server's own labels are no client's
    assert!(server().constant_label("url_template", "x").build().is_ok());
}

#[test]
fn buckets_of_the_users_own() {
    let registry = Registry::new();
    let time = ManualClock::new();
    let builder = MetricsLayer::server()
        .duration_buckets([MS, 3 * MS])
        .time_to_first_byte_buckets([2 * MS])
        .request_body_size_buckets([10])
        .response_body_size_buckets([1, 2, 3]);
    let layer = builder.register(&registry).unwrap().clock(time.clock());
    let body = ScriptBody::new().data("hello").pass(&time, MS);
    let script = Script::body(body).after(&time, 2 * MS);
    ask(layer.layer(script), Request::get("/").header("content-length", "11").body(()).unwrap());
    let gathered = gathered(&registry);
    let labels = [
        ("http_request_method", "GET"),
        ("http_response_status_code", "200"),
        ("http_route", "_unmatched"),
        ("url_scheme", "http"),
    ];
    for (what, value) in [
        ("request_duration_seconds", Value::once(0.003, 0.003)),
        ("time_to_first_byte_seconds", Value::once(0.002, 0.002)),
        ("request_body_size_bytes", Value::once(11.0, f64::INFINITY)),
        ("response_body_size_bytes", Value::once(5.0, f64::INFINITY)),
    ] {
        assert_eq!(gathered[&Series::new(&format!("http_server_{what}"), &labels)], value);
    }
}

/// The servers that a client's layer told.
fn servers(registry: &Registry) -> Vec<(Option<String>, Option<String>)> {
    let durations = gathered(registry).into_keys();
    let durations = durations.filter(|series| series.name.ends_with("_request_duration_seconds"));
    durations
        .map(|series| {
            let label = |name| series.label(name).map(str::to_owned);
            (label("server_address"), label("server_port"))
        })
        .collect()
}

#[test]
fn a_client_tells_the_server_that_a_request_names_or_else_the_one_it_was_told() {
    let server = |address: &str, port: &str| (Some(address.into()), Some(port.into()));
    for (uri, told, expected) in [
        ("/", false, (None, None)),
        ("/", true, server("payments.internal", "50051")),
        ("http://:80/", true, server("payments.internal", "50051")),
        ("http://shop.example/", true, server("shop.example", "80")),
        ("https://shop.example/", false, server("shop.example", "443")),
        ("https://[::1]:8443/", true, server("::1", "8443")),
        ("gopher://shop.example/", false, (Some("shop.example".into()), None)),
    ] {
        let (registry, builder) = (Registry::new(), MetricsLayer::client());
        let builder =
            if told { builder.server_address("payments.internal", 50051) } else { builder };
        let layer = builder.register(&registry).unwrap();
        ask(layer.layer(ok()), Request::get(uri).body(()).unwrap());
        assert_eq!(servers(&registry), [expected], "{uri}");
    }
    // a server's series do not have it
    let registry = Registry::new();
    let builder = MetricsLayer::server().server_address("payments.internal", 50051);
    ask(builder.register(&registry).unwrap().layer(ok()), get());
    assert_eq!(servers(&registry), [(None, None)]);
}

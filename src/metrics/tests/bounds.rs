//! Whatever callers send, the series are as many as the service has.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::convert::Infallible;

use http::{Method, StatusCode};
use tower::{Layer, service_fn};

use super::dice::Dice;
use super::*;
use crate::route::{Route, Routes};
use crate::testing::{Script, ScriptBody};

const MANY: u64 = 100_000;

/// A known method, or one that a caller made up.
fn method(dice: &mut Dice) -> Method {
    let known = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "QUERY"];
    match dice.below(3) {
        0 => dice.of(&known).parse().unwrap(),
        _ => dice.word().parse().unwrap(),
    }
}

/// Anything that is a URI to begin with: a path, or a scheme, a host and a path.
fn uri(dice: &mut Dice) -> String {
    let (path, query) = (dice.word(), dice.word());
    match dice.below(4) {
        0 => format!("/{path}?{query}"),
        1 => format!("/{path}/{query}/{}", dice.next()),
        2 => format!(
            "{}://{}.example:{}/{path}",
            dice.of(&["http", "https", "gopher"]),
            dice.next(),
            dice.below(65536)
        ),
        _ => format!("a{}://h{}/{path}", dice.next(), dice.next()),
    }
}

fn series(all: &Gathered) -> BTreeSet<&Series> {
    all.keys().collect()
}

#[test]
fn strangers_make_no_series_on_a_server() {
    let (bench, mut dice) = (Bench::new(), Dice::new(1));
    let layer = bench.register(builder(Server));
    let mut ask_many = || {
        for _ in 0..MANY {
            let request = Request::builder().method(method(&mut dice)).uri(uri(&mut dice));
            let request =
                request.header("host", dice.word()).header("x-forwarded-proto", dice.word());
            ask(layer.layer(Script::status(StatusCode::OK)), request.body(()).unwrap());
        }
    };
    ask_many();
    let first = bench.gathered();
    let mut expected = nothing(Server);
    expected.extend([run::waited(Server)]);
    // nobody sends CONNECT here
    for method in
        ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "QUERY", "_OTHER"]
    {
        for scheme in ["http", "https", "_OTHER"] {
            let active = [("http_request_method", method), ("url_scheme", scheme)];
            let told = [("http_response_status_code", "200"), ("http_route", "_unmatched")];
            let told = [active, told].concat();
            for what in [
                "request_duration_seconds",
                "time_to_first_byte_seconds",
                "response_body_size_bytes",
            ] {
                expected.insert(Series::new(&format!("http_server_{what}"), &told), ZERO);
            }
            for what in ["active_requests", "active_requests_max"] {
                expected.insert(Series::new(&format!("http_server_{what}"), &active), ZERO);
            }
        }
    }
    assert_eq!(series(&first), series(&expected));
    assert_eq!(total(&first, "http_server_request_duration_seconds"), MANY);
    ask_many();
    let second = bench.gathered();
    assert_eq!(series(&second), series(&expected), "nor do those that come after them");
    assert_eq!(total(&second, "http_server_request_duration_seconds"), 2 * MANY);
    assert_eq!(total(&second, "http_server_active_requests"), 0);
    assert_eq!(total(&second, "http_server_overflow_requests_total"), 0);
}

/// A call of this path.
fn call(path: String) -> Request<()> {
    Request::post(path).header("content-type", "application/grpc").body(()).unwrap()
}

fn grpc(status: &'static str) -> Script {
    let script = Script::body(ScriptBody::new().claims_end());
    script.with_header("content-type", "application/grpc").with_header("grpc-status", status)
}

#[test]
fn strangers_make_no_series_of_grpc_methods() {
    let (bench, mut dice) = (Bench::new(), Dice::new(2));
    let layer = bench.register(builder(Server));
    for number in 0..MANY {
        let path = match dice.below(3) {
            0 => format!("/{}.{}/{number}", dice.word(), dice.word()),
            1 => format!("/{}/{number}", dice.word()),
            _ => format!("/{number}/{}/{}", dice.word(), dice.word()),
        };
        // the service has none of them, and a layer in front of it does not let them in
        ask(layer.layer(grpc(dice.of(&["12", "14", "16"]))), call(path));
    }
    let gathered = bench.gathered();
    let told: Vec<_> = gathered
        .iter()
        .filter(|(series, _)| series.name == "rpc_server_call_duration_seconds")
        .map(|(series, _)| (series.label("rpc_method"), series.label("rpc_response_status_code")))
        .collect();
    let other = Some("_OTHER");
    let expected = [
        (other, Some("UNAUTHENTICATED")),
        (other, Some("UNAVAILABLE")),
        (other, Some("UNIMPLEMENTED")),
    ];
    assert_eq!(BTreeSet::from_iter(told), expected.into());
    assert_eq!(total(&gathered, "rpc_server_call_duration_seconds"), MANY);
    assert_eq!(total(&gathered, "http_server_request_duration_seconds"), 0);
}

#[test]
fn a_service_that_answers_any_grpc_method_is_bounded_by_what_is_learned() {
    let bench = Bench::new();
    let layer = bench.register(builder(Server));
    for number in 0..20_000 {
        ask(layer.layer(grpc("0")), call(format!("/pkg.Service/Method{number}")));
    }
    let gathered = bench.gathered();
    let methods: BTreeSet<_> =
        gathered.keys().filter_map(|series| series.label("rpc_method")).collect();
    assert_eq!(methods.len(), Routes::MAX_LEARNED + 1);
    assert!(methods.contains("_OTHER"));
    assert_eq!(total(&gathered, "rpc_server_call_duration_seconds"), 20_000);
}

/// A layer of a service that tells paths as its routes.
fn careless(bench: &Bench, builder: MetricsBuilder) -> MetricsLayer {
    let routes = Routes::new().extract(|head| Some(Route::from(head.uri.path().to_owned())));
    bench.register(builder).routes(routes)
}

#[test]
fn over_the_bound_the_route_is_overflow_and_totals_stay_exact() {
    let bench = Bench::new();
    let layer = careless(&bench, MetricsLayer::server().max_series(10));
    let duration = |method: &str, status: &str, route: &str| {
        Series::new(
            "http_server_request_duration_seconds",
            &[
                ("http_request_method", method),
                ("http_response_status_code", status),
                ("http_route", route),
                ("url_scheme", "http"),
            ],
        )
    };
    let ask = |method: &str, status: u16, route: &str| {
        let script = Script::status(StatusCode::from_u16(status).unwrap());
        let request = Request::builder().method(method).uri(route);
        ask(layer.layer(script), request.body(()).unwrap());
    };
    let overflow = "http_server_overflow_requests_total";
    for number in 0..10 {
        ask("GET", 200, &format!("/{number}"));
    }
    assert_eq!(total(&bench.gathered(), overflow), 0);
    for number in 0..1000 {
        ask("GET", 200, &format!("/{number}"));
        ask("POST", 404, &format!("/{number}"));
    }
    let gathered = bench.gathered();
    let mut expected: Vec<_> =
        (0..10).map(|n| (duration("GET", "200", &format!("/{n}")), 2)).collect();
    expected.push((duration("GET", "200", "_overflow"), 990));
    expected.push((duration("POST", "404", "_overflow"), 1000));
    expected.sort();
    let counts: Vec<_> = gathered
        .iter()
        .filter(|(series, _)| series.name == "http_server_request_duration_seconds")
        .map(|(series, value)| (series.clone(), value.count()))
        .collect();
    assert_eq!(counts, expected);
    assert_eq!(total(&gathered, overflow), 1990);
    // what is known goes on as it was
    ask("GET", 200, "/7");
    assert_eq!(total(&bench.gathered(), overflow), 1990);
    assert_eq!(bench.gathered()[&duration("GET", "200", "/7")].count(), 3);
    ask("GET", 200, "/77");
    assert_eq!(total(&bench.gathered(), overflow), 1991);
}

#[test]
fn over_the_bound_a_grpc_method_is_overflow_and_its_code_stays() {
    let bench = Bench::new();
    let layer = bench.register(MetricsLayer::server().max_series(0));
    ask(layer.layer(grpc("5")), call("/pkg.Service/Method".into()));
    let labels = [
        ("rpc_method", "_overflow"),
        ("rpc_response_status_code", "NOT_FOUND"),
        ("rpc_system_name", "grpc"),
    ];
    let series = Series::new("rpc_server_call_duration_seconds", &labels);
    let gathered = bench.gathered();
    assert_eq!(gathered[&series], Value::once(0.0, 0.005));
    assert_eq!(total(&gathered, "rpc_server_call_duration_seconds"), 1);
    assert_eq!(total(&gathered, "http_server_overflow_requests_total"), 1);
}

#[test]
fn over_the_bound_of_servers_a_client_tells_no_more_of_them() {
    let bench = Bench::new();
    let layer = bench.register(MetricsLayer::client().max_servers(3));
    let ask = |number: u64| {
        let mut request = Request::get(format!("http://h{number}.example:{number}/"));
        request.extensions_mut().unwrap().insert(Route::from("/users/{id}"));
        ask(layer.layer(Script::status(StatusCode::OK)), request.body(()).unwrap());
    };
    let overflow = "http_client_overflow_requests_total";
    (0..3).for_each(ask);
    assert_eq!(total(&bench.gathered(), overflow), 0);
    (0..1000).for_each(ask);
    let gathered = bench.gathered();
    assert_eq!(total(&gathered, overflow), 997);
    let told: Vec<_> = gathered
        .iter()
        .filter(|(series, _)| series.name == "http_client_request_duration_seconds")
        .map(|(series, value)| {
            assert_eq!(series.label("url_template"), Some("/users/{id}"));
            (series.label("server_address").unwrap(), series.label("server_port"), value.count())
        })
        .collect();
    let expected = [
        ("_overflow", None, 997),
        ("h0.example", Some("0"), 2),
        ("h1.example", Some("1"), 2),
        ("h2.example", Some("2"), 2),
    ];
    assert_eq!(told, expected);
}

#[test]
fn strangers_make_no_series_on_a_client() {
    let (bench, mut dice) = (Bench::new(), Dice::new(3));
    let layer = bench.register(MetricsLayer::client().max_series(500));
    for _ in 0..MANY {
        let host = format!("{}.example", dice.below(1000));
        let uri = format!("http://{host}:{}/{}", dice.below(65536), dice.word());
        let request = Request::builder().method(method(&mut dice)).uri(uri);
        ask(layer.layer(Script::status(StatusCode::OK)), request.body(()).unwrap());
    }
    let gathered = bench.gathered();
    let durations: Vec<_> = gathered
        .keys()
        .filter(|series| series.name == "http_client_request_duration_seconds")
        .collect();
    // each server was met once, and there is one for each method of what is over the bound
    assert_eq!(durations.len(), MetricsBuilder::DEFAULT_MAX_SERVERS + 10);
    assert_eq!(total(&gathered, "http_client_request_duration_seconds"), MANY);
    let servers: BTreeSet<_> =
        durations.iter().map(|series| series.label("server_address")).collect();
    assert!(servers.len() <= MetricsBuilder::DEFAULT_MAX_SERVERS + 1, "{}", servers.len());
}

/// How many requests of each route a server counted.
fn routes(bench: &Bench) -> Vec<(String, u64)> {
    let gathered = bench.gathered();
    let durations =
        gathered.iter().filter(|(series, _)| series.name == "http_server_request_duration_seconds");
    durations
        .map(|(series, value)| (series.label("http_route").unwrap().to_owned(), value.count()))
        .collect()
}

fn told(routes: &[(&str, u64)]) -> Vec<(String, u64)> {
    routes.iter().map(|(route, count)| ((*route).to_owned(), *count)).collect()
}

fn ask_for(layer: &MetricsLayer, paths: &[&str]) {
    for path in paths {
        ask(layer.layer(Script::status(StatusCode::OK)), Request::get(*path).body(()).unwrap());
    }
}

#[test]
fn routes_that_are_not_listed_are_others() {
    let bench = Bench::new();
    let layer = careless(&bench, MetricsLayer::server().allow_routes(["/a", "/b"]));
    ask_for(&layer, &["/a", "/a/", "/A", "/b", "/c", "/b"]);
    assert_eq!(routes(&bench), told(&[("/a", 1), ("/b", 2), ("_OTHER", 3)]));
    // where there is no route, there is none to be listed
    let bench = Bench::new();
    ask_for(&bench.register(MetricsLayer::server().allow_routes(["/a"])), &["/a"]);
    assert_eq!(routes(&bench), told(&[("_unmatched", 1)]));
}

#[test]
fn routes_are_grouped_and_a_rule_that_panics_costs_no_count() {
    let bench = Bench::new();
    let group = |route: &str| -> Cow<'static, str> {
        match route {
            "/panic" => panic!("boom"),
            "/empty" => "".into(),
            route if route.starts_with("/internal/") => "/internal/*".into(),
            route => route.to_owned().into(),
        }
    };
    let layer = careless(&bench, MetricsLayer::server().group_routes(group));
    ask_for(&layer, &["/a", "/internal/b", "/internal/c", "/panic", "/empty", "/panic"]);
    let expected = [("/a", 1), ("/internal/*", 2), ("_OTHER", 2), ("_unmatched", 1)];
    assert_eq!(routes(&bench), told(&expected));
}

#[test]
fn threads_that_race_for_the_last_series_count_each_exchange_once() {
    let bench = Bench::new();
    let layer = careless(&bench, MetricsLayer::server().max_series(20));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in 0..200 {
                    let service = service_fn(async |_: Request<()>| {
                        Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end()))
                    });
                    ask(layer.layer(service), Request::get(format!("/{number}")).body(()).unwrap());
                }
            });
        }
    });
    let told = routes(&bench);
    let overflow = total(&bench.gathered(), "http_server_overflow_requests_total");
    assert_eq!(told.len(), 21);
    assert_eq!(told.iter().map(|(_, count)| count).sum::<u64>(), 8 * 200);
    assert_eq!(told.into_iter().find(|(route, _)| route == "_overflow").unwrap().1, overflow);
    assert_eq!(overflow, 8 * (200 - 20));
}

#[test]
fn a_list_of_the_environment_replaces_the_methods_that_are_known() {
    const VARIABLE: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";
    const NAME: &str = "metrics::tests::bounds::\
                        a_list_of_the_environment_replaces_the_methods_that_are_known";
    // it is read once in a process
    if std::env::var_os(VARIABLE).is_none() {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let again = again.args(["--exact", NAME]).env(VARIABLE, "PURGE, GET,_OTHER,GET");
        let output = again.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let bench = Bench::new();
    let layer = bench.register(builder(Server));
    for method in ["PURGE", "GET", "POST", "_OTHER", "purge"] {
        let request = Request::builder().method(method).body(()).unwrap();
        ask(layer.layer(Script::status(StatusCode::OK)), request);
    }
    let gathered = bench.gathered();
    let methods = |name: &str| {
        let told = gathered.iter().filter(|(series, _)| series.name == name);
        told.map(|(series, value)| (series.label("http_request_method").unwrap(), value.count()))
            .collect::<Vec<_>>()
    };
    let durations = methods("http_server_request_duration_seconds");
    assert_eq!(durations, [("GET", 1), ("PURGE", 1), ("_OTHER", 3)]);
    let most = methods("http_server_active_requests_max");
    assert_eq!(most, [("GET", 1), ("PURGE", 1), ("_OTHER", 1)]);
}

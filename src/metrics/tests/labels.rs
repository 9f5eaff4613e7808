//! Exchanges that differ by a label are never counted together, those that do not never apart.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use http::StatusCode;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tower::{Layer, service_fn};

use super::*;
use crate::classify::Classify;
use crate::grpc::Code;
use crate::message::method::Known;
use crate::metrics::instrument::bounded::Equivalent;
use crate::metrics::instrument::bounds::Bounds;
use crate::metrics::instrument::family::{Family, OVERFLOW};
use crate::metrics::series::Scheme;
use crate::metrics::series::labels::{Call, Key, Labels};
use crate::route::{Route, Routes};
use crate::shard;
use crate::testing::{Script, ScriptBody};

/// Short texts that are the same when they are put together, odd ones, and long ones.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ab]{0,3}",
        2 => Just("_overflow".to_owned()),
        1 => Just("_OTHER".to_owned()),
        1 => ".{0,4}",
        1 => "[\\\\\"\n\0,={}é]{1,3}",
        1 => "c{1000}",
    ]
}

/// The labels of a series, owned.
#[derive(Clone, Debug)]
struct Made {
    code: Option<u8>,
    method: Known,
    scheme: Scheme,
    route: Option<String>,
    status: Option<u16>,
    server: Option<(String, Option<u16>)>,
    error: Option<String>,
}

impl Made {
    fn labels(&self) -> Labels<'_> {
        let route = self.route.as_deref();
        Labels {
            call: match self.code {
                Some(code) => {
                    Call::Grpc { method: route.unwrap_or("_OTHER"), code: Code::from_number(code) }
                }
                None => Call::Http {
                    method: self.method,
                    scheme: self.scheme,
                    route,
                    status: self.status.map(|status| StatusCode::from_u16(status).unwrap()),
                },
            },
            server: self.server.as_ref().map(|(address, port)| (address.as_str(), *port)),
            error: self.error.as_deref(),
        }
    }
}

/// Texts that are told: an empty one is left out before.
fn told() -> impl Strategy<Value = String> {
    text().prop_filter("an empty label is none", |text| !text.is_empty())
}

fn made() -> impl Strategy<Value = Made> {
    let code = prop_oneof![2 => Just(None), 1 => (0..2_u8).prop_map(Some)];
    let method = prop_oneof![Just("GET"), Just("POST"), Just("PUT"), Just("BREW")];
    let method = method.prop_map(|name| Known::of(&name.parse().unwrap()));
    let scheme = prop_oneof![Just(Scheme::Http), Just(Scheme::Https), Just(Scheme::Other)];
    let status = option::of(prop_oneof![Just(200_u16), Just(503)]);
    let server = option::of((told(), option::of(prop_oneof![Just(80_u16), Just(443)])));
    (code, method, scheme, option::of(told()), status, server, option::of(told())).prop_map(
        |(code, method, scheme, route, status, server, error)| Made {
            code,
            method,
            scheme,
            route,
            status,
            server,
            error,
        },
    )
}

proptest! {
    /// What is shown differs exactly where what is counted by does.
    #[test]
    fn keys_are_equal_when_the_labels_that_are_told_are(one in made(), other in made()) {
        for other in [&other, &one.clone()] {
            let (one, other) = (one.labels(), other.labels());
            let (key, other_key) = (Key::from(&one), Key::from(&other));
            for side in BOTH {
                let are_told_alike = one.told(side) == other.told(side);
                prop_assert_eq!(one == other, are_told_alike);
                prop_assert_eq!(one.is(&other_key), are_told_alike);
            }
            prop_assert_eq!(key.labels(), one);
            let hasher = RandomState::new();
            if one == other {
                prop_assert_eq!(hasher.hash_one(one), hasher.hash_one(other));
            }
        }
    }

    #[test]
    fn a_family_counts_by_all_of_its_labels(
        all in vec(([text(), text()], 0..100_u64), 0..60),
        most in 0..8_usize,
    ) {
        let family = Family::histograms(Bounds::bytes(), most, [true, false]);
        let mut expected = BTreeMap::<[String; 2], (u64, u64)>::new();
        let (mut made, mut overflows, mut overflowed) = (0, 0, 0);
        for (labels, value) in &all {
            let [stays, goes] = labels;
            let had_room = family.with([stays, goes], SystemTime::UNIX_EPOCH, |histogram| {
                histogram.record(shard::of_this_thread(), *value);
            });
            overflowed += u64::from(!had_room);
            let mut labels = labels.clone();
            if !expected.contains_key(&labels) {
                if made < most {
                    made += 1;
                } else {
                    overflows += 1;
                    labels[1] = OVERFLOW.to_owned();
                }
            }
            let (count, sum) = expected.entry(labels).or_default();
            (*count, *sum) = (*count + 1, *sum + value);
        }
        let mut shown = BTreeMap::new();
        family.each(|labels, histogram| {
            let snapshot = histogram.snapshot();
            let told = shown.insert(labels.map(str::to_owned), (snapshot.count(), snapshot.sum));
            assert_eq!(told, None, "told once");
        });
        prop_assert_eq!(shown, expected);
        prop_assert_eq!(overflowed, overflows);
    }
}

/// One exchange over a whole layer.
#[derive(Clone, Debug)]
struct Asked {
    is_grpc: bool,
    method: &'static str,
    route: String,
    host: String,
    /// An HTTP status or a gRPC code; or the name of the error instead of an answer.
    answer: Result<u16, &'static str>,
}

/// What the route, the server and the answer of an exchange are.
fn asked() -> impl Strategy<Value = Asked> {
    let method = prop_oneof![Just("GET"), Just("POST"), Just("P"), Just("get")];
    let error = prop_oneof![Just(""), Just("503"), Just("failed"), Just("a"), Just("UNKNOWN")];
    let answer = prop_oneof![
        2 => prop_oneof![Just(200_u16), Just(404), Just(503)].prop_map(Ok),
        1 => error.prop_map(Err),
    ];
    let host = prop_oneof![
        Just("a"),
        Just("a:80"),
        Just("a:81"),
        Just("aa"),
        Just("[::1]:80"),
        Just(":80")
    ];
    (any::<bool>(), method, text(), host, answer).prop_map(
        |(is_grpc, method, route, host, answer)| Asked {
            is_grpc,
            method,
            route,
            host: host.to_owned(),
            answer,
        },
    )
}

impl Asked {
    fn request(&self) -> Request<()> {
        let uri = format!("http://{}/", self.host);
        let mut request = Request::builder().method(self.method).uri(uri);
        if self.is_grpc {
            request = request.method("POST").header("content-type", "application/grpc");
        }
        let mut request = request.body(()).unwrap();
        request.extensions_mut().insert(self.clone());
        request
    }

    /// The code of a gRPC call that is answered.
    fn code(&self) -> Option<Code> {
        self.answer.ok().map(|answer| Code::from_number((answer % 17) as u8))
    }

    fn script(&self) -> Script {
        let Ok(status) = self.answer else { return Script::fails(self.answer.unwrap_err()) };
        let script = Script::body(ScriptBody::new().claims_end());
        match self.code().filter(|_| self.is_grpc) {
            Some(code) => script
                .with_header("content-type", "application/grpc")
                .with_header("grpc-status", code.number().to_string().leak()),
            None => script.with_status(StatusCode::from_u16(status).unwrap()),
        }
    }

    /// The one series that counts it.
    fn series(&self, side: Side) -> Series {
        let mut labels = Vec::new();
        let mut error = self.answer.err().map(str::to_owned);
        let protocol = if self.is_grpc {
            let failed = if side == Server { Code::Internal } else { Code::Unavailable };
            let code = self.code().unwrap_or(failed);
            let is_error = if side == Server { code.is_server_error() } else { code != Code::Ok };
            error = error.or_else(|| is_error.then(|| code.as_str().to_owned()));
            let method = if self.route.is_empty() { "_OTHER" } else { &self.route };
            labels.extend([("rpc_method", method.to_owned()), ("rpc_system_name", "grpc".into())]);
            labels.push(("rpc_response_status_code", code.as_str().into()));
            "rpc"
        } else {
            let least = if side == Server { 500 } else { 400 };
            let status = self.answer.ok();
            let bad = status.filter(|status| *status >= least).map(|status| status.to_string());
            error = error.or(bad);
            let method =
                if ["GET", "POST"].contains(&self.method) { self.method } else { "_OTHER" };
            let route = match side {
                Server if self.route.is_empty() => ("http_route", "_unmatched".to_owned()),
                Server => ("http_route", self.route.clone()),
                Client => ("url_template", self.route.clone()),
            };
            labels.extend([("http_request_method", method.into()), route]);
            labels.push(("url_scheme", "http".into()));
            labels.extend(status.map(|status| ("http_response_status_code", status.to_string())));
            "http"
        };
        if side == Client && self.host != ":80" {
            let (address, port) = match self.host.as_str() {
                "[::1]:80" => ("::1", "80"),
                host => host.split_once(':').unwrap_or((host, "80")),
            };
            labels.extend([("server_address", address.into()), ("server_port", port.into())]);
        }
        labels.extend(error.map(|error| ("error_type", error)));
        let labels: Vec<_> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let labels: Vec<_> = labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let what = if self.is_grpc { "call" } else { "request" };
        Series::new(&format!("{protocol}_{}_{what}_duration_seconds", name(side)), &labels)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exchanges_are_counted_by_all_of_their_labels(all in vec(asked(), 0..60)) {
        for side in BOTH {
            let bench = Bench::new();
            let routes = Routes::new().extract(|head| {
                Some(Route::from(head.extensions.get::<Asked>()?.route.clone()))
            });
            let name = |error: &(dyn std::any::Any + 'static)| {
                Some(error.downcast_ref::<crate::testing::ScriptError>()?.0)
            };
            let layer = bench.register(builder(side)).routes(routes);
            let layer = layer.classify(Classify::new().error_name(name));
            let mut expected = BTreeMap::new();
            for asked in &all {
                let service = service_fn(|request: Request<()>| {
                    let asked = request.extensions().get::<Asked>().unwrap().clone();
                    asked.script().call(request)
                });
                ask(layer.layer(service), asked.request());
                *expected.entry(asked.series(side)).or_insert(0) += 1;
            }
            let counted = bench.gathered().into_iter();
            let counted = counted.filter(|(series, _)| {
                let name = &series.name;
                name.ends_with("_request_duration_seconds") || name.ends_with("_call_duration_seconds")
            });
            let counted: BTreeMap<_, _> =
                counted.map(|(series, value)| (series, value.count())).collect();
            prop_assert_eq!(counted, expected);
        }
    }
}

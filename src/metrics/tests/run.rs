//! One scripted exchange, and what it is expected to have added to an empty registry.

use std::cell::RefCell;
use std::rc::Rc;

use tower::util::MapRequest;
use tower::{Layer, ServiceBuilder};

use super::*;
use crate::exchange::ObserveLayer;
use crate::exchange::tests::drive::drive;
use crate::route::Routes;
use crate::testing::{Recorder, ScriptBody};

/// How long a service takes to answer.
pub(super) const ANSWERS: Duration = Duration::from_millis(3);
/// How long the one who asks waits, before leaving.
pub(super) const LEAVES: Duration = Duration::from_millis(6);

/// How an exchange is asked for.
pub(super) struct Run {
    side: Side,
    request: fn() -> Request<()>,
    /// After how many frames the body is dropped, if it is.
    frames: Option<usize>,
    deadline: Option<Duration>,
    routes: Routes,
    /// Among which exchanges it is while it is under way.
    active: Active,
}

/// The labels of the exchanges under way.
#[derive(Clone)]
struct Active {
    protocol: &'static str,
    many: &'static str,
    labels: Vec<(&'static str, &'static str)>,
}

impl Active {
    fn http(method: &'static str) -> Self {
        let labels = vec![("http_request_method", method), ("url_scheme", "http")];
        Self { protocol: "http", many: "requests", labels }
    }

    fn grpc() -> Self {
        Self { protocol: "rpc", many: "calls", labels: vec![("rpc_system_name", "grpc")] }
    }

    fn series(&self, side: Side, now: f64, most: f64) -> [(Series, Value); 2] {
        let name = format!("{}_{}_active_{}", self.protocol, name(side), self.many);
        let of = |name: &str, value| (Series::new(name, &self.labels), Value::Is(value));
        [of(&name, now), of(&format!("{name}_max"), most)]
    }
}

impl Run {
    /// A GET whose answer is read to its end.
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            request: match side {
                Server => || Request::get("/").body(()).unwrap(),
                Client => || Request::get("http://shop.example/").body(()).unwrap(),
            },
            frames: None,
            deadline: None,
            routes: Routes::new(),
            active: Active::http("GET"),
        }
    }

    pub(super) fn request(self, method: &'static str, request: fn() -> Request<()>) -> Self {
        Self { request, active: Active::http(method), ..self }
    }

    /// A request that claims to be a gRPC call.
    pub(super) fn call(self, request: fn() -> Request<()>) -> Self {
        Self { request, active: Active::grpc(), ..self }
    }

    /// Drops the body after this many frames and [`LEAVES`].
    pub(super) fn leaves_after(self, frames: usize) -> Self {
        Self { frames: Some(frames), ..self }
    }

    pub(super) fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    pub(super) fn routes(self, routes: Routes) -> Self {
        Self { routes, ..self }
    }

    /// Runs the exchange alone, fused and between other wrappers, and demands of the registry:
    /// nothing before, one request under way and no more, and then what is `expected`, once.
    #[track_caller]
    pub(super) fn tells<S>(&self, service: impl Fn(&ManualClock) -> S, expected: Expected)
    where
        S: Service<Request<()>, Response = Response<ScriptBody>> + 'static,
    {
        for arrangement in ["alone", "fused", "stacked"] {
            let bench = Bench::new();
            let layer = bench.register(builder(self.side));
            assert_eq!(bench.gathered(), nothing(self.side), "{arrangement}, before");
            let (registry, under_way) = (bench.registry.clone(), Rc::new(RefCell::default()));
            let seen = Rc::clone(&under_way);
            let inner = MapRequest::new(service(&bench.time), move |request| {
                *seen.borrow_mut() = gathered(&registry);
                request
            });
            let other = || Recorder::new().layer(self.side);
            match arrangement {
                "alone" => self.drive(self.outermost(&bench, layer).layer(inner), &bench.time),
                "fused" => {
                    let both = (Recorder::new(), layer.into_observer());
                    let layer = self.outermost(&bench, ObserveLayer::new(self.side, both));
                    self.drive(layer.layer(inner), &bench.time);
                }
                _ => {
                    let stack = ServiceBuilder::new().layer(self.outermost(&bench, other()));
                    let stack = stack.layer(layer).layer(other());
                    self.drive(stack.service(inner), &bench.time);
                }
            }
            let mut begun = nothing(self.side);
            begun.extend([waited(self.side)]);
            begun.extend(self.active.series(self.side, 1.0, 1.0));
            assert_eq!(*under_way.borrow(), begun, "{arrangement}, under way");
            let mut ended = expected.all(self.side);
            ended.extend(self.active.series(self.side, 0.0, 1.0));
            assert_eq!(bench.gathered(), ended, "{arrangement}, after");
            // the most is that since it was read last
            ended.extend(self.active.series(self.side, 0.0, 0.0));
            assert_eq!(bench.gathered(), ended, "{arrangement}, read again");
        }
    }

    /// The rules hold for the whole exchange, so the outermost layer has them.
    fn outermost<O: Clone>(&self, bench: &Bench, layer: ObserveLayer<O>) -> ObserveLayer<O> {
        let layer = layer.clock(bench.time.clock()).routes(self.routes.clone());
        match self.deadline {
            Some(deadline) => layer.deadline(deadline),
            None => layer,
        }
    }

    fn drive<S, B>(&self, service: S, time: &ManualClock)
    where
        S: Service<Request<()>, Response = Response<B>>,
        B: Body,
    {
        drive(service, (self.request)(), self.frames, || time.advance(LEAVES));
    }
}

/// A request that did not have to wait.
pub(super) fn waited(side: Side) -> (Series, Value) {
    let series = format!("http_{}_poll_ready_duration_seconds", name(side));
    (Series::new(&series, &[]), Value::once(0.0, 0.005))
}

/// What one exchange is to add.
#[derive(Clone)]
pub(super) struct Expected {
    protocol: &'static str,
    labels: Vec<(&'static str, &'static str)>,
    lasting: Duration,
    first_byte: Option<Duration>,
    request_bytes: Option<u64>,
    response_bytes: Option<u64>,
}

impl Expected {
    /// A GET that was answered 200 after [`ANSWERS`], with no body.
    pub(super) fn ok(side: Side) -> Self {
        let labels = vec![
            ("http_request_method", "GET"),
            ("http_response_status_code", "200"),
            ("url_scheme", "http"),
        ];
        let own = match side {
            Server => vec![("http_route", "_unmatched")],
            Client => vec![("server_address", "shop.example"), ("server_port", "80")],
        };
        Self {
            protocol: "http",
            labels: [labels, own].concat(),
            lasting: ANSWERS,
            first_byte: Some(ANSWERS),
            request_bytes: None,
            response_bytes: Some(0),
        }
    }

    /// A call that was answered with this code after [`ANSWERS`].
    pub(super) fn called(side: Side, method: &'static str, code: &'static str) -> Self {
        let labels = vec![
            ("rpc_method", method),
            ("rpc_response_status_code", code),
            ("rpc_system_name", "grpc"),
        ];
        let own = match side {
            Server => vec![],
            Client => vec![("server_address", "shop.example"), ("server_port", "50051")],
        };
        Self { protocol: "rpc", labels: [labels, own].concat(), ..Self::ok(side) }
    }

    /// With this label.
    pub(super) fn and(mut self, name: &'static str, value: &'static str) -> Self {
        self.labels.retain(|(known, _)| *known != name);
        self.labels.push((name, value));
        self
    }

    pub(super) fn error(self, error_type: &'static str) -> Self {
        self.and("error_type", error_type)
    }

    pub(super) fn status(self, status: &'static str) -> Self {
        self.and("http_response_status_code", status)
    }

    /// Nothing was sent.
    pub(super) fn unanswered(mut self) -> Self {
        self.labels.retain(|(known, _)| *known != "http_response_status_code");
        Self { first_byte: None, response_bytes: None, ..self }
    }

    pub(super) fn lasting(self, lasting: Duration) -> Self {
        Self { lasting, ..self }
    }

    pub(super) fn received(self, bytes: u64) -> Self {
        Self { request_bytes: Some(bytes), ..self }
    }

    pub(super) fn sent(self, bytes: u64) -> Self {
        Self { response_bytes: Some(bytes), ..self }
    }

    /// All that the registry is to have, but for the requests under way.
    fn all(&self, side: Side) -> Gathered {
        let mut all = nothing(side);
        all.extend([waited(side)]);
        let duration = match self.protocol {
            "http" => "request_duration_seconds",
            _ => "call_duration_seconds",
        };
        let told = [
            (duration, Some(seconds(self.lasting))),
            ("time_to_first_byte_seconds", self.first_byte.map(seconds)),
            ("request_body_size_bytes", self.request_bytes.map(bytes)),
            ("response_body_size_bytes", self.response_bytes.map(bytes)),
        ];
        for (what, value) in told {
            let series = format!("{}_{}_{what}", self.protocol, name(side));
            all.extend(value.map(|value| (Series::new(&series, &self.labels), value)));
        }
        all
    }
}

fn seconds(lasting: Duration) -> Value {
    let bound = if lasting <= 5 * MS { 0.005 } else { 0.01 };
    assert!(lasting <= 10 * MS);
    Value::once(lasting.as_nanos() as f64 / 1e9, bound)
}

fn bytes(bytes: u64) -> Value {
    let bound = if bytes <= 64 { 64.0 } else { 256.0 };
    assert!(bytes <= 256);
    Value::once(bytes as f64, bound)
}

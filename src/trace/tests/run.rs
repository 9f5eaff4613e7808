//! One exchange, told by a span, a line of the access log and a record: each arrangement of the
//! layers must tell the same.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use http_body::Body;
use tower::ServiceBuilder;

use super::*;
use crate::access_log::{AccessLogLayer, JsonLines};
use crate::classify::{Classify, Side};
use crate::exchange::ObserveLayer;
use crate::exchange::tests::drive::drive;
use crate::route::Routes;
use crate::testing::{Record, Recorder};

pub(super) const MS: Duration = Duration::from_millis(1);
/// How long a service takes to answer.
pub(super) const ANSWERS: Duration = Duration::from_millis(3);
/// How long the one who asks waits, before leaving.
pub(super) const LEAVES: Duration = Duration::from_millis(5);

/// How an exchange is asked for and observed.
pub(super) struct Run {
    side: Side,
    request: fn() -> Request<()>,
    /// After how many frames the body is dropped, if it is.
    frames: Option<usize>,
    deadline: Option<Duration>,
    classify: Classify,
    routes: Routes,
    configure: fn(TraceLayer) -> TraceLayer,
}

impl Run {
    /// A GET whose answer is read to its end.
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            request: match side {
                Side::Server => || get("/").body(()).unwrap(),
                Side::Client => || get("http://shop.example/").body(()).unwrap(),
            },
            frames: None,
            deadline: None,
            classify: Classify::new(),
            routes: Routes::new(),
            configure: |layer| layer,
        }
    }

    pub(super) fn request(self, request: fn() -> Request<()>) -> Self {
        Self { request, ..self }
    }

    /// Drops the body after this many frames and [`LEAVES`].
    pub(super) fn leaves_after(self, frames: usize) -> Self {
        Self { frames: Some(frames), ..self }
    }

    pub(super) fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    pub(super) fn classify(self, classify: Classify) -> Self {
        Self { classify, ..self }
    }

    pub(super) fn routes(self, routes: Routes) -> Self {
        Self { routes, ..self }
    }

    pub(super) fn configure(self, configure: fn(TraceLayer) -> TraceLayer) -> Self {
        Self { configure, ..self }
    }

    /// Runs the exchange in every arrangement, demands that all signals agree, and answers the span.
    #[track_caller]
    pub(super) fn of<S>(&self, service: impl Fn(&ManualClock) -> S) -> SpanRecord
    where
        S: Service<Request<()>, Response = Response<ScriptBody>> + 'static,
    {
        let mut told = Vec::new();
        for arrangement in ["fused", "stacked", "inside out"] {
            let (bench, recorder, lines) = (Bench::new(), Recorder::new(), Lines::default());
            let trace = bench.on((self.configure)(TraceLayer::new(self.side, Default::default())));
            let log = AccessLogLayer::new(self.side, Default::default());
            let log = log.json_lines(JsonLines::new(lines.clone()));
            let inner = service(&bench.time);
            assert_eq!((bench.spans.spans(), recorder.records()), (vec![], vec![]));
            match arrangement {
                "fused" => {
                    let all = (trace.into_observer(), log.into_observer(), recorder.clone());
                    let layer = self.outermost(&bench, ObserveLayer::new(self.side, all));
                    self.drive(layer.layer(inner), &bench.time);
                }
                "stacked" => {
                    let layers = ServiceBuilder::new()
                        .layer(self.outermost(&bench, trace))
                        .layer(log)
                        .layer(recorder.layer(self.side));
                    self.drive(layers.service(inner), &bench.time);
                }
                _ => {
                    let layers = ServiceBuilder::new()
                        .layer(self.outermost(&bench, recorder.layer(self.side)))
                        .layer(log)
                        .layer(trace);
                    self.drive(layers.service(inner), &bench.time);
                }
            }
            let span = bench.spans.only();
            agree(&span, &recorder.only(), &lines.only());
            told.push(span);
        }
        let [fused, stacked, inside_out] = <[SpanRecord; 3]>::try_from(told).unwrap();
        assert_eq!(fused, stacked);
        assert_eq!(fused, inside_out);
        fused
    }

    /// The rules hold for the whole exchange, so the outermost layer has them.
    fn outermost<O: Clone>(&self, bench: &Bench, layer: ObserveLayer<O>) -> ObserveLayer<O> {
        let layer = layer.clock(bench.time.clock()).classify(self.classify.clone());
        let layer = layer.routes(self.routes.clone());
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

#[track_caller]
fn agree(span: &SpanRecord, record: &Record, line: &serde_json::Value) {
    let said = &line["attributes"];
    assert_eq!(span.duration, record.duration);
    assert_eq!(said["duration"].as_f64(), Some(span.duration.as_secs_f64()));
    let error = record.error_type.as_ref().map(|error| Value::from(error.as_str().to_owned()));
    assert_eq!(span.attribute("error.type"), error.as_ref());
    assert_eq!(said["error.type"].as_str(), record.error_type.as_ref().map(|error| error.as_str()));
    assert_eq!(span.status != Status::Unset, record.is_error);
    assert_eq!(line["severity_text"] == "ERROR", record.is_error);
    let code = record.grpc_status.map(|code| Value::from(code.as_str()));
    assert_eq!(span.attribute("rpc.response.status_code"), code.as_ref());
    let trace = record.trace.unwrap();
    assert_eq!(TraceId::from(trace.trace_id()), span.trace_id);
    assert_eq!(SpanId::from(trace.span_id()), span.span_id);
    assert_eq!(line["trace_id"], span.trace_id.to_string());
    assert_eq!(line["span_id"], span.span_id.to_string());
    for (key, value) in &span.attributes {
        let said = &said[key];
        let same = match value {
            Value::String(text) => said.as_str() == Some(text.as_str()),
            Value::I64(number) => said.as_i64() == Some(*number),
            _ => false,
        };
        assert!(same || said.is_null(), "{key}: {value} and {said}");
    }
}

/// Keeps the lines of the access log.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// The one line.
    #[track_caller]
    pub(super) fn only(&self) -> serde_json::Value {
        serde_json::from_slice(&self.0.lock().unwrap()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is expected of an exchange that went wrong.
pub(super) trait Wrong: Sized {
    /// With an error that a code explains.
    fn error(self, error_type: &'static str) -> Self;
    /// With the event that tells of an error, at the end of the span.
    fn exception<V: Into<Value> + Clone>(self, attributes: &[(&str, V)]) -> Self;
}

impl Wrong for SpanRecord {
    fn error(self, error_type: &'static str) -> Self {
        Self { status: Status::error(""), ..self.and("error.type", error_type) }
    }

    fn exception<V: Into<Value> + Clone>(mut self, attributes: &[(&str, V)]) -> Self {
        let of = |(key, value): &(&str, V)| ((*key).to_owned(), value.clone().into());
        self.events.push(SpanEvent {
            name: "exception".into(),
            after: self.duration,
            attributes: attributes.iter().map(of).collect(),
        });
        self
    }
}

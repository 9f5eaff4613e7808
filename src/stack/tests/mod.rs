//! The layers of one telemetry, fused and in parts, and its orderly end.

mod ending;
mod settings;
mod told;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry_sdk::trace::InMemorySpanExporter;
use prometheus::TextEncoder;
use tower::{Layer, Service};

use crate::access_log::JsonLines;
use crate::debug_dump::{DumpControl, Rule};
use crate::slo::{Objective, SloTracker, Target};
use crate::telemetry::{Telemetry, TelemetryBuilder};
use crate::testing::{ManualClock, Script, ScriptBody};

/// A telemetry whose every signal is kept.
struct Bench {
    clock: ManualClock,
    lines: Kept,
    spans: InMemorySpanExporter,
    telemetry: Telemetry,
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(set: impl FnOnce(TelemetryBuilder) -> TelemetryBuilder) -> Self {
        let (clock, lines) = (ManualClock::new(), Kept::default());
        let spans = InMemorySpanExporter::default();
        let dumps = DumpControl::builder().clock(clock.clock()).build();
        dumps.arm(Rule::new(Duration::from_secs(60)).unwrap());
        let builder = Telemetry::builder("shop")
            .service_version("1.2.3")
            .span_exporter("memory", spans.clone())
            .json_lines(JsonLines::new(lines.clone()))
            .objectives(objectives(&clock))
            .dumps(dumps);
        let telemetry = set(builder).build().unwrap();
        Self { clock, lines, spans, telemetry }
    }

    fn metrics(&self) -> Vec<String> {
        let text = TextEncoder::new().encode_to_string(&self.telemetry.registry().gather());
        text.unwrap().lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    /// How often this metric counted, over all its series.
    fn count(&self, name: &str) -> f64 {
        let of = |line: &String| {
            let (series, value) = line.rsplit_once(' ')?;
            series.starts_with(&format!("{name}{{")).then(|| value.parse::<f64>().unwrap())
        };
        self.metrics().iter().filter_map(of).sum()
    }
}

fn objectives(clock: &ManualClock) -> SloTracker {
    let target = Target::percent("99").unwrap();
    let objective = Objective::availability("answered", target).build().unwrap();
    SloTracker::builder().objective(objective).clock(clock.clock()).build().unwrap()
}

/// Asks once, and reads all of the answer.
fn ask<S, B>(service: &mut S, request: Request<()>) -> Option<StatusCode>
where
    S: Service<Request<()>, Response = http::Response<B>>,
    B: http_body::Body + Unpin,
{
    let response = service.call(request).now_or_never()?.ok()?;
    let (head, mut body) = response.into_parts();
    while let Some(Some(Ok(_))) = body.frame().now_or_never() {}
    Some(head.status)
}

fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

fn hello() -> Script {
    Script::body(ScriptBody::new().data("hello"))
}

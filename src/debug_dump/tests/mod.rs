//! What is captured, when, and what passes.

mod gaps;
mod limits;
mod live;
mod rules;
#[cfg(feature = "debug-dump-grpc")]
mod secrets;
mod seen;
mod trailers;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Layer, Service};

use super::*;
use crate::testing::{ManualClock, Script, ScriptBody};

const MINUTE: Duration = Duration::from_secs(60);

/// A control and a layer whose clock is set by hand.
struct Bench {
    clock: ManualClock,
    control: DumpControl,
    layer: DebugDumpLayer,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::new();
        let control = DumpControl::builder().clock(clock.clock()).build();
        let layer = DebugDumpLayer::server(&control).clock(clock.clock());
        Self { clock, control, layer }
    }

    fn armed(rule: Rule) -> Self {
        let bench = Self::new();
        bench.control.arm(rule);
        bench
    }

    /// Asks a service, and reads all of its answer.
    fn ask(&self, script: Script, request: Request<()>) {
        let mut service = self.layer.layer(script);
        let Some(Ok(response)) = service.call(request).now_or_never() else { return };
        let mut body = response.into_body();
        while let Some(Some(Ok(_))) = body.frame().now_or_never() {}
    }

    fn paths(&self) -> Vec<String> {
        let captures = self.control.captures();
        captures.iter().map(|capture| capture.request.uri.path().to_owned()).collect()
    }
}

fn rule() -> Rule {
    Rule::new(MINUTE).unwrap()
}

fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

fn ok() -> Script {
    Script::status(StatusCode::OK)
}

//! What the tests share.

use std::ffi::OsString;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use tower_observability::telemetry::{Telemetry, TelemetryBuilder};

/// So long that only a test that hangs meets it.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// So short that no retry fits in.
pub(crate) const BRIEF: Duration = Duration::from_millis(450);

/// Telemetry that exports only when flushed or shut down.
pub(crate) fn quiet() -> TelemetryBuilder {
    let day = Duration::from_secs(24 * 60 * 60);
    Telemetry::builder("checkout").span_delay(day).metric_interval(day)
}

/// As [`quiet`], of which a receiver gets [`resource`].
pub(crate) fn described() -> TelemetryBuilder {
    quiet()
        .service_version("4.5.6")
        .deployment_environment("test")
        .service_instance_id("i-1")
        .resource_attribute("host.cpus", 2)
}

/// What a receiver gets of [`described`] telemetry, by key.
pub(crate) fn resource() -> Resource {
    let attributes = vec![
        text("deployment.environment.name", "test"),
        attribute("host.cpus", any_value::Value::IntValue(2)),
        text("service.instance.id", "i-1"),
        text("service.name", "checkout"),
        text("service.version", "4.5.6"),
        text("telemetry.sdk.language", "rust"),
        text("telemetry.sdk.name", "opentelemetry"),
        text("telemetry.sdk.version", "0.33.1"),
    ];
    Resource { attributes, ..Default::default() }
}

/// Puts attributes in order, which the SDK keeps in none.
pub(crate) fn sort(resource: &mut Option<Resource>) {
    if let Some(resource) = resource {
        resource.attributes = by_key(std::mem::take(&mut resource.attributes));
    }
}

/// Fails where a test would hang.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, work).await.expect("hangs")
}

/// Ends this many spans of the default kind.
pub(crate) fn end_spans(telemetry: &Telemetry, count: usize) {
    let tracer = telemetry.tracer_provider().tracer("test");
    for _ in 0..count {
        tracer.in_span("work", |_| {});
    }
}

/// An environment of these variables alone.
pub(crate) fn environment<'a>(
    variables: &'a [(&'a str, &'a str)],
) -> impl Fn(&str) -> Option<OsString> + 'a {
    |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
}

pub(crate) fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 }
}

pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

pub(crate) fn by_key(mut attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    attributes
}

/// Polls on this thread, which is in no runtime.
pub(crate) fn without_runtime<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

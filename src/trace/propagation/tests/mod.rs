use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use super::*;

mod baggage;
mod carriers;
mod context;
mod properties;
mod traceparent;
mod tracestate;

const TRACE: &str = "12345678901234567890123456789012";
const UNSAMPLED: &str = "00-12345678901234567890123456789012-1234567890123456-00";
const SAMPLED: &str = "00-12345678901234567890123456789012-1234567890123456-01";
const RANDOM: &str = "00-12345678901234567890123456789012-1234567890123456-02";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

/// What the propagator reads, the same by both ways.
fn extract(lines: &[(&'static str, &str)]) -> Context {
    let headers = headers(lines);
    let context = W3cPropagator::new().extract_headers(&Context::new(), &headers);
    let by_carrier =
        W3cPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(&headers));
    assert_eq!(inject(&by_carrier), inject(&context));
    assert_eq!(by_carrier.span().span_context(), context.span().span_context());
    context
}

/// What the propagator sends, the same by both ways.
fn inject(context: &Context) -> HeaderMap {
    let (mut headers, mut by_carrier) = (HeaderMap::new(), HeaderMap::new());
    W3cPropagator::new().inject_headers(context, &mut headers);
    W3cPropagator::new().inject_context(context, &mut HeaderInjector(&mut by_carrier));
    assert_eq!(by_carrier, headers);
    headers
}

/// A child of the context's span, of the SDK.
fn child(context: &Context, sampler: Sampler) -> Context {
    let tracer = SdkTracerProvider::builder().with_sampler(sampler).build().tracer("test");
    context.with_span(tracer.start_with_context("child", context))
}

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.to_str().unwrap());
    assert_eq!(values.next(), None, "{name}");
    first
}

/// What a service sends on when it received these, of a span of its own.
fn passed_on(lines: &[(&'static str, &str)]) -> HeaderMap {
    let sent = inject(&child(&extract(lines), Sampler::ParentBased(Box::new(Sampler::AlwaysOn))));
    let unsampled = inject(&child(&extract(lines), Sampler::AlwaysOff));
    assert_eq!(unsampled.get("tracestate"), sent.get("tracestate"));
    sent
}

/// The trace's ID and the flags that are sent on.
fn trace_sent(lines: &[(&'static str, &str)]) -> (String, String) {
    let sent = passed_on(lines);
    let parts: Vec<_> = only(&sent, "traceparent").unwrap().split('-').collect();
    let [version, trace_id, span_id, flags] = parts[..] else { panic!("{parts:?}") };
    assert_eq!((version, trace_id.len(), span_id.len()), ("00", 32, 16));
    assert_ne!(span_id, "1234567890123456");
    (trace_id.to_owned(), flags.to_owned())
}

/// What is sent on of these `tracestate` headers.
fn tracestate_sent(values: &[&str]) -> Option<String> {
    let mut lines = vec![("traceparent", UNSAMPLED)];
    lines.extend(values.iter().map(|value| ("tracestate", *value)));
    let sent = passed_on(&lines);
    assert_eq!(only(&sent, "traceparent").unwrap().split('-').nth(1), Some(TRACE));
    only(&sent, "tracestate").map(String::from)
}

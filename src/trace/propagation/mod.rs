//! The W3C formats in which traces and baggage travel.
#![allow(missing_docs)] // stands in until the propagator lands
use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    Context,
    propagation::*,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
#[derive(Clone, Debug, Default)]
pub struct W3cPropagator;
impl W3cPropagator {
    pub fn new() -> Self {
        Self
    }
    pub fn extract_headers(&self, parent: &Context, headers: &HeaderMap) -> Context {
        let Some(t) = headers.get("traceparent").and_then(|v| v.to_str().ok()) else {
            return parent.clone();
        };
        let mut p = t.split('-').skip(1);
        let tid = u128::from_str_radix(p.next().unwrap(), 16).unwrap();
        let sid = u64::from_str_radix(p.next().unwrap(), 16).unwrap();
        let f = u8::from_str_radix(p.next().unwrap(), 16).unwrap();
        parent.with_remote_span_context(SpanContext::new(
            tid.into(),
            sid.into(),
            TraceFlags::new(f),
            true,
            TraceState::default(),
        ))
    }
    pub fn inject_headers(&self, context: &Context, headers: &mut HeaderMap) {
        if let Some(v) = traceparent(context.span().span_context()) {
            headers.insert("traceparent", v);
        }
    }
}
impl TextMapPropagator for W3cPropagator {
    fn inject_context(&self, _: &Context, _: &mut dyn Injector) {}
    fn extract_with_context(&self, cx: &Context, _: &dyn Extractor) -> Context {
        cx.clone()
    }
    fn fields(&self) -> text_map_propagator::FieldIter<'_> {
        text_map_propagator::FieldIter::new(&[])
    }
}
pub(crate) fn traceparent(s: &SpanContext) -> Option<HeaderValue> {
    s.is_valid().then(|| {
        format!("00-{:032x}-{:016x}-{:02x}", s.trace_id(), s.span_id(), s.trace_flags())
            .parse()
            .unwrap()
    })
}
pub struct HeaderExtractor<'a>(pub &'a HeaderMap);
pub struct HeaderInjector<'a>(pub &'a mut HeaderMap);
impl Extractor for HeaderExtractor<'_> {
    fn get(&self, k: &str) -> Option<&str> {
        self.0.get(k)?.to_str().ok()
    }
    fn keys(&self) -> Vec<&str> {
        vec![]
    }
}
impl Injector for HeaderInjector<'_> {
    fn set(&mut self, _: &str, _: String) {}
}

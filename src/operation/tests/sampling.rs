//! What a sampler sees, and what is left of a span that it refuses.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use opentelemetry::Context;
use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceState};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use super::*;

type Seen = (String, SpanKind, Vec<KeyValue>, Vec<Link>);

/// Notes what it sees, and refuses.
#[derive(Clone, Debug, Default)]
struct Refuses(Arc<Mutex<Vec<Seen>>>);

impl ShouldSample for Refuses {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let seen = (name.to_owned(), kind.clone(), attributes.to_vec(), links.to_vec());
        self.0.lock().unwrap().push(seen);
        SamplingResult {
            decision: SamplingDecision::Drop,
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}

#[test]
fn a_sampler_sees_everything_and_what_it_refuses_still_travels() {
    let sampler = Refuses::default();
    let bench = Bench::with(|provider| provider.with_sampler(sampler.clone()));
    let query = bench.operations.db("sqlite").operation("SELECT").link(context(7, 8));
    let inside = query.run(async { Ok::<_, ()>(Context::current().span().span_context().clone()) });
    let inside = inside.now_or_never().unwrap().unwrap();
    assert_eq!(inside.trace_id(), TraceId::from(1));
    assert_eq!(inside.span_id(), SpanId::from(1));
    assert!(!inside.is_sampled());
    assert_eq!(bench.spans(), []);
    let attributes = vec![text("db.system.name", "sqlite"), text("db.operation.name", "SELECT")];
    let links = vec![Link::with_context(context(7, 8))];
    let expected = ("SELECT".to_owned(), SpanKind::Client, attributes, links);
    assert_eq!(*sampler.0.lock().unwrap(), [expected]);
}

#[test]
fn without_a_provider_the_work_is_done_all_the_same() {
    let outer = Context::new().with_remote_span_context(context(7, 8));
    let _current = outer.attach();
    let query = crate::operation::Operation::db("sqlite");
    let inside = query.call(|| Ok::<_, ()>(Context::current().span().span_context().clone()));
    assert_eq!(inside, Ok(context(7, 8)));
}

use super::*;
use opentelemetry::trace::{Link, SpanKind};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult};

#[test]
fn bad_settings_are_refused_by_name() {
    let refused = [
        TailKeeping::new().slower_than(Duration::ZERO),
        TailKeeping::new().max_spans(0),
        TailKeeping::new().max_spans_per_trace(0),
        TailKeeping::new().max_wait(Duration::ZERO),
    ];
    let told: Vec<_> = refused.into_iter().map(|it| it.unwrap_err().to_string()).collect();
    assert_eq!(
        told,
        [
            r#"tail_keeping.slower_than: "0" is not allowed; it takes a duration above zero"#,
            r#"tail_keeping.max_spans: "0" is not allowed; it takes a number above zero"#,
            r#"tail_keeping.max_spans_per_trace: "0" is not allowed; it takes a number above zero"#,
            r#"tail_keeping.max_wait: "0" is not allowed; it takes a duration above zero"#,
        ]
    );
}

#[derive(Clone, Debug)]
struct Says(SamplingDecision);

impl ShouldSample for Says {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: self.0.clone(),
            attributes: vec![KeyValue::new("head", "said")],
            trace_state: TraceState::from_key_value([("head", "said")]).unwrap(),
        }
    }
}

fn asked(sampler: &impl ShouldSample, parent: Option<&Context>) -> SamplingResult {
    sampler.should_sample(parent, TraceId::from(1), "name", &SpanKind::Internal, &[], &[])
}

#[test]
fn the_sampler_turns_a_drop_into_record_only_and_nothing_else() {
    use SamplingDecision::{Drop, RecordAndSample, RecordOnly};
    for (head, tail) in
        [(Drop, RecordOnly), (RecordOnly, RecordOnly), (RecordAndSample, RecordAndSample)]
    {
        let head = Says(head);
        let expected = SamplingResult { decision: tail, ..asked(&head, None) };
        assert_eq!(asked(&TailKeeping::new().sampler(head), None), expected);
    }
}

#[test]
fn a_suppressed_context_is_not_recorded() {
    let suppressed = Context::new().with_telemetry_suppressed();
    let sampler = TailKeeping::new().sampler(Sampler::AlwaysOff);
    assert_eq!(asked(&sampler, Some(&suppressed)).decision, SamplingDecision::Drop);

    let kit = Kit::new(TailKeeping::new());
    assert!(!kit.under(&suppressed, "span").is_recording());
}

#[test]
fn what_follows_an_unsampled_parent_is_recorded_and_says_so_downstream() {
    let kit = Kit::new(TailKeeping::new());
    let root = kit.root(1, "root");
    let child = kit.child(&root, "child");
    for span in [&root, &child] {
        assert!(span.is_recording());
        assert!(!span.span_context().is_sampled());
        assert_eq!(span.span_context().trace_id(), TraceId::from(1));
    }
}

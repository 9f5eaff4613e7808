use super::*;

const STATE: &str = "foo@@bar=1,ot=th:8,bar=2";

fn with_state(context: &Context, state: &[(&str, &str)]) -> Context {
    let span = context.span();
    let span = span.span_context();
    let state = TraceState::from_key_value(state.iter().copied()).unwrap();
    let flags = span.trace_flags();
    context.with_remote_span_context(SpanContext::new(
        span.trace_id(),
        SpanId::from(1),
        flags,
        false,
        state,
    ))
}

fn state_sent(context: &Context) -> Option<String> {
    only(&inject(context), "tracestate").map(String::from)
}

#[test]
fn a_plain_traceparent_puts_nothing_beside_the_span() {
    let context = extract(&[("traceparent", SAMPLED)]);
    assert_eq!(
        format!("{context:?}"),
        format!(
            "{:?}",
            Context::new().with_remote_span_context(context.span().span_context().clone(),)
        )
    );
}

#[test]
fn nothing_is_sent_without_a_valid_span() {
    assert_eq!(inject(&Context::new()), HeaderMap::new());
    let invalid = Context::new().with_remote_span_context(SpanContext::NONE);
    assert_eq!(inject(&invalid), HeaderMap::new());
}

#[test]
fn the_random_flag_outlives_spans_that_are_not_sampled() {
    let received = extract(&[("traceparent", RANDOM)]);
    let one = child(&received, Sampler::AlwaysOff);
    // the SDK forgets it
    assert_eq!(one.span().span_context().trace_flags(), TraceFlags::default());
    let below = child(&child(&one, Sampler::AlwaysOff), Sampler::AlwaysOff);
    for (context, flags) in [(&one, "02"), (&below, "02")] {
        let sent = inject(context);
        assert_eq!(only(&sent, "traceparent").unwrap().rsplit('-').next(), Some(flags));
    }
    let sampled = inject(&child(&received, Sampler::AlwaysOn));
    assert_eq!(only(&sampled, "traceparent").unwrap().rsplit('-').next(), Some("03"));
}

#[test]
fn a_span_of_another_trace_gets_neither_the_tracestate_nor_the_flag() {
    let received = extract(&[("traceparent", RANDOM), ("tracestate", STATE)]);
    assert_eq!(state_sent(&received).as_deref(), Some(STATE));
    let other = received.with_remote_span_context(SpanContext::new(
        TraceId::from(7),
        SpanId::from(8),
        TraceFlags::SAMPLED,
        false,
        TraceState::NONE,
    ));
    let sent = inject(&other);
    let traceparent = "00-00000000000000000000000000000007-0000000000000008-01";
    assert_eq!(sent, headers(&[("traceparent", traceparent)]));
    assert_eq!(state_sent(&with_state(&other, &[("new", "1")])).as_deref(), Some("new=1"));
}

#[test]
fn what_somebody_changed_is_sent_as_changed() {
    let received = extract(&[("traceparent", SAMPLED), ("tracestate", STATE)]);
    for (what, state, expected) in [
        ("as it was", &[("ot", "th:8"), ("bar", "2")][..], Some(STATE)),
        ("a new value", &[("ot", "th:0"), ("bar", "2")], Some("ot=th:0,bar=2,foo@@bar=1")),
        (
            "a new member",
            &[("new", "1"), ("ot", "th:8"), ("bar", "2")],
            Some("new=1,ot=th:8,bar=2,foo@@bar=1"),
        ),
        ("one member less", &[("bar", "2")], Some("bar=2,foo@@bar=1")),
        ("cleared", &[], None),
    ] {
        let context = with_state(&received, state);
        assert_eq!(state_sent(&context).as_deref(), expected, "{what}");
    }
}

#[test]
fn a_changed_one_is_never_sent_malformed_or_too_long() {
    let received = extract(&[("traceparent", SAMPLED)]);
    let state = with_state(&received, &[("a", "1\r\nx: y"), ("b", ""), ("c", "3 "), ("d", "4")]);
    assert_eq!(state_sent(&state).as_deref(), Some("d=4"));
    assert_eq!(state_sent(&with_state(&received, &[("a", "\u{e9}")])), None);

    // there is room for one of two that the type cannot hold
    let refused = extract(&[("traceparent", SAMPLED), ("tracestate", "a@@=1,b@@=2,c=3")]);
    let own: Vec<_> = (0..31).map(|n| (format!("k{n:02}"), n.to_string())).collect();
    let own: Vec<_> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let sent = state_sent(&with_state(&refused, &own)).unwrap();
    let members: Vec<_> = own.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(sent, format!("{},a@@=1", members.join(",")));
}

#[test]
fn what_was_received_later_stands_for_what_was_received_before() {
    let before = extract(&[("traceparent", RANDOM), ("tracestate", "foo@@bar=1")]);
    let propagator = W3cPropagator::new();
    let later = propagator.extract_headers(&before, &headers(&[("traceparent", SAMPLED)]));
    assert_eq!(inject(&later), headers(&[("traceparent", SAMPLED)]));
    // nothing valid changes nothing
    let same = propagator.extract_headers(&before, &headers(&[("traceparent", "no")]));
    assert_eq!(inject(&same), inject(&before));
    assert_eq!(state_sent(&same).as_deref(), Some("foo@@bar=1"));
}

#[test]
fn the_parts_can_be_used_alone() {
    let lines = headers(&[("traceparent", SAMPLED), ("baggage", "k=v")]);
    let sent = |context: &Context| inject(context);
    let trace = headers(&[("traceparent", SAMPLED)]);
    let baggage = headers(&[("baggage", "k=v")]);
    let root = Context::new();
    let carrier = HeaderExtractor(&lines);
    let (both, first, second) =
        (W3cPropagator::default(), TraceContextPropagator::new(), BaggagePropagator::new());
    let without = W3cPropagator::new().without_baggage();
    assert_eq!(sent(&both.extract_headers(&root, &lines)), lines);
    assert_eq!(sent(&without.extract_headers(&root, &lines)), trace);
    assert_eq!(sent(&without.extract_with_context(&root, &carrier)), trace);
    assert_eq!(sent(&first.extract_headers(&root, &lines)), trace);
    assert_eq!(sent(&first.extract_with_context(&root, &carrier)), trace);
    assert_eq!(sent(&second.extract_headers(&root, &lines)), baggage);
    assert_eq!(sent(&second.extract_with_context(&root, &carrier)), baggage);

    let context = both.extract_headers(&root, &lines);
    let mut out = [(); 6].map(|()| HeaderMap::new());
    let [a, b, c, d, e, f] = &mut out;
    without.inject_headers(&context, a);
    without.inject_context(&context, &mut HeaderInjector(b));
    first.inject_headers(&context, c);
    first.inject_context(&context, &mut HeaderInjector(d));
    second.inject_headers(&context, e);
    second.inject_context(&context, &mut HeaderInjector(f));
    assert_eq!(out, [&trace, &trace, &trace, &trace, &baggage, &baggage].map(Clone::clone));

    let fields = |propagator: &dyn TextMapPropagator| {
        propagator.fields().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(fields(&both), ["traceparent", "tracestate", "baggage"]);
    assert_eq!(fields(&without), ["traceparent", "tracestate"]);
    assert_eq!(fields(&first), ["traceparent", "tracestate"]);
    assert_eq!(fields(&second), ["baggage"]);
}

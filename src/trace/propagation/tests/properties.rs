use std::collections::HashMap;

use http::{HeaderName, HeaderValue};
use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use proptest::prelude::*;

use super::*;

const NAMES: [&str; 3] = ["traceparent", "tracestate", "baggage"];

/// Bytes that may be a header's value, most of them nearly valid.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let any =
        prop::collection::vec(prop_oneof![Just(b'\t'), 0x20..0x7f_u8, 0x80..=0xff_u8], 0..200);
    prop_oneof![
        any,
        "[ \t]?(00|0[0-9a-f]|ff|CC)-[0a]{32}-[0b]{16}-0[0-3](-[a-z]{0,3}|\\.)?"
            .prop_map(String::into_bytes),
        "0[01]-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}".prop_map(String::into_bytes),
        "([ \t]?[a-c][a-c@_]{0,3}=[ -~]{0,6}[ \t]?,){0,40}".prop_map(String::into_bytes),
        "([a-c]{1,2}=[ -~]{1,6},){0,3}[a-z]{250,257}=1".prop_map(String::into_bytes),
        "([ \t]?[a-c!]{1,2} ?= ?([a-z=]|%[0-9a-fA-F]{2}|%g){0,6}( ?; ?p(=[a-z]?)?){0,2},){0,70}"
            .prop_map(String::into_bytes),
    ]
}

fn any_headers() -> impl Strategy<Value = HeaderMap> {
    prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..6).prop_map(|lines| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(&value).unwrap());
        }
        headers
    })
}

fn span(context: &Context) -> SpanContext {
    context.span().span_context().clone()
}

fn member() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9_*/@-]{0,40}=[ -+.-<>-~]{0,40}[!-+.-<>-~]"
}

prop_compose! {
    /// A context as a propagator may have made it.
    fn context()(
        trace_id in 1..=u128::MAX,
        span_id in 1..=u64::MAX,
        flags in 0..4_u8,
        members in prop::collection::vec(member(), 0..=32),
        baggage in prop::collection::hash_map(
            "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,20}",
            ("\\PC{0,20}", "(p(=[a-z%]{0,3})?(;q){0,2})?"),
            0..=64,
        ),
    ) -> Context {
        let traceparent = format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}");
        let tracestate = members.join(",");
        let mut lines = vec![("traceparent", traceparent.as_str())];
        if !members.is_empty() {
            lines.push(("tracestate", &tracestate));
        }
        let context = extract(&lines);
        assert_eq!(inject(&context), headers(&lines));
        let entry = |(key, (value, metadata))| KeyValueMetadata::new::<String, String, String>(key, value, metadata);
        let baggage: Vec<_> = HashMap::into_iter(baggage).map(entry).collect();
        context.with_baggage(baggage)
    }
}

proptest! {
    #[test]
    fn both_ways_read_and_send_the_same(received in any_headers(), former in any_headers()) {
        let propagator = W3cPropagator::new();
        let fast = propagator.extract_headers(&Context::new(), &received);
        let by_carrier =
            propagator.extract_with_context(&Context::new(), &HeaderExtractor(&received));
        prop_assert_eq!(span(&fast), span(&by_carrier));
        prop_assert_eq!(inject(&fast), inject(&by_carrier));

        let (mut one, mut other) = (former.clone(), former);
        propagator.inject_headers(&fast, &mut one);
        propagator.inject_context(&by_carrier, &mut HeaderInjector(&mut other));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn what_is_sent_is_bounded_and_stays_as_it_is(received in any_headers()) {
        let sent = inject(&W3cPropagator::new().extract_headers(&Context::new(), &received));
        for name in NAMES {
            let value = only(&sent, name);
            prop_assert!(value.is_none_or(|value| !value.is_empty() && value.len() <= 8192));
            prop_assert!(name != "tracestate" || value.is_none_or(|value| value.split(',').count() <= 32));
            prop_assert!(name != "baggage" || value.is_none_or(|value| value.split(',').count() <= 64));
        }
        let again = inject(&W3cPropagator::new().extract_headers(&Context::new(), &sent));
        prop_assert_eq!(again, sent);
    }

    #[test]
    fn what_is_sent_is_read_as_it_was(context in context()) {
        let sent = inject(&context);
        let read = W3cPropagator::new().extract_headers(&Context::new(), &sent);
        prop_assert_eq!(span(&read), span(&context));
        prop_assert_eq!(inject(&read), sent);
        let entries = |context: &Context| {
            context
                .baggage()
                .iter()
                .map(|(key, (value, metadata))| {
                    (key.to_string(), (value.to_string(), metadata.to_string()))
                })
                .collect::<HashMap<_, _>>()
        };
        prop_assert_eq!(entries(&read), entries(&context));
    }
}

use http::HeaderValue;

use super::*;

/// What is sent on, if it is of the trace that was received.
fn continued(values: &[&str]) -> Option<String> {
    let lines: Vec<_> = values.iter().map(|value| ("traceparent", *value)).collect();
    let (trace_id, flags) = trace_sent(&lines);
    let known = values.iter().any(|value| value.contains(&trace_id));
    known.then(|| {
        assert_eq!(trace_id, TRACE);
        flags
    })
}

#[test]
fn a_valid_one_is_continued() {
    for (what, value, flags) in [
        ("sampled", "00-12345678901234567890123456789012-1234567890123456-01", "01"),
        ("not sampled", "00-12345678901234567890123456789012-1234567890123456-00", "00"),
        ("random", "00-12345678901234567890123456789012-1234567890123456-02", "02"),
        ("both", "00-12345678901234567890123456789012-1234567890123456-03", "03"),
        ("unknown flags", "00-12345678901234567890123456789012-1234567890123456-fd", "01"),
        ("a later version", "cc-12345678901234567890123456789012-1234567890123456-01", "01"),
        ("the next version", "01-12345678901234567890123456789012-1234567890123456-00", "00"),
        ("the last version", "fe-12345678901234567890123456789012-1234567890123456-01", "01"),
        ("more fields later", "cc-12345678901234567890123456789012-1234567890123456-01-what", "01"),
        ("a dash later", "cc-12345678901234567890123456789012-1234567890123456-01-", "01"),
        ("a space before", " 00-12345678901234567890123456789012-1234567890123456-01", "01"),
        ("a tab before", "\t00-12345678901234567890123456789012-1234567890123456-01", "01"),
        ("a space after", "00-12345678901234567890123456789012-1234567890123456-01 ", "01"),
        ("a tab after", "00-12345678901234567890123456789012-1234567890123456-01\t", "01"),
        ("around", "\t 00-12345678901234567890123456789012-1234567890123456-01 \t", "01"),
    ] {
        assert_eq!(continued(&[value]).as_deref(), Some(flags), "{what}");
    }
}

#[test]
fn one_that_is_not_valid_starts_a_new_trace() {
    for (what, value) in [
        ("nothing", ""),
        ("version 00 with a dot", "00-12345678901234567890123456789012-1234567890123456-01."),
        ("version 00 with a dash", "00-12345678901234567890123456789012-1234567890123456-01-"),
        ("version 00 with more", "00-12345678901234567890123456789012-1234567890123456-01-what"),
        ("a later version, a dot", "cc-12345678901234567890123456789012-1234567890123456-01.what"),
        ("a later version, short", "cc-12345678901234567890123456789012-1234567890123456-0"),
        ("a later version, no ID", "cc-00000000000000000000000000000000-1234567890123456-01"),
        ("version ff", "ff-12345678901234567890123456789012-1234567890123456-01"),
        ("version of a dot", ".0-12345678901234567890123456789012-1234567890123456-01"),
        ("version ending in a dot", "0.-12345678901234567890123456789012-1234567890123456-01"),
        ("version with a sign", "+0-12345678901234567890123456789012-1234567890123456-01"),
        ("version in upper case", "CC-12345678901234567890123456789012-1234567890123456-01"),
        ("version of 3", "000-12345678901234567890123456789012-1234567890123456-01"),
        ("version of 4", "0000-12345678901234567890123456789012-1234567890123456-01"),
        ("version of 1", "0-12345678901234567890123456789012-1234567890123456-01"),
        ("trace ID of zeros", "00-00000000000000000000000000000000-1234567890123456-01"),
        ("trace ID, a dot first", "00-.2345678901234567890123456789012-1234567890123456-01"),
        ("trace ID, a dot last", "00-1234567890123456789012345678901.-1234567890123456-01"),
        ("trace ID, a sign", "00-+2345678901234567890123456789012-1234567890123456-01"),
        ("trace ID, upper case", "00-1234567890123456789012345678901A-1234567890123456-01"),
        ("trace ID of 33", "00-123456789012345678901234567890123-1234567890123456-01"),
        ("trace ID of 31", "00-1234567890123456789012345678901-1234567890123456-01"),
        ("parent ID of zeros", "00-12345678901234567890123456789012-0000000000000000-01"),
        ("parent ID, a dot first", "00-12345678901234567890123456789012-.234567890123456-01"),
        ("parent ID, a dot last", "00-12345678901234567890123456789012-123456789012345.-01"),
        ("parent ID, a sign", "00-12345678901234567890123456789012-+234567890123456-01"),
        ("parent ID, upper case", "00-12345678901234567890123456789012-123456789012345A-01"),
        ("parent ID of 17", "00-12345678901234567890123456789012-12345678901234567-01"),
        ("parent ID of 15", "00-12345678901234567890123456789012-123456789012345-01"),
        ("flags, a dot first", "00-12345678901234567890123456789012-1234567890123456-.0"),
        ("flags, a dot last", "00-12345678901234567890123456789012-1234567890123456-0."),
        ("flags, a sign", "00-12345678901234567890123456789012-1234567890123456-+1"),
        ("flags, upper case", "00-12345678901234567890123456789012-1234567890123456-0A"),
        ("flags of 3", "00-12345678901234567890123456789012-1234567890123456-001"),
        ("flags of 1", "00-12345678901234567890123456789012-1234567890123456-1"),
        ("dash 1", "00.12345678901234567890123456789012-1234567890123456-01"),
        ("dash 2", "00-12345678901234567890123456789012.1234567890123456-01"),
        ("dash 3", "00-12345678901234567890123456789012-1234567890123456.01"),
        ("two in one", "00-12345678901234567890123456789012-1234567890123456-01,00-1"),
    ] {
        assert_eq!(continued(&[value]), None, "{what}");
        assert!(!extract(&[("traceparent", value)]).has_active_span(), "{what}");
    }
}

#[test]
fn two_are_none() {
    let other = "00-12345678901234567890123456789011-1234567890123456-01";
    assert_eq!(continued(&[SAMPLED]).as_deref(), Some("01"));
    for values in [[other, SAMPLED], [SAMPLED, other], [SAMPLED, SAMPLED], ["", SAMPLED]] {
        assert_eq!(continued(&values), None, "{values:?}");
    }
    // a second that cannot be read is a second
    let mut both = headers(&[("traceparent", SAMPLED)]);
    both.append("traceparent", HeaderValue::from_bytes(b"\xff").unwrap());
    let propagator = W3cPropagator::new();
    assert!(!propagator.extract_headers(&Context::new(), &both).has_active_span());
    let context = propagator.extract_with_context(&Context::new(), &HeaderExtractor(&both));
    assert!(!context.has_active_span());
}

#[test]
fn what_a_later_version_adds_must_be_text() {
    let later = |after: &[u8]| {
        let value = [b"cc-12345678901234567890123456789012-1234567890123456-01", after].concat();
        let mut headers = HeaderMap::new();
        headers.append("traceparent", HeaderValue::from_bytes(&value).unwrap());
        let propagator = W3cPropagator::new();
        let fast = propagator.extract_headers(&Context::new(), &headers);
        let by_carrier =
            propagator.extract_with_context(&Context::new(), &HeaderExtractor(&headers));
        (fast.has_active_span(), by_carrier.has_active_span())
    };
    assert_eq!(later(b"-a\tb ~"), (true, true));
    for after in ["-\u{e9}".as_bytes(), b"-\xff", b"\xff"] {
        assert_eq!(later(after), (false, false), "{after:?}");
    }
}

#[test]
fn only_its_own_name_is_read() {
    assert_eq!(trace_sent(&[("TraceParent", SAMPLED)]), (TRACE.to_owned(), "01".to_owned()));
    for name in ["trace-parent", "trace.parent"] {
        assert_ne!(trace_sent(&[(name, SAMPLED)]).0, TRACE, "{name}");
    }
    assert_ne!(trace_sent(&[]).0, TRACE);
}

#[test]
fn what_is_read_is_a_remote_span() {
    let context =
        extract(&[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fb")]);
    let expected = SpanContext::new(
        TraceId::from(0x0af7651916cd43dd8448eb211c80319c),
        SpanId::from(0xb7ad6b7169203331),
        TraceFlags::new(3),
        true,
        TraceState::NONE,
    );
    assert_eq!(*context.span().span_context(), expected);
    let formatted = super::super::traceparent(&expected).unwrap();
    assert_eq!(formatted, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03");
    assert_eq!(super::super::traceparent(&SpanContext::NONE), None);
}

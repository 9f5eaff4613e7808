use super::*;

fn sent(value: &str) -> Option<String> {
    tracestate_sent(&[value])
}

/// `bar01=01,bar02=02` and so on.
fn numbered(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|n| format!("bar{n:02}={n:02}")).collect::<Vec<_>>().join(",")
}

#[test]
fn a_valid_one_is_sent_as_it_came() {
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let values: String = (' '..='~').filter(|letter| !",=".contains(*letter)).collect();
    let (key, value) = ("z".repeat(256), "v".repeat(256));
    for (what, value) in [
        ("one", "foo=1"),
        ("two", "foo=1,bar=2"),
        ("level 1: all letters of a key", &format!("{letters}={values}")),
        ("level 1: a tenant", &format!("{letters}@a-z0-9_-*/={values}")),
        ("a space in front of the value", "foo= 1"),
        ("a digit first", "1foo=1"),
        ("the longest key", &format!("foo=1,{key}=1")),
        ("the longest value", &format!("foo={value}")),
        ("level 1: the longest tenant", &format!("foo=1,{}@{}=1", "t".repeat(241), "v".repeat(14))),
        ("level 2: a longer tenant", &format!("foo=1,{}@v=1", "t".repeat(242))),
        ("level 2: a longer system", &format!("foo=1,t@{}=1", "v".repeat(15))),
        ("level 2: nothing after @", "foo@=1,bar=2"),
        ("level 2: @ twice", "foo@@bar=1,bar=2"),
        ("level 2: two tenants", "foo@bar@baz=1,bar=2"),
        ("a key twice, one value", "foo=1,foo=1"),
        ("a key twice", "foo=1,foo=2"),
    ] {
        assert_eq!(sent(value).as_deref(), Some(value), "{what}");
    }
}

#[test]
fn whitespace_and_empty_members_are_left_out() {
    for (what, values, expected) in [
        ("space, tab and space", &["foo=1 \t , \t bar=2, \t baz=3"][..], Some("foo=1,bar=2,baz=3")),
        ("tab, space and tab", &["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], Some("foo=1,bar=2,baz=3")),
        ("a space before", &[" foo=1"], Some("foo=1")),
        ("a tab before", &["\tfoo=1"], Some("foo=1")),
        ("a space after", &["foo=1 "], Some("foo=1")),
        ("a tab after", &["foo=1\t"], Some("foo=1")),
        ("around", &["\t foo=1 \t"], Some("foo=1")),
        ("an empty header", &[""], None),
        ("whitespace alone", &[" \t"], None),
        ("commas alone", &[",, ,"], None),
        ("empty members", &["foo=1,, ,bar=2,"], Some("foo=1,bar=2")),
        ("an empty header after", &["foo=1", ""], Some("foo=1")),
        ("an empty header before", &["", "foo=1"], Some("foo=1")),
        (
            "several",
            &["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
            Some("foo=1,bar=2,rojo=1,congo=2,baz=3"),
        ),
        ("a key in two", &["foo=1", "foo=1"], Some("foo=1,foo=1")),
        ("a key in two, two values", &["foo=1", "foo=2"], Some("foo=1,foo=2")),
    ] {
        assert_eq!(tracestate_sent(values).as_deref(), expected, "{what}");
    }
}

#[test]
fn one_member_that_is_not_valid_discards_it_whole() {
    let (key, value) = ("z".repeat(257), "v".repeat(257));
    for (what, value) in [
        ("a space after the key", "bar=2,foo =1"),
        ("an upper-case key", "bar=2,FOO=1"),
        ("an upper-case letter", "bar=2,fOo=1"),
        ("a dot in a key", "bar=2,foo.bar=1"),
        ("@ first", "@foo=1,bar=2"),
        ("_ first", "_foo=1,bar=2"),
        ("an empty key", "=1,bar=2"),
        ("no key", "bar=2,="),
        ("a key of 257", &format!("foo=1,{key}=1")),
        ("two values", "foo=bar=baz"),
        ("an empty value", "foo=,bar=3"),
        ("a value of spaces", "bar=3,foo=  ,x=1"),
        ("no value", "foo,bar=3"),
        ("a tab in a value", "foo=a\tb,bar=3"),
        ("a value of 257", &format!("bar=3,foo={value}")),
    ] {
        assert_eq!(sent(value), None, "{what}");
    }
    let mut lines = headers(&[("traceparent", SAMPLED), ("tracestate", "foo=1")]);
    lines.append("tracestate", "é=1".parse().unwrap());
    let context = W3cPropagator::new().extract_headers(&Context::new(), &lines);
    assert_eq!(only(&inject(&context), "traceparent"), Some(SAMPLED));
    assert_eq!(only(&inject(&context), "tracestate"), None);
}

#[test]
fn thirty_two_members_are_kept_and_thirty_three_discarded() {
    let [one, two, three] = [numbered(1..=10), numbered(11..=20), numbered(21..=30)];
    let (last, more) = (numbered(31..=32), numbered(31..=33));
    let all = numbered(1..=32);
    assert_eq!(tracestate_sent(&[&one, &two, &three, &last]), Some(all.clone()));
    assert_eq!(tracestate_sent(&[&one, &two, &three, &more]), None);
    // an empty member is none
    assert_eq!(tracestate_sent(&[&all, ",,", ""]), Some(all));
    assert_eq!(sent(&format!("{}foo=1", ",".repeat(1000))).as_deref(), Some("foo=1"));
}

#[test]
fn what_is_too_long_loses_large_members_from_the_end() {
    // as much as there can be: 16 447 bytes
    let large: Vec<_> = (0..32).map(|n| format!("{n:0256}={}", "v".repeat(256))).collect();
    let sent_of_large = sent(&large.join(",")).unwrap();
    assert_eq!(sent_of_large, large[..15].join(","));
    assert_eq!(sent_of_large.len(), 15 * 513 + 14);

    // small ones stay, wherever they are; 128 bytes are small
    let small = format!("s={}", "v".repeat(126));
    assert_eq!(small.len(), 128);
    let mut mixed = large[..31].to_vec();
    mixed.push(small.clone());
    let expected = [large[..15].join(","), small].join(",");
    assert_eq!(sent(&mixed.join(",")), Some(expected));

    // what just fits stays whole
    let mut fits = large[..15].to_vec();
    fits.push(format!("y={}", "v".repeat(253)));
    let one_less = fits.join(",");
    fits.push(format!("x={}", "v".repeat(8192 - one_less.len() - 3)));
    let fits = fits.join(",");
    assert_eq!(fits.len(), 8192);
    assert_eq!(sent(&fits), Some(fits.clone()));
    assert_eq!(sent(&format!("{fits}v")), Some(one_less));
}

#[test]
fn it_is_ignored_without_a_valid_traceparent() {
    for parent in [None, Some("00-12345678901234567890123456789012-1234567890123456-0")] {
        let mut lines = vec![("tracestate", "foo=1,bar=2")];
        lines.extend(parent.map(|parent| ("traceparent", parent)));
        let sent = passed_on(&lines);
        assert_eq!(only(&sent, "tracestate"), None);
        assert_ne!(only(&sent, "traceparent").unwrap().split('-').nth(1), Some(TRACE));
    }
}

#[test]
fn only_its_own_name_is_read() {
    for (name, expected) in
        [("TraceState", Some("foo=1")), ("trace-state", None), ("trace.state", None)]
    {
        let sent = passed_on(&[("traceparent", UNSAMPLED), (name, "foo=1")]);
        assert_eq!(only(&sent, "tracestate"), expected, "{name}");
    }
}

#[test]
fn a_sampler_sees_what_its_type_can_hold() {
    let context =
        extract(&[("traceparent", SAMPLED), ("tracestate", "foo@@bar=1,ot=th:8,ot=th:9,bar=2")]);
    let state = TraceState::from_key_value([("ot", "th:8"), ("bar", "2")]).unwrap();
    assert_eq!(*context.span().span_context().trace_state(), state);
}

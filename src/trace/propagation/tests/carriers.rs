use std::collections::HashMap;

use http::HeaderValue;
use opentelemetry::propagation::{Extractor, Injector};

use super::*;

#[test]
fn every_header_of_a_name_is_seen_in_order() {
    let mut lines = headers(&[("a", "1"), ("b", "3"), ("a", "2")]);
    lines.append("a", HeaderValue::from_bytes(b"\xff\xfe").unwrap());
    lines.append("c", HeaderValue::from_bytes("é".as_bytes()).unwrap());
    let carrier = HeaderExtractor(&lines);
    assert_eq!(carrier.get_all("A"), Some(vec!["1", "2", "\u{fffd}"]));
    assert_eq!(carrier.get("a"), Some("1"));
    assert_eq!((carrier.get("c"), carrier.get_all("c")), (None, Some(vec!["\u{fffd}"])));
    assert_eq!((carrier.get("d"), carrier.get_all("d")), (None, None));
    assert_eq!((carrier.get("not a name"), carrier.get_all("not a name")), (None, None));
    let mut keys = carrier.keys();
    keys.sort_unstable();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[test]
fn a_header_replaces_those_of_its_name_and_is_left_out_if_invalid() {
    let mut lines = headers(&[("a", "1"), ("a", "2")]);
    let mut carrier = HeaderInjector(&mut lines);
    carrier.reserve(usize::MAX);
    carrier.set("A", "3".to_owned());
    carrier.set("b", "x\r\ny: z".to_owned());
    carrier.set("not a name", "1".to_owned());
    assert_eq!(lines, headers(&[("a", "3")]));
}

#[test]
fn a_new_traceparent_leaves_no_former_tracestate() {
    let context = extract(&[("traceparent", SAMPLED)]);
    let former = headers(&[
        ("traceparent", RANDOM),
        ("traceparent", RANDOM),
        ("tracestate", "a=1"),
        ("tracestate", "b=2"),
        ("x", "y"),
    ]);
    let expected = headers(&[("traceparent", SAMPLED), ("x", "y")]);
    let (mut fast, mut by_carrier) = (former.clone(), former.clone());
    W3cPropagator::new().inject_headers(&context, &mut fast);
    W3cPropagator::new().inject_context(&context, &mut HeaderInjector(&mut by_carrier));
    assert_eq!((fast, by_carrier), (expected.clone(), expected));

    // without a span of its own, a service passes on what it holds
    let (mut fast, mut by_carrier) = (former.clone(), former.clone());
    W3cPropagator::new().inject_headers(&Context::new(), &mut fast);
    W3cPropagator::new().inject_context(&Context::new(), &mut HeaderInjector(&mut by_carrier));
    assert_eq!((fast, by_carrier), (former.clone(), former));
}

#[test]
fn a_map_that_is_full_does_not_panic() {
    let mut full = HeaderMap::new();
    let mut n = 0;
    while let Ok(name) = format!("n{n}").parse::<http::HeaderName>() {
        if full.try_insert(name, HeaderValue::from_static("")).is_err() {
            break;
        }
        n += 1;
    }
    let count = full.len();
    let context = extract(&[("traceparent", SAMPLED), ("tracestate", "a=1"), ("baggage", "k=v")]);
    W3cPropagator::new().inject_headers(&context, &mut full);
    W3cPropagator::new().inject_context(&context, &mut HeaderInjector(&mut full));
    assert_eq!(full.len(), count);
}

#[test]
fn other_carriers_do_as_well() {
    let lines = [("traceparent", RANDOM), ("tracestate", "a=1"), ("baggage", "k=v")];
    let lines: HashMap<_, _> =
        lines.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let context = W3cPropagator::new().extract_with_context(&Context::new(), &lines);
    let mut sent = HashMap::new();
    W3cPropagator::new().inject_context(&context, &mut sent);
    assert_eq!(sent, lines);
}

//! traceparent, tracestate and baggage, as a stranger sends them.
#![no_main]

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use tower_observability::trace::propagation::{HeaderExtractor, HeaderInjector, W3cPropagator};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// Half of what follows is read with a parent that is valid.
    valid: bool,
    headers: Vec<(u8, &'a [u8])>,
}

const NAMES: [&str; 3] = ["traceparent", "tracestate", "baggage"];
const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";

fn extract(headers: &HeaderMap) -> Context {
    W3cPropagator::new().extract_headers(&Context::new(), headers)
}

fn inject(context: &Context) -> HeaderMap {
    let (mut fast, mut by_carrier) = (HeaderMap::new(), HeaderMap::new());
    W3cPropagator::new().inject_headers(context, &mut fast);
    W3cPropagator::new().inject_context(context, &mut HeaderInjector(&mut by_carrier));
    assert_eq!(fast, by_carrier);
    fast
}

fuzz_target!(|input: Input<'_>| {
    let mut headers = HeaderMap::new();
    if input.valid {
        headers.append("traceparent", HeaderValue::from_static(VALID));
    }
    for (name, value) in input.headers.iter().take(16) {
        let name = NAMES[usize::from(*name) % NAMES.len()];
        if let Ok(value) = HeaderValue::from_bytes(value)
            && !(input.valid && name == "traceparent")
        {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    let sent = inject(&extract(&headers));
    let carrier = HeaderExtractor(&headers);
    let by_carrier = W3cPropagator::new().extract_with_context(&Context::new(), &carrier);
    assert_eq!(inject(&by_carrier), sent);
    if input.valid {
        assert_eq!(sent["traceparent"], VALID);
    }
    for (name, most) in [("traceparent", 1), ("tracestate", 32), ("baggage", 64)] {
        let mut values = sent.get_all(name).iter();
        if let Some(value) = values.next() {
            let value = value.to_str().unwrap();
            assert!(!value.is_empty() && value.len() <= 8192 && value.split(',').count() <= most);
        }
        assert_eq!(values.next(), None);
    }
    // what was sent is valid, and read as it was meant
    assert_eq!(inject(&extract(&sent)), sent);
});

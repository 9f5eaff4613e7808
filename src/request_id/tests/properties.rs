use proptest::prelude::*;

use super::*;

const NAMES: [&str; 4] = ["x-request-id", "request-id", "x-amzn-trace-id", "traceparent"];

/// Bytes that may be a header's value, some of them of a shape that is read.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let any =
        prop::collection::vec(prop_oneof![Just(b'\t'), 0x20..0x7f_u8, 0x80..=0xff_u8], 0..300);
    prop_oneof![
        any,
        "[A-Za-z0-9._:/+=-]{0,140}".prop_map(String::into_bytes),
        "(Self=[a-z]{0,3};)?( ?Root=[a-f0-9 -]{0,40};?){0,2}".prop_map(String::into_bytes),
        "[0f]{2}-[0a]{32}-[0b]{16}-0[01](-[a-z]{0,3})?".prop_map(String::into_bytes),
    ]
}

fn run(layer: RequestIdLayer, headers: &[(&'static str, Vec<u8>)]) -> Seen {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    futures_util::FutureExt::now_or_never(send(layer, request(&headers))).unwrap()
}

proptest! {
    #[test]
    fn a_servers_id_is_valid_and_the_same_everywhere(
        headers in prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..4),
    ) {
        let seen = run(RequestIdLayer::server(), &headers);
        let id = seen.id().unwrap();
        prop_assert!(RequestId::from_bytes(id.as_bytes()).is_ok());
        prop_assert_eq!(seen.inside(), [id.as_bytes()]);
        prop_assert_eq!(seen.echoed(), [id.as_bytes()]);
        if let Some(kept) = seen.kept() {
            prop_assert!(kept.chars().count() <= KEPT);
            prop_assert!(!kept.chars().any(char::is_control));
        }
        for name in &NAMES[1..] {
            let sent = headers.iter().filter(|(sent, _)| sent == name).map(|(_, value)| &value[..]);
            prop_assert!(seen.head.headers.get_all(*name).iter().eq(sent));
        }
    }

    #[test]
    fn a_client_sends_what_the_caller_set(values in prop::collection::vec(value(), 1..3)) {
        let headers: Vec<_> = values.iter().map(|value| (NAMES[0], value.clone())).collect();
        let seen = run(RequestIdLayer::client(), &headers);
        prop_assert!(seen.inside().iter().eq(&values));
        match &values[..] {
            [one] if RequestId::from_bytes(one).is_ok() => {
                prop_assert_eq!(seen.id().unwrap().into_bytes(), one.clone());
                prop_assert_eq!(seen.kept(), None);
            }
            _ => {
                prop_assert_eq!(seen.id(), None);
                prop_assert!(seen.kept().is_some());
            }
        }
    }
}

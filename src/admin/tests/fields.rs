//! Whatever is sent as a body.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::admin::log::{filter, section};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u64..100_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!([1])),
        Just(json!({"filter": "info"})),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("filter".to_owned()), Just("time_to_live_seconds".to_owned()), any::<String>()]
}

proptest! {
    /// What is taken is exactly what the schema allows, and what is refused names a member of the
    /// schema or of the document.
    #[test]
    fn a_body_is_taken_or_the_member_at_fault_is_named(
        members in proptest::collection::btree_map(name(), value(), 0..4),
    ) {
        let members: BTreeMap<String, Value> = members;
        let filter = members.get("filter").and_then(Value::as_str);
        let filter = filter.filter(|filter| filter.len() <= 4096);
        let seconds = members.get("time_to_live_seconds").and_then(Value::as_u64);
        let seconds = seconds.filter(|seconds| (1..=86_400).contains(seconds));
        let expected = match (filter, seconds) {
            (Some(filter), Some(seconds)) if members.len() == 2 => {
                Some((filter.to_owned(), Duration::from_secs(seconds)))
            }
            _ => None,
        };
        let read = section::read(&serde_json::to_vec(&members).unwrap());
        prop_assert_eq!(read.as_ref().ok(), expected.as_ref());
        if let Err(refusal) = read {
            prop_assert_eq!(refusal.status.as_u16(), 400);
            let field = refusal.field.clone().unwrap();
            prop_assert!(field.chars().count() <= 64);
            prop_assert!(!field.chars().any(crate::escape::is_control));
        }
    }

    /// No bytes panic, nor do they come back as they are.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(refusal) = section::read(&bytes) {
            prop_assert_eq!(refusal.status.as_u16(), 400);
            prop_assert!(!refusal.detail.chars().any(crate::escape::is_control));
        }
    }

    /// No filter panics, and whatever is taken leaves the audit on.
    #[test]
    fn any_filter_is_taken_or_refused(
        given in prop_oneof![any::<String>(), "[ a-cé\u{3000}=,\\[\\]{}:off]{0,20}"],
    ) {
        if let Ok(taken) = filter::checked(&given) {
            let parsed = tracing_subscriber::EnvFilter::builder().parse(filter::audited(&taken));
            let text = parsed.unwrap().to_string();
            prop_assert!(text.split(',').any(|part| part == "tower_observability::audit=info"), "{text}");
        }
    }
}

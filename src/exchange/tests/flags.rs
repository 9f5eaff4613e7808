//! Feature flags that were evaluated in an exchange.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::request;
use proptest::prelude::*;
use tower::service_fn;

use super::*;
use crate::attribute::{Attributes, Value};
use crate::exchange::{End, Facts, Flag, InExchangeExt, annotate, flag};
use crate::testing::ScriptBody;

/// Keeps the flags of each exchange, as they are at its end.
#[derive(Clone, Default)]
struct Flagged(Arc<Mutex<Vec<Vec<Flag>>>>);

impl Observer for Flagged {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}

    fn end(&self, (): (), end: &End<'_>) {
        self.0.lock().unwrap().push(end.facts.with_flags(<[_]>::to_vec));
    }
}

fn kept(key: &'static str, variant: &'static str, after: u64, evaluations: u64) -> Flag {
    let after = Duration::from_millis(after);
    Flag { key: key.into(), variant: variant.into(), after, evaluations }
}

/// The facts of an exchange in which the handler did this, and what a recorder kept of it.
fn handled(clock: &ManualClock, handler: impl Fn() + Clone) -> (Arc<Facts>, Vec<Flag>, Record) {
    let (recorder, flagged, found) = (Recorder::new(), Flagged::default(), Mutex::new(None));
    let inner = service_fn(async |_: Request<()>| {
        *found.lock().unwrap() = Facts::current();
        handler();
        Ok::<_, ()>(Response::new(ScriptBody::new()))
    });
    let layer = ObserveLayer::new(Side::Server, (recorder.clone(), flagged.clone()));
    let service = layer.clock(clock.clock()).layer(inner);
    drop(service.oneshot(Request::new(())).now_or_never());
    let [at_end] = <[_; 1]>::try_from(flagged.0.lock().unwrap().clone()).unwrap();
    let facts = found.into_inner().unwrap().unwrap();
    (facts, at_end, recorder.only())
}

#[test]
fn each_result_is_kept_once_and_its_evaluations_are_counted() {
    let clock = ManualClock::new();
    let (facts, at_end, record) = handled(&clock, || {
        let facts = Facts::current().unwrap();
        assert_eq!(facts.with_flags(<[_]>::len), 0);
        clock.advance(MS * 2);
        assert!(flag("new-checkout", "on"));
        clock.advance(MS * 3);
        assert!(flag("logo-color", String::from("red")));
        assert!(flag("new-checkout", "on"));
        assert!(flag("new-checkout", "off"));
        assert!(facts.flag("logo-color", "red"));
        assert!(flag("logo-color", "red"));
    });
    let expected = [
        kept("new-checkout", "on", 2, 2),
        kept("logo-color", "red", 5, 3),
        kept("new-checkout", "off", 5, 1),
    ];
    assert_eq!(at_end, expected);
    assert_eq!(facts.with_flags(<[_]>::to_vec), expected);
    let attributes: Vec<_> = record.attributes.iter().collect();
    // of two variants, the last one is the attribute
    let text = |text: &'static str| Value::from(text);
    assert_eq!(
        attributes,
        [("feature_flag.new-checkout", &text("off")), ("feature_flag.logo-color", &text("red"))]
    );
}

#[test]
fn a_flag_is_refused_outside_of_an_exchange_and_after_its_end() {
    assert!(!flag("new-checkout", "on"));
    let (facts, at_end, record) = handled(&ManualClock::new(), || ());
    assert!(facts.has_ended());
    assert!(!facts.flag("new-checkout", "on"));
    assert_eq!((at_end, facts.with_flags(<[_]>::len)), (vec![], 0));
    assert_eq!(record.attributes, Attributes::default());
}

#[tokio::test]
async fn a_task_that_carries_its_exchange_flags_that_one() {
    let flagged = Flagged::default();
    let handler = service_fn(async |_: Request<()>| {
        let task = async { flag("new-checkout", "on") };
        assert_eq!(tokio::spawn(async { flag("new-checkout", "on") }).await.ok(), Some(false));
        assert_eq!(tokio::spawn(task.in_exchange()).await.ok(), Some(true));
        Ok::<_, ()>(Response::new(String::new()))
    });
    let layer = ObserveLayer::new(Side::Server, flagged.clone()).clock(ManualClock::new().clock());
    drop(layer.layer(handler).oneshot(Request::new(())).await);
    assert_eq!(*flagged.0.lock().unwrap(), [[kept("new-checkout", "on", 0, 1)]]);
}

#[test]
fn what_does_not_fit_is_refused_whole() {
    let ok = |text: &'static str, most: usize| Cow::from(text.repeat(most));
    let cases = [
        (ok("k", Flag::MAX_KEY), ok("v", Flag::MAX_VARIANT), true),
        (ok("k", Flag::MAX_KEY + 1), "on".into(), false),
        ("".into(), "on".into(), false),
        ("key".into(), ok("v", Flag::MAX_VARIANT + 1), false),
        ("key".into(), "".into(), false),
    ];
    for (key, variant, fits) in cases {
        let told = Mutex::new(None);
        let (_, at_end, record) = handled(&ManualClock::new(), || {
            *told.lock().unwrap() = Some(flag(key.clone(), variant.clone()));
        });
        assert_eq!(told.into_inner().unwrap(), Some(fits), "{key}: {variant}");
        assert_eq!((at_end.len(), record.attributes.iter().len()), (fits.into(), fits.into()));
    }
}

#[test]
fn results_are_bounded_and_those_that_are_kept_are_counted_on() {
    let (_, at_end, record) = handled(&ManualClock::new(), || {
        for number in 0..Flag::MAX {
            assert!(flag("number", number.to_string()));
        }
        assert!(!flag("number", "one too many"));
        assert!(!flag("another", "one too many"));
        assert!(flag("number", "0"));
    });
    let evaluations: Vec<_> = at_end.iter().map(|flag| flag.evaluations).collect();
    assert_eq!(evaluations, [[2].as_slice(), &[1; Flag::MAX - 1]].concat());
    let attributes: Vec<_> = record.attributes.iter().collect();
    assert_eq!(attributes, [("feature_flag.number", &Value::from("0"))]);
}

#[test]
fn where_no_attribute_fits_no_flag_does() {
    let (_, at_end, record) = handled(&ManualClock::new(), || {
        assert!(flag("new-checkout", "on"));
        for number in 1..Attributes::MAX {
            assert!(annotate(format!("n{number}"), 1));
        }
        assert!(!flag("logo-color", "red"));
        assert!(flag("new-checkout", "off"), "it has an attribute already");
    });
    assert_eq!(at_end, [kept("new-checkout", "on", 0, 1), kept("new-checkout", "off", 0, 1)]);
    assert_eq!(record.attributes.iter().len(), Attributes::MAX);
}

proptest! {
    /// Whatever keys and variants come: what is told to be kept is, and all of it is counted.
    #[test]
    fn what_is_kept_is_what_was_accepted(
        told in proptest::collection::vec(("[a-c]{0,2}|.{110,120}", "[x-z]{0,2}|.{120,130}"), 0..60)
    ) {
        let accepted = Mutex::new(BTreeMap::new());
        let (_, at_end, _) = handled(&ManualClock::new(), || {
            for (key, variant) in &told {
                if flag(key.clone(), variant.clone()) {
                    *accepted.lock().unwrap().entry((key.clone(), variant.clone())).or_default() += 1;
                }
            }
        });
        let counted: BTreeMap<_, u64> = at_end
            .iter()
            .map(|flag| ((flag.key.clone().into(), flag.variant.clone().into()), flag.evaluations))
            .collect();
        prop_assert!(at_end.len() <= Flag::MAX);
        prop_assert_eq!(counted.len(), at_end.len());
        for (key, variant) in counted.keys() {
            let (key, variant): (&String, &String) = (key, variant);
            prop_assert!((1..=Flag::MAX_KEY).contains(&key.len()));
            prop_assert!((1..=Flag::MAX_VARIANT).contains(&variant.len()));
        }
        prop_assert_eq!(counted, accepted.into_inner().unwrap());
    }
}

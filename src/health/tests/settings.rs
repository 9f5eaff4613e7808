//! What is refused, and how it says so.

use super::*;
use crate::config::ConfigError;

fn refused(component: Component) -> (&'static str, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let error = Health::builder().component(component).start().unwrap_err();
    (error.field(), error.value().to_owned())
}

#[test]
fn settings_that_cannot_be_used_are_refused_by_name() {
    let ms = Duration::from_millis;
    for (wrong, field, value) in [
        (component(""), "name", ""),
        (component("two words"), "name", "two words"),
        (component("a\n"), "name", "a\n"),
        (component("drain"), "name", "drain"),
        (component("a").groups([]), "groups", "none"),
        (component("a").interval(ms(9)), "interval", "9ms"),
        (component("a").interval(secs(86_401)), "interval", "86401s"),
        (component("a").timeout(ms(0)), "timeout", "0ns"),
        (component("a").timeout(secs(3601)), "timeout", "3601s"),
        (component("a").jitter(secs(86_401)), "jitter", "86401s"),
        (component("a").failure_threshold(0), "failure_threshold", "0"),
        (component("a").success_threshold(1001), "success_threshold", "1001"),
        (component("a").stale_after(secs(10), secs(20)), "stale_after", "10s, 20s"),
        (component("a").stale_after(secs(20), secs(19)), "stale_after", "20s, 19s"),
        (component("a").stale_after(secs(20), Duration::MAX), "stale_after", ""),
    ] {
        let (found, told) = refused(wrong);
        assert_eq!(found, field);
        assert!(told.starts_with(value), "{told}");
    }
    let long = "a".repeat(65);
    assert_eq!(refused(component(&long)), ("name", long));
}

#[test]
fn the_bounds_themselves_are_taken() {
    let bounds = [
        component(&"a".repeat(64)).interval(secs(86_400)).timeout(secs(3600)).jitter(secs(86_400)),
        component("Az09._:/-").interval(Duration::from_millis(10)).jitter(secs(0)),
        component("a").failure_threshold(1000).success_threshold(1000),
    ];
    for component in bounds {
        let name = component.build().map(|(rules, _)| rules.name);
        assert!(name.is_ok(), "{name:?}");
    }
}

#[tokio::test]
async fn a_name_may_come_once_and_components_are_at_most_256() {
    let twice = Health::builder().component(component("a")).component(component("a"));
    let error = twice.start().unwrap_err();
    assert_eq!(error, ConfigError::new("name", "a", "each name once"));
    let named = |count: u32| {
        let names = (0..count).map(|at| component(&at.to_string()));
        names.fold(Health::builder(), |builder, component| builder.component(component))
    };
    assert_eq!(named(257).start().unwrap_err().value(), "257");
    assert_eq!(named(256).start().unwrap().snapshot().components().count(), 256);
}

#[test]
fn there_must_be_a_runtime() {
    let error = Health::builder().start().unwrap_err();
    assert_eq!(error, ConfigError::new("runtime", "none", "a tokio runtime, entered"));
}

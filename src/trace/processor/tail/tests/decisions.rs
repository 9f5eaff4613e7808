use super::*;
use opentelemetry::trace::{Link, SpanKind};
use opentelemetry_sdk::trace::SamplingResult;

#[test]
fn an_uneventful_trace_is_dropped_and_nothing_is_held() {
    let kit = Kit::new(TailKeeping::new().slower_than(SECOND).unwrap());
    let root = kit.root(1, "root");
    end(kit.child(&root, "child"));
    end_after(root, SECOND);
    assert_eq!(kit.exported(), Vec::<String>::new());
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
    assert_eq!(kit.sizes(), Sizes { spans: 0, waiting: 0, open: 0, closed: 1, traces: 1, held: 0 });
}

#[test]
fn an_error_keeps_what_ended_before_it_and_what_ends_after_it() {
    let kit = Kit::new(TailKeeping::new());
    let root = kit.root(1, "root");
    end(kit.child(&root, "before"));
    let after = kit.child(&root, "after");
    assert_eq!(kit.exported(), Vec::<String>::new());
    fail(kit.child(&root, "error"));
    assert_eq!(kit.exported(), ["before", "error"]);
    end(root);
    end(after);
    assert_eq!(kit.exported(), ["before", "error", "root", "after"]);
}

#[test]
fn an_error_in_a_child_that_outlives_the_root_keeps_the_trace() {
    let kit = Kit::new(TailKeeping::new());
    let root = kit.root(1, "root");
    let late = kit.child(&root, "late");
    let later = kit.child(&root, "later");
    end(root);
    end(late);
    assert_eq!(kit.exported(), Vec::<String>::new());
    fail(later);
    assert_eq!(kit.exported(), ["root", "late", "later"]);
}

#[test]
fn a_root_is_slow_when_it_lasted_longer_than_the_threshold_and_a_child_is_not() {
    let kit = Kit::new(TailKeeping::new().slower_than(SECOND).unwrap());
    let root = kit.root(1, "exact");
    end_after(kit.child(&root, "child"), SECOND * 9);
    end_after(root, SECOND);
    assert_eq!(kit.exported(), Vec::<String>::new());
    let root = kit.under(&Context::new(), "slow");
    end(kit.child(&root, "child"));
    end_after(root, SECOND + Duration::from_nanos(1));
    assert_eq!(kit.exported(), ["child", "slow"]);
}

#[test]
fn what_is_sampled_is_exported_at_once() {
    let kit = Kit::new(TailKeeping::new());
    let root = kit.under(&remote(1, true), "root");
    end(kit.child(&root, "child"));
    assert_eq!(kit.exported(), ["child"]);
    fail(root);
    assert_eq!(kit.exported(), ["child", "root"]);
    assert_eq!(kit.sizes(), Sizes { spans: 0, waiting: 0, open: 0, closed: 0, traces: 0, held: 0 });
}

/// Samples by name, as a head sampler does that drops noise.
#[derive(Clone, Debug)]
struct ByName;

impl ShouldSample for ByName {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let head = if name.starts_with("sampled") { Sampler::AlwaysOn } else { Sampler::AlwaysOff };
        head.should_sample(parent, trace, name, kind, attributes, links)
    }
}

#[test]
fn a_sampled_span_that_fails_keeps_what_the_head_dropped_of_its_trace() {
    let kit = Kit::with_head(TailKeeping::new(), ByName);
    let root = kit.root(1, "sampled root");
    let open = kit.child(&root, "open");
    end(kit.child(&root, "child"));
    end(kit.child(&root, "sampled child"));
    assert_eq!(kit.exported(), ["sampled child"]);
    fail(root);
    end(open);
    assert_eq!(kit.exported(), ["sampled child", "child", "sampled root", "open"]);
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
}

#[test]
fn a_sampled_span_that_fails_when_nothing_waits_is_exported_alone() {
    let kit = Kit::with_head(TailKeeping::new(), ByName);
    let root = kit.root(1, "sampled root");
    end(kit.child(&root, "child"));
    fail(root);
    assert_eq!(kit.exported(), ["sampled root"]);
}

#[test]
fn roots_that_overlap_are_kept_together() {
    let kit = Kit::new(TailKeeping::new());
    let gateway = kit.root(1, "gateway");
    let inventory = kit.root(1, "inventory");
    let elsewhere = kit.root(2, "elsewhere");
    end(gateway);
    end(elsewhere);
    fail(inventory);
    assert_eq!(kit.exported(), ["gateway", "inventory"]);
}

#[test]
fn a_root_that_follows_the_trace_is_judged_on_its_own() {
    let kit = Kit::new(TailKeeping::new());
    end(kit.root(1, "dropped"));
    fail(kit.root(1, "kept"));
    end(kit.root(1, "dropped"));
    fail(kit.root(1, "kept too"));
    assert_eq!(kit.exported(), ["kept", "kept too"]);
}

#[test]
fn a_child_that_starts_after_the_decision_follows_it() {
    let kit = Kit::new(TailKeeping::new());
    let (kept, dropped_root) = (kit.root(1, "kept"), kit.root(2, "dropped"));
    let (under_kept, under_dropped) =
        (local(kept.span_context()), local(dropped_root.span_context()));
    fail(kept);
    end(dropped_root);
    end(kit.under(&under_kept, "follows"));
    fail(kit.under(&under_dropped, "follows too"));
    assert_eq!(kit.exported(), ["kept", "follows"]);
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
}

#[test]
fn a_root_is_not_bound_by_the_drop_of_a_trace_with_a_child_open() {
    let kit = Kit::new(TailKeeping::new());
    let first = kit.root(1, "first");
    let under_first = local(first.span_context());
    end(first);
    let child = kit.under(&under_first, "child");
    fail(kit.root(1, "second"));
    end(child);
    assert_eq!(kit.exported(), ["second", "child"]);
}

#[test]
fn a_clock_that_is_set_back_makes_no_trace_slow() {
    let kit = Kit::new(TailKeeping::new().slower_than(SECOND).unwrap());
    let mut root = kit.root(1, "root");
    root.end_with_timestamp(SystemTime::UNIX_EPOCH - SECOND * 9);
    assert_eq!(kit.exported(), Vec::<String>::new());
}

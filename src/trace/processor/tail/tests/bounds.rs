use super::*;

#[test]
fn a_flood_of_traces_without_an_end_stays_within_the_bound_and_is_counted() {
    const TRACES: u128 = 10_000;
    const BOUND: usize = 100;
    let kit = Kit::new(TailKeeping::new().max_spans(BOUND).unwrap());
    let mut open = Vec::new();
    for trace in 1..=TRACES {
        let root = kit.root(trace, "root");
        end(kit.child(&root, "child"));
        open.push(root);
        let sizes = kit.sizes();
        assert!(sizes.held <= BOUND && sizes.spans <= BOUND && sizes.traces <= 3 * BOUND);
        if trace == BOUND as u128 {
            assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
        }
        if trace == BOUND as u128 + 1 {
            assert_eq!(kit.keeping.dropped(), dropped(1, 0, 1));
        }
    }
    assert_eq!(kit.keeping.dropped(), dropped(9_900, 0, 9_900));
    assert_eq!(
        kit.sizes(),
        Sizes { spans: 100, waiting: 100, open: 100, closed: 0, traces: 200, held: 100 }
    );

    // one that is forgotten, one that is given up, and one that waits
    fail(open.swap_remove(0));
    fail(open.swap_remove(9_850));
    fail(open.swap_remove(9_950));
    assert_eq!(kit.exported(), ["~root", "~root", "child", "root"]);
    open.into_iter().for_each(end);
    assert_eq!(kit.exported().len(), 4);
    assert_eq!(kit.keeping.dropped(), dropped(9_900, 0, 9_900 + 9_898));
    let sizes = kit.sizes();
    assert_eq!((sizes.spans, sizes.waiting, sizes.held), (0, 0, 0));
}

#[test]
fn a_flood_of_starts_alone_is_bounded_too() {
    let kit = Kit::new(TailKeeping::new().max_spans(10).unwrap());
    let open: Vec<_> = (1..=1_000).map(|trace| kit.root(trace, "root")).collect();
    assert_eq!(
        kit.sizes(),
        Sizes { spans: 0, waiting: 10, open: 10, closed: 0, traces: 20, held: 10 }
    );
    assert_eq!(kit.keeping.dropped(), dropped(990, 0, 0));
    drop(open);
}

#[test]
fn the_decisions_that_are_remembered_are_bounded() {
    let kit = Kit::new(TailKeeping::new().max_spans(10).unwrap());
    (1..=1_000).for_each(|trace| end(kit.root(trace, "root")));
    assert_eq!(
        kit.sizes(),
        Sizes { spans: 0, waiting: 0, open: 0, closed: 10, traces: 10, held: 0 }
    );
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
}

#[test]
fn a_trace_with_too_many_spans_loses_some_but_not_its_root_and_is_marked() {
    let kit = Kit::new(TailKeeping::new().max_spans_per_trace(2).unwrap());
    let root = kit.root(1, "root");
    let late = kit.child(&root, "late");
    end(kit.child(&root, "first"));
    end(kit.child(&root, "second"));
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
    end(kit.child(&root, "third"));
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 1));
    end(root);
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 2));
    fail(late);
    assert_eq!(kit.exported(), ["~first", "~root", "~late"]);
}

#[test]
fn the_oldest_trace_makes_room_and_is_exported_in_part_if_it_fails() {
    let kit = Kit::new(TailKeeping::new().max_spans(2).unwrap());
    let old = kit.root(1, "old");
    end(kit.child(&old, "lost"));
    let young = kit.root(2, "young");
    end(kit.child(&young, "held"));
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
    end(kit.child(&young, "held too"));
    assert_eq!(kit.keeping.dropped(), dropped(1, 0, 1));
    fail(kit.child(&old, "error"));
    end(old);
    fail(young);
    assert_eq!(kit.exported(), ["~error", "~old", "held", "held too", "young"]);
    assert_eq!(kit.keeping.dropped(), dropped(1, 0, 1));
}

#[test]
fn a_trace_that_waits_for_too_long_is_given_up_when_another_span_ends() {
    let kit = Kit::new(TailKeeping::new().max_wait(SECOND).unwrap());
    let root = kit.root(1, "root");
    end(kit.child(&root, "lost"));
    kit.time.advance(SECOND - Duration::from_nanos(1));
    end(kit.root(2, "other"));
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
    kit.time.advance(Duration::from_nanos(1));
    end(kit.root(2, "other"));
    assert_eq!(kit.keeping.dropped(), dropped(0, 1, 1));
    end(kit.child(&root, "lost"));
    assert_eq!(kit.keeping.dropped(), dropped(0, 1, 2));
    fail(root);
    assert_eq!(kit.exported(), ["~root"]);
    assert_eq!(kit.keeping.dropped(), dropped(0, 1, 2));
}

#[test]
fn a_trace_that_waits_for_too_long_is_kept_when_its_root_is_slow_by_then() {
    let keeping = TailKeeping::new().slower_than(SECOND).unwrap().max_wait(SECOND * 2).unwrap();
    let kit = Kit::new(keeping);
    let root = kit.root(1, "root");
    end(kit.child(&root, "child"));
    kit.time.advance(SECOND * 2);
    assert_eq!(kit.exported(), Vec::<String>::new());
    kit.provider.force_flush().unwrap();
    assert_eq!(kit.exported(), ["child"]);
    end_after(root, SECOND * 3);
    assert_eq!(kit.exported(), ["child", "root"]);
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
}

#[test]
fn a_root_joins_a_trace_that_was_given_up_and_both_are_marked() {
    let kit = Kit::new(TailKeeping::new().max_wait(SECOND).unwrap());
    let first = kit.root(1, "first");
    kit.time.advance(SECOND);
    kit.provider.force_flush().unwrap();
    assert_eq!(kit.keeping.dropped(), dropped(0, 1, 0));
    let second = kit.root(1, "second");
    end(first);
    fail(second);
    assert_eq!(kit.exported(), ["~first", "~second"]);
}

#[test]
fn a_flush_decides_nothing_that_may_still_wait_and_a_shutdown_decides_all() {
    let keeping = TailKeeping::new().slower_than(SECOND).unwrap();
    let kit = Kit::new(keeping);
    let slow = kit.root(1, "slow");
    end(kit.child(&slow, "kept"));
    kit.time.advance(SECOND * 2);
    let fast = kit.root(2, "fast");
    end(kit.child(&fast, "lost"));
    kit.provider.force_flush().unwrap();
    assert_eq!(kit.exported(), Vec::<String>::new());
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
    kit.provider.shutdown().unwrap();
    assert_eq!(kit.exported(), ["kept"]);
    assert_eq!(kit.keeping.dropped(), dropped(0, 1, 1));
    drop((slow, fast));
}

#[test]
fn one_call_gives_up_a_few_traces_and_a_flush_gives_up_the_rest() {
    let kit = Kit::new(TailKeeping::new().max_wait(SECOND).unwrap());
    let open: Vec<_> = (1..=20).map(|trace| kit.root(trace, "root")).collect();
    kit.time.advance(SECOND);
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
    end(kit.root(99, "other"));
    assert_eq!(kit.keeping.dropped(), dropped(0, 16, 0));
    kit.provider.force_flush().unwrap();
    assert_eq!(kit.keeping.dropped(), dropped(0, 20, 0));
    drop(open);
}

#[test]
fn a_child_whose_trace_is_not_remembered_is_exported_alone_and_marked_if_it_fails() {
    let kit = Kit::new(TailKeeping::new().max_spans(1).unwrap());
    let root = kit.root(1, "root");
    let under_root = local(root.span_context());
    end(root);
    end(kit.root(2, "other"));
    end(kit.under(&under_root, "uneventful"));
    end(kit.root(2, "other"));
    fail(kit.under(&under_root, "error"));
    assert_eq!(kit.exported(), ["~error"]);
    assert_eq!(kit.keeping.dropped(), dropped(0, 0, 0));
}

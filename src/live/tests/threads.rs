//! Many threads at once.

use super::*;
use crate::testing::ScriptBody;

#[test]
fn threads_lose_nothing_and_leave_nothing() {
    const THREADS: u64 = 8;
    const EACH: u64 = 500;
    let bench = Bench::of(|builder| builder.max_active(4).max_families(2));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let bench = &bench;
            scope.spawn(move || {
                for at in 0..EACH {
                    let route = ["/a", "/b", "/c", ""][at as usize % 4];
                    match (at + thread) % 5 {
                        0 => bench.ask(route, Script::status(StatusCode::BAD_GATEWAY)),
                        1 => bench.ask(route, Script::pends()),
                        2 => bench.ask(route, Script::body(ScriptBody::new().data("a"))),
                        3 => bench.ask(route, Script::fails("no")),
                        _ => bench.ask(route, Script::status(StatusCode::OK)),
                    }
                    // somebody reads meanwhile
                    if at % 100 == 0 {
                        assert!(bench.board.active().exchanges.len() <= 4);
                        bench.board.families();
                    }
                }
            });
        }
    });
    assert_eq!(bench.board.active(), Active::default());
    let mut sum = Tally::default();
    for family in bench.board.families() {
        let Tally { count, errors, peer_ended, .. } = family.since_start.tally;
        sum = tally(
            sum.count + count,
            sum.errors + errors,
            sum.peer_ended + peer_ended,
            Duration::ZERO,
        );
        assert_eq!(family.minute.whole.tally, family.since_start.tally);
        assert_eq!(family.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), count);
    }
    let fifth = THREADS * EACH / 5;
    assert_eq!(sum, tally(5 * fifth, 2 * fifth, fifth, Duration::ZERO));
    assert_eq!(bench.board.families().len(), 4);
}

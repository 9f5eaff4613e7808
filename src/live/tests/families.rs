//! What is counted, by family and by time.

use proptest::prelude::*;

use super::*;
use crate::classify::Side;

#[test]
fn a_family_is_counted_by_second_minute_and_quarter() {
    let bench = Bench::new();
    bench.ask_for("/a", 4 * MS, StatusCode::OK);
    bench.ask_for("/a", 6 * MS, StatusCode::INTERNAL_SERVER_ERROR);
    drive(bench.layer.layer(Script::pends()), request("/a"), None, || bench.clock.advance(90 * MS));
    bench.clock.advance(2 * SECOND);
    bench.ask_for("/a", 300 * MS, StatusCode::NOT_FOUND);
    let report = bench.report("/a");
    let first = tally(3, 1, 1, 100 * MS);
    let last = tally(1, 0, 0, 300 * MS);
    let all = tally(4, 1, 1, 400 * MS);
    assert_eq!(report.since_start.tally, all);
    let tallies = |trend: &Trend| trend.slots.iter().map(|red| red.tally).collect::<Vec<_>>();
    let mut seconds = vec![Tally::default(); 60];
    (seconds[57], seconds[59]) = (first, last);
    assert_eq!(tallies(&report.minute), seconds);
    let with_last = |slots: usize| [vec![Tally::default(); slots - 1], vec![all]].concat();
    assert_eq!(tallies(&report.hour), with_last(60));
    assert_eq!(tallies(&report.day), with_last(96));
    let windows = [&report.minute, &report.hour, &report.day];
    assert_eq!(windows.map(|trend| trend.whole.tally), [all; 3]);
    assert_eq!(windows.map(|trend| trend.window().as_secs()), [60, 3_600, 86_400]);
    assert_eq!(report.minute.rate(), 4.0 / 60.0);
    assert_eq!(report.since_start.mean(), Some(100 * MS));
    assert_eq!(report.since_start.error_ratio(), Some(0.25));
    let counts: Vec<_> = report.buckets.iter().map(|bucket| bucket.count).collect();
    assert_eq!(counts, [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);

    // what is over leaves the windows one by one, also where nobody came
    bench.clock.advance(58 * SECOND);
    let report = bench.report("/a");
    assert_eq!(report.minute.whole.tally, last);
    bench.clock.advance(3_600 * SECOND);
    let report = bench.report("/a");
    assert_eq!((report.minute.whole, report.hour.whole), Default::default());
    assert_eq!(report.day.whole.tally, all);
    bench.clock.advance(86_400 * SECOND);
    assert_eq!(bench.report("/a").day.whole, Red::default());
    assert_eq!(bench.report("/a").since_start.tally, all);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// A naive model, which keeps every exchange, tells the same.
    #[test]
    fn windows_tell_what_a_list_of_all_would(
        script in prop::collection::vec(
            (prop_oneof![0..3_000_u64, 0..200_000_u64, 0..40_000_000_u64], 0..12_000_u64, any::<bool>(), any::<bool>()),
            1..40,
        ),
    ) {
        let bench = Bench::new();
        let mut all = Vec::new();
        let mut now = 0;
        for (pause, takes, fails, looks) in script {
            bench.clock.advance(Duration::from_millis(pause));
            let status = if fails { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
            bench.ask_for("/a", Duration::from_millis(takes), status);
            now += pause + takes;
            all.push((now, takes, fails));
            if !looks {
                continue;
            }
            let report = bench.report("/a");
            for trend in [&report.minute, &report.hour, &report.day] {
                let slot = u64::try_from(trend.slot.as_millis()).unwrap();
                let newest = now / slot;
                for (ago, red) in trend.slots.iter().rev().enumerate() {
                    let of = newest.checked_sub(ago as u64);
                    let here = all.iter().filter(|(at, ..)| Some(at / slot) == of);
                    let mut expected = Tally::default();
                    for (_, takes, fails) in here {
                        expected.count += 1;
                        expected.errors += u64::from(*fails);
                        expected.duration += Duration::from_millis(*takes);
                    }
                    prop_assert_eq!(red.tally, expected, "{} ago of {}", ago, slot);
                }
            }
        }
        let report = bench.report("/a");
        prop_assert_eq!(report.since_start.tally.count, all.len() as u64);
    }
}

#[test]
fn families_beyond_the_bound_are_counted_together() {
    let bench = Bench::of(|builder| builder.max_families(2));
    for route in ["/a", "/b", "/c", "/d", "/a", "", "/c"] {
        bench.ask_for(route, 10 * MS, StatusCode::OK);
    }
    let told: Vec<_> = bench
        .board
        .families()
        .into_iter()
        .map(|family| (family.name, family.side, family.since_start.tally))
        .collect();
    let of = |name: &str, count| {
        (name.to_owned(), Side::Server, tally(count, 0, 0, u32::try_from(count).unwrap() * 10 * MS))
    };
    assert_eq!(told, [of("_unmatched", 1), of("/a", 2), of("/b", 1), of("_overflow", 3)]);
}

#[test]
fn sides_are_families_of_their_own() {
    let bench = Bench::new();
    let client = LiveLayer::client(&bench.board).clock(bench.clock.clock()).routes(by_header());
    bench.ask_for("/a", MS, StatusCode::NOT_FOUND);
    let answers = Script::status(StatusCode::NOT_FOUND).after(&bench.clock, MS);
    drive(client.layer(answers), request("/a"), None, || {});
    let told: Vec<_> = bench
        .board
        .families()
        .into_iter()
        .map(|family| (family.id.number(), family.side, family.since_start.tally.errors))
        .collect();
    assert_eq!(told, [(4, Side::Server, 0), (5, Side::Client, 1)]);
    assert_eq!(bench.board.family(FamilyId::from_number(5)).unwrap().side, Side::Client);
    assert_eq!(bench.board.family(FamilyId::from_number(6)), None);
}

#[test]
fn a_long_route_is_cut() {
    let bench = Bench::new();
    bench.ask_for(&format!("/{}", "a".repeat(1_000)), MS, StatusCode::OK);
    assert_eq!(bench.board.families()[0].name, format!("/{}", "a".repeat(255)));
}

#[test]
fn numbers_out_of_their_range_are_refused() {
    let told = |builder: BoardBuilder| {
        let error = builder.build().unwrap_err();
        (error.field().to_owned(), error.value().to_owned(), error.allowed())
    };
    let of = |field: &str, value: &str, allowed| (field.to_owned(), value.to_owned(), allowed);
    let board = Board::builder;
    assert_eq!(told(board().max_families(0)), of("max_families", "0", "1 to 1024"));
    assert_eq!(told(board().max_families(1_025)), of("max_families", "1025", "1 to 1024"));
    assert_eq!(told(board().max_active(0)), of("max_active", "0", "1 to 32768"));
    assert_eq!(told(board().max_active(32_769)), of("max_active", "32769", "1 to 32768"));
    let bytes = "65536 (64 KiB) to 1073741824 (1 GiB)";
    assert_eq!(told(board().max_samples_bytes(65_535)), of("max_samples_bytes", "65535", bytes));
    assert!(board().max_active(32_768).max_families(1).max_samples_bytes(65_536).build().is_ok());
}

use super::*;

const ALL: Kept = Kept { rate: None, dropped: 0 };

fn kept(rate: u32, dropped: u64) -> Option<Kept> {
    Some(Kept { rate: Some(rate), dropped })
}

fn key(route: &str) -> Key {
    Key::new(&Method::GET, Some(&Route::from(route.to_owned())), Some(200), None)
}

#[test]
fn the_first_of_a_second_then_one_in_so_many() {
    let rule = Sampling::new(2, 3).unwrap();
    let start = Instant::now();
    let mut count = Count { window: start, seen: 0, dropped: 0 };
    let mut judge =
        |millis, must_be| count.judge(rule, start + Duration::from_millis(millis), must_be);
    let second: Vec<_> = (0..9).map(|n| judge(n * 100, false)).collect();
    let expected = [Some(ALL), Some(ALL), None, None, kept(3, 2), None, None, kept(3, 2), None];
    assert_eq!(second, expected);
    assert_eq!(judge(999, true), Some(Kept { rate: None, dropped: 1 }), "tells what is open");
    assert_eq!(judge(999, false), None);
    assert_eq!(judge(1000, false), Some(Kept { rate: None, dropped: 1 }), "a new second");
    assert_eq!(judge(1500, true), Some(ALL), "does not use up the limit");
    assert_eq!(judge(1999, false), Some(ALL));
    assert_eq!(judge(500, false), None, "a late report counts where it arrives");
}

#[test]
fn kept_and_dropped_are_all() {
    let rule = Sampling::new(5, 7).unwrap();
    let start = Instant::now();
    let mut count = Count { window: start, seen: 0, dropped: 0 };
    let mut told = 0;
    for n in 0..1000u64 {
        if let Some(kept) = count.judge(rule, start + Duration::from_millis(n * 7), n % 97 == 0) {
            told += 1 + kept.dropped;
        }
    }
    assert_eq!(told + count.dropped, 1000);
}

/// Judges by a rule that keeps the first of a second and no other.
fn judge(counts: &mut Counts, route: &str, now: Instant) -> Option<Kept> {
    counts.judge(key(route), Sampling::new(1, u32::MAX).unwrap(), now, false)
}

#[test]
fn keys_are_bounded_and_never_collide() {
    let now = Instant::now();
    let mut counts = Counts::default();
    for n in 0..Sampling::MAX_KEYS {
        assert_eq!(judge(&mut counts, &format!("/{n}"), now), Some(ALL));
    }
    assert_eq!(judge(&mut counts, "/7", now), None, "a known key keeps its own count");
    assert_eq!(judge(&mut counts, "/one too many", now), Some(ALL));
    assert_eq!(judge(&mut counts, "/another", now), None, "further keys share one");
    assert_eq!(counts.known.len(), Sampling::MAX_KEYS);
    let mut counts = Counts::default();
    judge(&mut counts, &"x".repeat(257), now);
    assert_eq!(counts.known.len(), 0, "a route that long is not kept");
    assert_eq!(judge(&mut counts, &"x".repeat(256), now), Some(ALL));
    assert_eq!(counts.known.len(), 1);
}

#[test]
fn old_keys_make_room_and_their_dropped_lines_are_told() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let mut counts = Counts::default();
    for n in 0..Sampling::MAX_KEYS {
        judge(&mut counts, &format!("/{n}"), start);
    }
    for route in ["/3", "/3", "/4"] {
        assert_eq!(judge(&mut counts, route, at(10)), None);
    }
    assert_eq!(judge(&mut counts, "/7", at(1500)), Some(ALL), "in use");
    assert_eq!(judge(&mut counts, "/new", at(1999)), Some(ALL), "by the shared limit");
    assert_eq!(judge(&mut counts, "/newer", at(1999)), None);
    assert_eq!(judge(&mut counts, "/newer", at(2998)), None, "looked for a second ago");
    let told = Kept { rate: None, dropped: 3 };
    assert_eq!(judge(&mut counts, "/newer", at(2999)), Some(told));
    assert_eq!(judge(&mut counts, "/new", at(2999)), Some(ALL), "has a limit of its own");
    assert_eq!(judge(&mut counts, "/newer", at(2999)), None);
    let known = |route| counts.known.contains_key(&key(route));
    assert_eq!([known("/7"), known("/3"), known("/new")], [true, false, true]);
    assert_eq!(counts.known.len(), 3);
}

#[test]
fn what_is_always_kept_takes_no_place() {
    let mut counts = Counts::default();
    let rule = Sampling::new(1, 1).unwrap();
    assert_eq!(counts.judge(key("/"), rule, Instant::now(), true), Some(ALL));
    assert_eq!(counts.known.len(), 0);
}

#[test]
fn keys_differ_in_each_of_their_parts() {
    let route = Route::from("/a");
    let of = |method: &Method, route, status, code| Key::new(method, route, status, code);
    let brew: Method = "BREW".parse().unwrap();
    let keys = [
        of(&Method::GET, Some(&route), Some(200), None),
        of(&Method::POST, Some(&route), Some(200), None),
        of(&brew, Some(&route), Some(200), None),
        of(&Method::GET, None, Some(200), None),
        of(&Method::GET, Some(&route), Some(456), None),
        of(&Method::GET, Some(&route), None, None),
        of(&Method::GET, Some(&route), Some(200), Some(0)),
        of(&Method::GET, Some(&route), Some(200), Some(16)),
    ];
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(keys.iter().position(|other| other == key), Some(at));
    }
    let other: Method = "BOIL".parse().unwrap();
    assert_eq!(of(&other, None, None, None), of(&brew, None, None, None));
}

#[test]
fn zero_is_refused() {
    for (first, one_in, field) in [(0, 1, "sampling.first"), (1, 0, "sampling.one_in")] {
        let error = Sampling::new(first, one_in).unwrap_err();
        assert_eq!((error.field(), error.value()), (field, "0"));
    }
}

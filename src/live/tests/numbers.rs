//! Buckets, and what follows from them.

use proptest::prelude::*;

use super::histogram::{Counts, bucket, quantile};
use super::*;

#[test]
fn bounds_are_inclusive_and_the_last_bucket_has_none() {
    let all: Vec<_> = bounds().collect();
    assert_eq!((all.len() + 1, all[0], all[13]), (BUCKETS, 5 * MS, 10 * SECOND));
    for (at, bound) in all.into_iter().enumerate() {
        let nanos = u64::try_from(bound.as_nanos()).unwrap();
        assert_eq!((bucket(nanos), bucket(nanos + 1)), (at, at + 1));
    }
    assert_eq!((bucket(0), bucket(u64::MAX)), (0, 14));
}

#[test]
fn quantiles_are_spread_evenly_in_their_bucket() {
    let counts = |filled: &[(usize, u64)]| {
        let mut counts = Counts::default();
        filled.iter().for_each(|&(at, count)| counts[at] = count);
        counts
    };
    for (filled, share, expected) in [
        (&[][..], 0.5, None),
        (&[(0, 1)], 0.5, Some(Duration::from_micros(2_500))),
        (&[(5, 4)], 0.5, Some(Duration::from_micros(87_500))),
        (&[(0, 50), (6, 50)], 0.5, Some(5 * MS)),
        (&[(0, 90), (6, 10)], 0.95, Some(175 * MS)),
        (&[(14, 1)], 0.5, Some(10 * SECOND)),
    ] {
        assert_eq!(quantile(share, &counts(filled)), expected, "{filled:?}");
    }
}

proptest! {
    #[test]
    fn a_quantile_is_in_the_bucket_of_its_rank(
        values in prop::collection::vec(0..20_000_000_000_u64, 1..50),
        share in 0.01..1.0_f64,
    ) {
        let mut counts = Counts::default();
        values.iter().for_each(|&value| counts[bucket(value)] += 1);
        let mut sorted = values;
        sorted.sort_unstable();
        let rank = (share * sorted.len() as f64).ceil() as usize;
        let at = bucket(sorted[rank.max(1) - 1]);
        let told = quantile(share, &counts).unwrap();
        let lower = bounds().nth(at.wrapping_sub(1)).unwrap_or_default();
        let upper = bounds().nth(at).unwrap_or(lower);
        prop_assert!((lower..=upper).contains(&told), "{told:?} in {lower:?} to {upper:?}");
    }
}

//! Timestamps as RFC 3339 writes them, in UTC with nine decimals.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
/// The last second of the year 9999, the last one that RFC 3339 can write.
const LAST: u64 = 253_402_300_799;

/// `1970-01-01T00:00:00`.
type ToTheSecond = [u8; 19];

thread_local! {
    /// The second that this thread wrote last, which most lines share.
    static CACHED: Cell<(u64, ToTheSecond)> = const { Cell::new((0, *b"1970-01-01T00:00:00")) };
}

/// Appends `2026-01-31T12:30:00.000000000Z`. A time before 1970 is written as the start of 1970,
/// one after 9999 as the end of 9999.
pub(crate) fn push(out: &mut Vec<u8>, at: SystemTime) {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let second = since.as_secs().min(LAST);
    let known = CACHED.try_with(Cell::get).ok().filter(|(cached, _)| *cached == second);
    let text = match known {
        Some((_, text)) => text,
        None => {
            let text = to_the_second(second);
            let _ = CACHED.try_with(|cached| cached.set((second, text)));
            text
        }
    };
    let mut stamp = *b"1970-01-01T00:00:00.000000000Z";
    stamp[..19].copy_from_slice(&text);
    stamp[19..29].copy_from_slice(&fraction(since.subsec_nanos()));
    out.extend_from_slice(&stamp);
}

/// As [`push`] writes it, without the zeros that end the fraction: `2026-01-31T12:30:00.25Z`.
#[cfg(any(
    feature = "debug-dump",
    feature = "health",
    all(feature = "admin", any(feature = "live", feature = "slo"))
))]
pub(crate) fn short(at: SystemTime) -> String {
    let mut text = Vec::new();
    push(&mut text, at);
    // every byte is ASCII
    let text = String::from_utf8(text).unwrap_or_default();
    let kept = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    format!("{kept}Z")
}

/// A point and nanoseconds, which are below 10⁹, with nine digits.
#[inline]
pub(crate) fn fraction(nanoseconds: u32) -> [u8; 10] {
    let mut text = *b".000000000";
    let (eight, last) = (nanoseconds / 10, nanoseconds % 10);
    let (high, low) = (eight / 10_000, eight % 10_000);
    for (at, number) in [(1, high / 100), (3, high % 100), (5, low / 100), (7, low % 100)] {
        text[at..at + 2].copy_from_slice(&two_digits(number));
    }
    text[9] = digit(last);
    text
}

fn to_the_second(second: u64) -> ToTheSecond {
    let (year, month, day) = civil(second / DAY);
    let of_day = (second % DAY) as u32;
    let mut text = *b"0000-00-00T00:00:00";
    text[0..2].copy_from_slice(&two_digits(year / 100));
    for (at, number) in [
        (2, year % 100),
        (5, month),
        (8, day),
        (11, of_day / 3600),
        (14, of_day / 60 % 60),
        (17, of_day % 60),
    ] {
        text[at..at + 2].copy_from_slice(&two_digits(number));
    }
    text
}

/// The date of a day since 1970, by Howard Hinnant's `civil_from_days`: years start in March, so
/// that the leap day is a year's last.
fn civil(days: u64) -> (u32, u32, u32) {
    let days = days + 719_468; // since 0000-03-01
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153; // 0 is March
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    ((year_of_era + era * 400 + next_year) as u32, month as u32, day as u32)
}

/// The last two digits.
#[inline]
fn two_digits(number: u32) -> [u8; 2] {
    PAIRS[(number % 100) as usize]
}

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number as usize] = [digit(number / 10), digit(number % 10)];
        number += 1;
    }
    pairs
};

#[inline]
const fn digit(number: u32) -> u8 {
    b'0' + number as u8
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn written(at: SystemTime) -> String {
        let mut out = Vec::new();
        push(&mut out, at);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_moments() {
        for (seconds, nanos, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_399, 999_999_999, "2000-02-28T23:59:59.999999999Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000000001Z"),
            (1_709_251_199, 120, "2024-02-29T23:59:59.000000120Z"),
            (1_767_225_600, 50_000_000, "2026-01-01T00:00:00.050000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000000Z"),
            (LAST, 0, "9999-12-31T23:59:59.000000000Z"),
            (LAST + 1, 0, "9999-12-31T23:59:59.000000000Z"),
        ] {
            // twice: computed, and from the cache
            let at = UNIX_EPOCH + Duration::new(seconds, nanos);
            assert_eq!([written(at), written(at)], [expected, expected]);
        }
        assert_eq!(written(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000000000Z");
    }

    #[cfg(any(
        feature = "debug-dump",
        feature = "health",
        all(feature = "admin", any(feature = "live", feature = "slo"))
    ))]
    #[test]
    fn a_short_one_ends_with_the_last_digit_that_counts() {
        for (nanos, expected) in [
            (0, "2026-01-01T00:00:00Z"),
            (250_000_000, "2026-01-01T00:00:00.25Z"),
            (1, "2026-01-01T00:00:00.000000001Z"),
        ] {
            assert_eq!(short(UNIX_EPOCH + Duration::new(1_767_225_600, nanos)), expected);
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_day_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..146_097 {
            assert_eq!(civil(days), (year, month, day), "{days}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }
}

//! Numbers as the text formats write them.

use std::fmt::Write;

/// Writes an integer in decimal.
pub(super) fn integer(out: &mut String, value: u64) {
    let mut digits = [0; 20];
    let (mut rest, mut start) = (value, digits.len());
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        start -= 1;
        if rest == 0 {
            break;
        }
    }
    let digits = digits.get(start..).and_then(|digits| str::from_utf8(digits).ok());
    out.push_str(digits.unwrap_or_default());
}

/// Writes a value: the shortest decimal that reads back as the same, an integer where it is one.
pub(super) fn value(out: &mut String, value: f64) {
    /// Up to here every integer is a number of its own.
    const EXACT: f64 = (1_u64 << 53) as f64;
    if is_named(out, value) {
        return;
    }
    if value.fract() != 0.0 || value.abs() >= EXACT || (value == 0.0 && value.is_sign_negative()) {
        // writing into a String cannot fail
        let _ = write!(out, "{value:?}");
        return;
    }
    if value < 0.0 {
        out.push('-');
    }
    integer(out, value.abs() as u64);
}

/// Writes a number that is the value of a label (`le`, `quantile`), always in the same form.
///
/// It is the form of OpenMetrics, section "Considerations: Canonical Numbers", in which Prometheus
/// writes what it reads from Protobuf: Go's shortest `%g`, and never without a point or an exponent.
pub(super) fn canonical(out: &mut String, value: f64) {
    if is_named(out, value) {
        return;
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let _ = match exponent {
        -4..=5 => write!(out, "{value:?}"),
        _ if exponent < 0 => write!(out, "{mantissa}e-{:02}", -exponent),
        _ => write!(out, "{mantissa}e+{exponent:02}"),
    };
}

/// Writes milliseconds as seconds.
pub(super) fn millis(out: &mut String, millis: i64) {
    if millis < 0 {
        out.push('-');
    }
    nanos(out, u128::from(millis.unsigned_abs()) * 1_000_000);
}

/// Writes nanoseconds as seconds, with no more decimals than it takes.
pub(super) fn nanos(out: &mut String, nanos: u128) {
    integer(out, u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX));
    let fraction = nanos % 1_000_000_000;
    if fraction != 0 {
        let start = out.len();
        let _ = write!(out, ".{fraction:09}");
        let kept = out.trim_end_matches('0').len();
        out.truncate(kept.max(start));
    }
}

fn is_named(out: &mut String, value: f64) -> bool {
    let name = match value {
        _ if value.is_nan() => "NaN",
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => return false,
    };
    out.push_str(name);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written<T>(write: fn(&mut String, T), value: T) -> String {
        let mut out = String::new();
        write(&mut out, value);
        out
    }

    #[test]
    fn values_are_integers_where_they_are_and_the_shortest_decimals_else() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0.0"),
            (1.0, "1"),
            (-3.0, "-3"),
            (0.1 + 0.2, "0.30000000000000004"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (1e300, "1e300"),
            (1e-9, "1e-9"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(written(value, number), text);
        }
        assert_eq!(written(integer, u64::MAX), "18446744073709551615");
    }

    #[test]
    fn bounds_are_as_prometheus_writes_them() {
        for (number, text) in [
            (1.0, "1.0"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.00012, "0.00012"),
            (0.00005, "5e-05"),
            (2.5, "2.5"),
            (100_000.0, "100000.0"),
            (262_144.0, "262144.0"),
            (1_000_000.0, "1e+06"),
            (67_108_864.0, "6.7108864e+07"),
            (1e100, "1e+100"),
            (-2.0, "-2.0"),
            (0.0, "0.0"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(written(canonical, number), text);
        }
    }

    #[test]
    fn times_are_seconds_with_as_many_decimals_as_it_takes() {
        assert_eq!(written(millis, 1_767_225_600_123), "1767225600.123");
        assert_eq!(written(millis, -1_500), "-1.5");
        assert_eq!(written(millis, 5_000), "5");
        assert_eq!(written(millis, 10_050), "10.05");
        assert_eq!(written(nanos, 1_000_000_001), "1.000000001");
    }

    proptest! {
        #[test]
        fn numbers_read_back_as_they_were(bits: u64, whole: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(!number.is_nan());
            for write in [value, canonical] {
                prop_assert_eq!(written(write, number).parse::<f64>().unwrap().to_bits(), bits);
            }
            prop_assert_eq!(written(integer, whole), whole.to_string());
        }
    }
}

//! Numbers in rules: exact, as a rule that was rounded alarms at another rate than was said.

use std::fmt;

use crate::slo::{Factor, Target};

/// A positive fraction: the decimal where there is one (`0.0144`), else a quotient in brackets
/// (`(7 / 7500)`). Both are PromQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    numerator: u128,
    denominator: u128,
}

impl Exact {
    /// The share of exchanges that is bad where the budget burns by this factor.
    pub(super) fn bad_ratio(factor: Factor, target: Target) -> Self {
        let bad = u128::from(target.bad_per_billion());
        Self::new(
            u128::from(factor.numerator()) * bad,
            u128::from(factor.denominator()) * 1_000_000_000,
        )
    }

    pub(super) fn of(factor: Factor) -> Self {
        Self::new(u128::from(factor.numerator()), u128::from(factor.denominator()))
    }

    fn new(numerator: u128, denominator: u128) -> Self {
        let by = greatest_common_divisor(numerator, denominator).max(1);
        Self { numerator: numerator / by, denominator: (denominator / by).max(1) }
    }

    /// The digits without a point, and how many of them are behind it; `None` where there is no end.
    fn digits(self) -> Option<(u128, usize)> {
        (0..=30).find_map(|places: u32| {
            let scaled = self.numerator.checked_mul(10_u128.checked_pow(places)?)?;
            let places = usize::try_from(places).ok()?;
            (scaled % self.denominator == 0).then(|| (scaled / self.denominator, places))
        })
    }
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((digits, places)) = self.digits() else {
            return write!(f, "({} / {})", self.numerator, self.denominator);
        };
        let text = format!("{digits:0>width$}", width = places + 1);
        match text.split_at(text.len() - places) {
            (whole, "") => f.write_str(whole),
            (whole, fraction) => write!(f, "{whole}.{fraction}"),
        }
    }
}

//! How many of the exchanges should be good.

use std::fmt;
use std::str::FromStr;

use crate::config::ConfigError;

/// The whole, in parts per billion.
const WHOLE: u32 = 1_000_000_000;

/// The share of exchanges that should be good: an exact decimal, more than 0 % and less than 100 %.
///
/// It is read from text, as 99.9 is no binary fraction.
///
/// ```
/// use tower_observability::slo::Target;
///
/// let target = Target::percent("99.95")?;
/// assert_eq!(target.to_string(), "99.95%");
/// assert_eq!(target.error_budget(), 0.0005);
/// assert!(Target::percent("100").is_err());
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Parts per billion that should be good.
    good: u32,
}

impl Target {
    /// So many per cent, with at most seven digits after the point, and with or without the sign.
    pub fn percent(text: &str) -> Result<Self, ConfigError> {
        let refused = |allowed| ConfigError::new("target", text, allowed);
        let decimal = "per cent as a decimal such as 99.9, with at most 7 digits after the point";
        let number = text.strip_suffix('%').unwrap_or(text);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |digits: &str, most: usize| {
            (1..=most).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
        };
        if !is_number(whole, 3) || !is_number(fraction, 7) {
            return Err(refused(decimal));
        }
        let digits = format!("{whole}{fraction:0<7}");
        match digits.parse::<u32>() {
            Ok(good) if good > 0 && good < WHOLE => Ok(Self { good }),
            Ok(0) => Err(refused("more than 0: else nothing is promised")),
            _ => Err(refused(
                "less than 100: there every error would break the objective, with no budget to burn",
            )),
        }
    }

    /// The share of exchanges that may be bad: 0.001 of a target of 99.9 %.
    pub fn error_budget(self) -> f64 {
        f64::from(self.bad_per_billion()) / f64::from(WHOLE)
    }

    /// The share of exchanges that should be good: 0.999 of a target of 99.9 %.
    #[cfg(feature = "metrics")]
    pub(super) fn ratio(self) -> f64 {
        f64::from(self.good) / f64::from(WHOLE)
    }

    /// Parts per billion that may be bad.
    pub(crate) fn bad_per_billion(self) -> u32 {
        WHOLE - self.good
    }

    /// The target as a ratio, exact: `0.999`.
    pub fn ratio_text(self) -> String {
        decimal(self.good, 9)
    }

    /// The error budget as a ratio, exact: `0.001`.
    pub fn error_budget_text(self) -> String {
        decimal(self.bad_per_billion(), 9)
    }
}

/// A number of so many digits after the point, without the zeros at its end.
fn decimal(number: u32, digits: usize) -> String {
    let text = format!("{number:0>width$}", width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// Per cent, as [`Target::percent`] reads it.
impl FromStr for Target {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::percent(text)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", decimal(self.good, 7))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn targets_are_exact_decimals() {
        let target = Target::percent("99.9").unwrap();
        assert_eq!(target.to_string(), "99.9%");
        assert_eq!(target.ratio_text(), "0.999");
        assert_eq!(target.error_budget_text(), "0.001");
        assert_eq!(Target::percent("99.9999999").unwrap().error_budget_text(), "0.000000001");
        assert_eq!(Target::percent("0.5").unwrap().error_budget_text(), "0.995");
        assert_eq!("95%".parse(), Target::percent("95"));
    }

    #[test]
    fn what_cannot_be_met_or_read_is_refused() {
        for text in [
            "100",
            "100.0",
            "0",
            "0.0",
            "-1",
            "+5",
            "",
            ".",
            "99.",
            ".9",
            "1e1",
            "99,9",
            "99.99999999",
            "1000",
            "NaN",
        ] {
            let error = Target::percent(text).unwrap_err();
            assert_eq!((error.field(), error.value()), ("target", text));
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(good in 1..WHOLE) {
            let target = Target { good };
            prop_assert_eq!(target.to_string().parse::<Target>().unwrap(), target);
        }
    }
}

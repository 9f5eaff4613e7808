//! When somebody is told that the budget burns.

use std::fmt;
use std::time::Duration;

use super::target::Target;
use super::window::{Window, duration_text};
use crate::config::ConfigError;

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// Somebody, at once.
    Page,
    /// Somebody, in office hours.
    Ticket,
}

impl Urgency {
    /// The name as it stands in labels: `page` or `ticket`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// One condition of alarm: this share of the period's budget burnt within the long window, and the
/// short window burning as fast still.
///
/// The windows are told for a period of 30 days; [`Window::scaled`] scales them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Severity {
    urgency: Urgency,
    /// Tenths of a per cent of the budget.
    budget_per_mille: u32,
    short: Duration,
    long: Duration,
}

const HOUR: u64 = 3_600;

impl Severity {
    /// The four of the [SRE workbook]: 2 % in 1 h and 5 % in 6 h page; 10 % in 1 day and 10 % in 3 days
    /// open a ticket.
    ///
    /// [SRE workbook]: https://sre.google/workbook/alerting-on-slos/
    pub const DEFAULTS: [Self; 4] = [
        Self::of(Urgency::Page, 20, 300, HOUR),
        Self::of(Urgency::Page, 50, 1_800, 6 * HOUR),
        Self::of(Urgency::Ticket, 100, 2 * HOUR, 24 * HOUR),
        Self::of(Urgency::Ticket, 100, 6 * HOUR, 72 * HOUR),
    ];

    const fn of(urgency: Urgency, budget_per_mille: u32, short: u64, long: u64) -> Self {
        let (short, long) = (Duration::from_secs(short), Duration::from_secs(long));
        Self { urgency, budget_per_mille, short, long }
    }

    /// A condition of its own: the share of the budget in tenths of a per cent (1 to 1000), and the
    /// windows in whole seconds, the short one shorter, the long one at most 3 days.
    pub fn new(
        urgency: Urgency,
        budget_per_mille: u32,
        short: Duration,
        long: Duration,
    ) -> Result<Self, ConfigError> {
        if !(1..=1000).contains(&budget_per_mille) {
            let value = budget_per_mille.to_string();
            return Err(ConfigError::new(
                "severity",
                value,
                "a share of the budget of 1 to 1000 ‰",
            ));
        }
        let is_whole = short.subsec_nanos() == 0 && long.subsec_nanos() == 0;
        let least = Duration::from_secs(300);
        let most = Duration::from_secs(72 * HOUR);
        if !is_whole || short < least || short >= long || long > most {
            return Err(ConfigError::new(
                "severity",
                format!("{short:?} and {long:?}"),
                "a short window of at least 5 minutes and a longer one of at most 3 days, in whole \
                 seconds",
            ));
        }
        Ok(Self { urgency, budget_per_mille, short, long })
    }

    /// Who is told.
    pub fn urgency(self) -> Urgency {
        self.urgency
    }

    /// What it is made of: tenths of a per cent, and the windows of 30 days.
    pub(super) fn parts(self) -> (u32, Duration, Duration) {
        (self.budget_per_mille, self.short, self.long)
    }

    /// The short window in this period.
    pub fn short(self, window: Window) -> Duration {
        window.of_30_days(self.short)
    }

    /// The long window in this period.
    pub fn long(self, window: Window) -> Duration {
        window.of_30_days(self.long)
    }

    /// The share of the period's budget that the long window may burn at most: 0.02 of 2 %.
    pub fn budget_share(self) -> f64 {
        f64::from(self.budget_per_mille) / 1000.0
    }

    /// The same in per cent, exact: `2%`.
    pub(crate) fn budget_share_text(self) -> String {
        let (whole, tenth) = (self.budget_per_mille / 10, self.budget_per_mille % 10);
        if tenth == 0 { format!("{whole}%") } else { format!("{whole}.{tenth}%") }
    }

    /// How many times as fast as allowed the budget burns at least: 14.4 of 2 % in 1 h of 30 days.
    pub fn factor(self, window: Window) -> Factor {
        let (period, long) = match window == Window::DAYS_28 {
            true => (window.period().as_secs(), self.long.as_secs()),
            // scaled windows have the factors of 30 days
            false => (Window::DAYS_30.period().as_secs(), self.long.as_secs()),
        };
        Factor::new(u64::from(self.budget_per_mille) * period, 1000 * long)
    }

    /// Whether a total outage would burn fast enough: else the condition can never hold.
    pub fn is_reachable(self, target: Target, window: Window) -> bool {
        // factor < 1 / budget
        let factor = self.factor(window);
        let bad = u128::from(target.bad_per_billion());
        u128::from(factor.numerator) * bad < u128::from(factor.denominator) * 1_000_000_000
    }

    /// For how long the condition must hold until it fires, and stay away until it is over: a tenth of
    /// the short window.
    pub fn pending(self, window: Window) -> Duration {
        self.short(window) / 10
    }

    /// Its windows as they stand in the label `window`: `5m/1h`.
    pub fn window_text(self, window: Window) -> String {
        format!("{}/{}", duration_text(self.short(window)), duration_text(self.long(window)))
    }
}

/// A burn rate as an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Factor {
    numerator: u64,
    denominator: u64,
}

impl Factor {
    fn new(numerator: u64, denominator: u64) -> Self {
        let by = greatest_common_divisor(numerator, denominator).max(1);
        Self { numerator: numerator / by, denominator: (denominator / by).max(1) }
    }

    pub(crate) fn numerator(self) -> u64 {
        self.numerator
    }

    pub(crate) fn denominator(self) -> u64 {
        self.denominator
    }

    /// The nearest number.
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The decimal where there is an exact one (`14.4`), else the fraction (`14/15`).
impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut scale = 1_u64;
        for digits in 0..=9_usize {
            if (u128::from(self.numerator) * u128::from(scale)) % u128::from(self.denominator) == 0
            {
                let scaled =
                    u128::from(self.numerator) * u128::from(scale) / u128::from(self.denominator);
                let text = format!("{scaled:0>width$}", width = digits + 1);
                let (whole, fraction) = text.split_at(text.len() - digits);
                return match fraction {
                    "" => f.write_str(whole),
                    fraction => write!(f, "{whole}.{fraction}"),
                };
            }
            scale *= 10;
        }
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(window: Window) -> Vec<String> {
        Severity::DEFAULTS.map(|severity| severity.factor(window).to_string()).to_vec()
    }

    #[test]
    fn factors_are_those_of_the_workbook_and_exact() {
        assert_eq!(factors(Window::DAYS_30), ["14.4", "6", "3", "1"]);
        assert_eq!(factors(Window::DAYS_28), ["13.44", "5.6", "2.8", "14/15"]);
        let day = Window::scaled(Duration::from_secs(86_400)).unwrap();
        assert_eq!(factors(day), factors(Window::DAYS_30));
        assert_eq!(Severity::DEFAULTS[0].window_text(day), "10s/2m");
        assert_eq!(Severity::DEFAULTS[3].window_text(Window::DAYS_30), "6h/3d");
    }

    #[test]
    fn what_a_total_outage_cannot_reach_is_known() {
        let reachable = |percent: &str| {
            let target = Target::percent(percent).unwrap();
            Severity::DEFAULTS.map(|severity| severity.is_reachable(target, Window::DAYS_30))
        };
        assert_eq!(reachable("99.9"), [true; 4]);
        assert_eq!(reachable("93.05"), [false, true, true, true]);
        assert_eq!(reachable("93.06"), [true; 4]);
        assert_eq!(reachable("50"), [false, false, false, true]);
    }

    #[test]
    fn conditions_that_make_no_sense_are_refused() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        for (share, short, long) in
            [(0, 5, 60), (1001, 5, 60), (20, 4, 60), (20, 60, 60), (20, 5, 4_321)]
        {
            let refused = Severity::new(Urgency::Page, share, minutes(short), minutes(long));
            assert_eq!(refused.unwrap_err().field(), "severity");
        }
        let own = Severity::new(Urgency::Page, 20, minutes(5), minutes(60)).unwrap();
        assert_eq!(own, Severity::DEFAULTS[0]);
    }
}

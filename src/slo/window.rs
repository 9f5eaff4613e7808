//! Over how long an objective is to hold.

use std::fmt;
use std::time::Duration;

use crate::config::ConfigError;

const DAY: Duration = Duration::from_secs(86_400);

/// The rolling period over which an objective is to hold: 30 days unless told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    period: Duration,
    /// Whether the windows of its alerts are scaled with it.
    is_scaled: bool,
}

impl Window {
    /// 30 days, by which most budgets are kept.
    pub const DAYS_30: Self =
        Self { period: Duration::from_secs(30 * DAY.as_secs()), is_scaled: false };

    /// 28 days, which have as many week-ends wherever they begin.
    pub const DAYS_28: Self =
        Self { period: Duration::from_secs(28 * DAY.as_secs()), is_scaled: false };

    /// A period of its own, from one minute to 90 days. The windows of its alerts are those of 30 days,
    /// made as much longer or shorter: of one day, 10 s and 2 minutes instead of 5 minutes and 1 hour.
    pub fn scaled(period: Duration) -> Result<Self, ConfigError> {
        let allowed = Duration::from_secs(60)..=90 * DAY;
        if !allowed.contains(&period) {
            return Err(ConfigError::new("window", format!("{period:?}"), "1 minute to 90 days"));
        }
        Ok(Self { period, is_scaled: true })
    }

    /// How long it is.
    pub fn period(self) -> Duration {
        self.period
    }

    pub(super) fn is_scaled(self) -> bool {
        self.is_scaled
    }

    /// What a window of a period of 30 days is of this one, in whole milliseconds.
    pub(crate) fn of_30_days(self, window: Duration) -> Duration {
        match self.is_scaled {
            true => Duration::from_millis(self.scale(window.as_millis()).max(1)),
            false => window,
        }
    }

    /// What a slot of a period of 30 days is of this one; 28 days have the same ones.
    pub(crate) fn of_30_days_exactly(self, slot: Duration) -> Duration {
        match self.is_scaled {
            true => Duration::from_nanos(self.scale(slot.as_nanos())),
            false => slot,
        }
    }

    fn scale(self, number: u128) -> u64 {
        let scaled = number * self.period.as_millis() / Self::DAYS_30.period.as_millis();
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::DAYS_30
    }
}

/// As Prometheus writes durations: `30d`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration_text(self.period))
    }
}

/// A duration as Prometheus reads and writes it: `5m`, `1h30m`, `416ms`.
pub(crate) fn duration_text(duration: Duration) -> String {
    const UNITS: [(&str, u128); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut left = duration.as_millis();
    let mut text = String::new();
    for (unit, millis) in UNITS {
        if left >= millis {
            text.push_str(&format!("{}{unit}", left / millis));
            left %= millis;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_scale_with_the_period() {
        let five = Duration::from_secs(300);
        assert_eq!(Window::DAYS_30.of_30_days(five), five);
        assert_eq!(Window::DAYS_28.of_30_days(five), five);
        let day = Window::scaled(DAY).unwrap();
        assert_eq!(day.of_30_days(five), Duration::from_secs(10));
        assert_eq!(day.of_30_days(3 * DAY), Duration::from_secs(8_640));
    }

    #[test]
    fn periods_nobody_can_keep_are_refused() {
        for period in [Duration::ZERO, Duration::from_secs(59), 91 * DAY] {
            assert_eq!(Window::scaled(period).unwrap_err().field(), "window");
        }
    }

    #[test]
    fn durations_read_as_prometheus_writes_them() {
        let text = |millis| duration_text(Duration::from_millis(millis));
        assert_eq!(Window::DAYS_30.to_string(), "30d");
        assert_eq!([text(0), text(416), text(300_000)], ["0s", "416ms", "5m"]);
        assert_eq!([text(5_400_000), text(259_200_000)], ["1h30m", "3d"]);
    }
}

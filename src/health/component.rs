//! What is looked after, and how.

use std::fmt;
use std::time::Duration;

use super::check::{AnyCheck, Check};
use super::{ComponentType, Group};
use crate::config::ConfigError;

/// Something that is looked after: a check, with its name and its rules.
///
/// ```
/// use std::time::Duration;
/// use tower_observability::health::{Component, ComponentType, Group};
/// # async fn acquire() -> Result<(), std::io::Error> { Ok(()) }
///
/// let pool = Component::new("database", || async { acquire().await })
///     .groups([Group::Ready, Group::Startup])
///     .component_type(ComponentType::Datastore)
///     .interval(Duration::from_secs(5))
///     .timeout(Duration::from_secs(2))
///     .failure_threshold(3);
/// ```
#[must_use = "a component is looked after by `HealthBuilder::component`"]
pub struct Component {
    name: String,
    check: Box<dyn AnyCheck>,
    groups: Vec<Group>,
    is_critical: bool,
    kind: Option<ComponentType>,
    interval: Duration,
    timeout: Duration,
    jitter: Option<Duration>,
    failure_threshold: u32,
    success_threshold: u32,
    stale: Option<(Duration, Duration)>,
}

impl Component {
    /// A critical component of the group [`Ready`](Group::Ready), looked at every 10 s.
    ///
    /// The name is 1 to 64 of `A-Z a-z 0-9 . _ : / -`; `drain` is taken.
    pub fn new(name: impl Into<String>, check: impl Check) -> Self {
        Self {
            name: name.into(),
            check: Box::new(check),
            groups: vec![Group::Ready],
            is_critical: true,
            kind: None,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            jitter: None,
            failure_threshold: 1,
            success_threshold: 1,
            stale: None,
        }
    }

    /// The groups that it counts in, in place of [`Ready`](Group::Ready); at least one. What counts in
    /// [`Startup`](Group::Startup) alone is not run again once it has passed.
    pub fn groups(self, groups: impl IntoIterator<Item = Group>) -> Self {
        Self { groups: groups.into_iter().collect(), ..self }
    }

    /// Whether its failure is that of its groups, as it is unless told; else they only warn.
    pub fn critical(self, is_critical: bool) -> Self {
        Self { is_critical, ..self }
    }

    /// What kind of thing it is; not told unless set.
    pub fn component_type(self, kind: ComponentType) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// From the end of one run to the start of the next, 10 ms to 1 day; 10 s unless told.
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// How long a run may take until it has failed, 1 ms to 1 hour; 5 s unless told.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The most that is added to each interval at random, so that many processes do not ask at once: up
    /// to 1 day; a tenth of the interval unless told.
    pub fn jitter(self, jitter: Duration) -> Self {
        Self { jitter: Some(jitter), ..self }
    }

    /// So many failures in a row until it fails, 1 to 1000; 1 unless told. Until then it stays as it was.
    pub fn failure_threshold(self, failures: u32) -> Self {
        Self { failure_threshold: failures, ..self }
    }

    /// So many passes in a row until it passes, at the start and after it failed, 1 to 1000; 1 unless
    /// told. A warning is a pass here.
    pub fn success_threshold(self, passes: u32) -> Self {
        Self { success_threshold: passes, ..self }
    }

    /// How old the last result may be until the component warns, and until it fails: the first longer
    /// than the interval, the second at least as long as the first, both at most 30 days. Unless told,
    /// twice and four times what interval, jitter and time-out are together.
    pub fn stale_after(self, warn: Duration, fail: Duration) -> Self {
        Self { stale: Some((warn, fail)), ..self }
    }

    /// # Errors
    /// On a setting that is not allowed.
    pub(super) fn build(self) -> Result<(Rules, Box<dyn AnyCheck>), ConfigError> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
        if !(1..=64).contains(&self.name.len())
            || !self.name.bytes().all(is_name)
            || self.name == super::DRAIN
        {
            let allowed = "1 to 64 of A-Z a-z 0-9 . _ : / -, and not drain";
            return Err(ConfigError::new("name", self.name, allowed));
        }
        if self.groups.is_empty() {
            return Err(ConfigError::new("groups", "none", "at least one group"));
        }
        let within = |field, value: Duration, least, most, allowed| {
            let is_within = (least..=most).contains(&value);
            let refused = || ConfigError::new(field, format!("{value:?}"), allowed);
            is_within.then_some(value).ok_or_else(refused)
        };
        let (ms, hour) = (Duration::from_millis, DAY / 24);
        let interval = within("interval", self.interval, ms(10), DAY, "10 ms to 1 day")?;
        let timeout = within("timeout", self.timeout, ms(1), hour, "1 ms to 1 hour")?;
        let jitter = self.jitter.unwrap_or(interval / 10);
        let jitter = within("jitter", jitter, Duration::ZERO, DAY, "at most 1 day")?;
        for (field, times) in [
            ("failure_threshold", self.failure_threshold),
            ("success_threshold", self.success_threshold),
        ] {
            if !(1..=1000).contains(&times) {
                return Err(ConfigError::new(field, times.to_string(), "1 to 1000"));
            }
        }
        let round = interval + jitter + timeout;
        let (warn, fail) = self.stale.unwrap_or((round * 2, round * 4));
        if warn <= interval || fail < warn || fail > DAY * 30 {
            let allowed = "more than `interval`, then at least as much, at most 30 days";
            return Err(ConfigError::new("stale_after", format!("{warn:?}, {fail:?}"), allowed));
        }
        let rules = Rules {
            name: self.name,
            groups: self.groups,
            is_critical: self.is_critical,
            kind: self.kind,
            interval,
            timeout,
            jitter,
            failure_threshold: self.failure_threshold,
            success_threshold: self.success_threshold,
            stale: (warn, fail),
        };
        Ok((rules, self.check))
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("name", &self.name)
            .field("groups", &self.groups)
            .field("is_critical", &self.is_critical)
            .field("interval", &self.interval)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The settings of a component, checked.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) name: String,
    pub(super) groups: Vec<Group>,
    pub(super) is_critical: bool,
    pub(super) kind: Option<ComponentType>,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) jitter: Duration,
    pub(super) failure_threshold: u32,
    pub(super) success_threshold: u32,
    pub(super) stale: (Duration, Duration),
}

impl Rules {
    pub(super) fn is_in(&self, group: Group) -> bool {
        self.groups.contains(&group)
    }

    /// Whether nobody asks any more once it has passed.
    pub(super) fn is_startup_only(&self) -> bool {
        self.groups.iter().all(|group| *group == Group::Startup)
    }

    /// From the end of one run to the start of the next; `random` is 0 to 1.
    pub(super) fn pause(&self, random: f64) -> Duration {
        self.interval + self.jitter.mul_f64(random.clamp(0.0, 1.0))
    }
}

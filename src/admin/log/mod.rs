//! The `tracing` filter, changed for a while.

pub(super) mod filter;
pub(super) mod section;
mod watch;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tracing::dispatcher::{WeakDispatch, get_default};
use tracing_subscriber::{EnvFilter, reload};

use super::audit::{Change, Outcome};
use crate::clock::Clock;
use crate::config::ConfigError;

/// How often the clock is looked at while a filter is set: it may be one of the program's own.
const STEP: Duration = Duration::from_millis(250);
const WHAT: &str = "log_filter";

/// Sets the program's `tracing` filter for a while; what was before comes back by itself.
///
/// Whatever filter is set, audit events (target `tower_observability::audit`) stay on. The one that comes
/// back is that in force when the control was made, with the audit events on, too, unless it says
/// something of that target itself; what others change meanwhile is overwritten.
///
/// While a filter is set a thread waits for its end, so that neither requests nor an async runtime are
/// needed, and one that hangs is no hindrance. A clone controls the same filter.
///
/// ```
/// use std::time::Duration;
/// use tower_observability::admin::LogControl;
/// use tracing_subscriber::prelude::*;
/// use tracing_subscriber::{EnvFilter, reload};
///
/// let (filter, handle) = reload::Layer::new(EnvFilter::new("info"));
/// let subscriber = tracing_subscriber::registry().with(filter).with(tracing_subscriber::fmt::layer());
/// let log = LogControl::reload(handle)?;
///
/// log.set("info,hyper=debug", Duration::from_secs(60))?;
/// assert_eq!(log.status().filter, "info,hyper=debug");
/// log.fall_back()?;
/// assert_eq!(log.status().filter, "info");
/// # drop(subscriber);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LogControl {
    shared: Arc<Shared>,
    clock: Clock,
}

type Apply = dyn Fn(&str) -> Result<(), String> + Send + Sync;

struct Shared {
    default: String,
    apply: Box<Apply>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    set: Option<Set>,
    /// Whether a thread waits for the end of what is set.
    watched: bool,
}

struct Set {
    filter: String,
    clock: Clock,
    until: Instant,
    dispatch: WeakDispatch,
}

impl Set {
    fn left(&self) -> Duration {
        self.until.saturating_duration_since(self.clock.now())
    }
}

/// What a [`LogControl`] has in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStatus {
    /// The filter in force.
    pub filter: String,
    /// The filter that comes back.
    pub default: String,
    /// When it comes back; `None` where it is in force.
    pub falls_back: Option<FallBack>,
}

/// When a filter that was set ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FallBack {
    /// The time that is left.
    pub after: Duration,
    /// The time of day, which is not what the end is measured by.
    pub at: SystemTime,
}

/// Why a filter was not set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogError {
    /// The filter cannot be read, or is none that is taken; and why.
    Filter(String),
    /// The time to live is not within [`LogControl::MIN_TIME_TO_LIVE`] and
    /// [`LogControl::MAX_TIME_TO_LIVE`].
    TimeToLive(Duration),
    /// It could not be put in force: the subscriber is gone, or no thread could be started to end it.
    Failed(String),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(reason) => write!(f, "this is no log filter: {reason}"),
            Self::TimeToLive(given) => {
                write!(f, "a time to live of {given:?} is not within 1 second and 24 hours")
            }
            Self::Failed(reason) => write!(f, "the log filter could not be changed: {reason}"),
        }
    }
}

impl std::error::Error for LogError {}

impl LogControl {
    /// The shortest time that a filter can be set for: 1 second.
    pub const MIN_TIME_TO_LIVE: Duration = Duration::from_secs(1);
    /// The longest time that a filter can be set for: 24 hours.
    pub const MAX_TIME_TO_LIVE: Duration = Duration::from_secs(24 * 60 * 60);
    /// The most bytes of a filter.
    pub const MAX_FILTER_BYTES: usize = 4096;

    /// Controls the filter of this handle.
    ///
    /// # Errors
    ///
    /// Where the subscriber of the handle is gone, or its filter cannot be read back from its text.
    pub fn reload<S: 'static>(handle: reload::Handle<EnvFilter, S>) -> Result<Self, ConfigError> {
        let default = handle.with_current(ToString::to_string).map_err(|error| {
            ConfigError::new("handle", error.to_string(), "one whose subscriber is alive")
        })?;
        Self::new(default, move |filter| {
            let filter = EnvFilter::builder().parse(filter).map_err(|error| error.to_string())?;
            handle.reload(filter).map_err(|error| error.to_string())
        })
    }

    /// Controls any filter: `apply` puts directives, which were checked, in force. `default` are those in
    /// force now.
    ///
    /// # Errors
    ///
    /// Where `default` is empty or cannot be read.
    pub fn new<E: fmt::Display>(
        default: impl Into<String>,
        apply: impl Fn(&str) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let given = default.into();
        let default = filter::checked_default(&given).map_err(|reason| {
            let allowed = "directives that EnvFilter reads, at least one";
            ConfigError::new("default", format!("{given} ({reason})"), allowed)
        })?;
        let shared = Shared {
            default,
            apply: Box::new(move |filter| apply(filter).map_err(|error| error.to_string())),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        Ok(Self { shared: Arc::new(shared), clock: Clock::system() })
    }

    /// Controls the filter of a [`Telemetry`](crate::telemetry::Telemetry).
    ///
    /// # Errors
    ///
    /// Where its filter cannot be read.
    #[cfg(feature = "telemetry")]
    pub fn telemetry(filter: &crate::telemetry::LogFilter) -> Result<Self, ConfigError> {
        let current = match filter.current() {
            // it reads an empty text so
            blank if blank.trim().is_empty() => crate::telemetry::LogFilter::DEFAULT.to_owned(),
            current => current,
        };
        let filter = filter.clone();
        Self::new(current, move |directives| filter.set(directives))
    }

    /// Measures with another clock what is set from now on through this control and its clones.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Puts a filter in force for a while, in place of one that was set before.
    ///
    /// A span's field can be asked for by its name, but not by its value: that would be a regular
    /// expression, whose automaton can be of any size.
    ///
    /// # Errors
    ///
    /// See [`LogError`]; nothing is changed then.
    pub fn set(&self, filter: &str, time_to_live: Duration) -> Result<(), LogError> {
        self.set_by(filter, time_to_live, None)
    }

    /// Puts the default back in force, at once.
    ///
    /// # Errors
    ///
    /// [`LogError::Failed`], where the subscriber is gone.
    pub fn fall_back(&self) -> Result<(), LogError> {
        self.fall_back_by(None)
    }

    /// What is in force.
    pub fn status(&self) -> LogStatus {
        let default = self.shared.default.clone();
        let falls_back = |left| FallBack { after: left, at: self.clock.wall() + left };
        match self.shared.current().set.as_ref().map(|set| (set.filter.clone(), set.left())) {
            Some((filter, left)) => {
                LogStatus { filter, default, falls_back: Some(falls_back(left)) }
            }
            None => LogStatus { filter: default.clone(), default, falls_back: None },
        }
    }

    fn set_by(
        &self,
        given: &str,
        time_to_live: Duration,
        principal: Option<&str>,
    ) -> Result<(), LogError> {
        let filter = filter::checked(given).map_err(LogError::Filter)?;
        if !(Self::MIN_TIME_TO_LIVE..=Self::MAX_TIME_TO_LIVE).contains(&time_to_live) {
            return Err(LogError::TimeToLive(time_to_live));
        }
        let mut state = self.shared.current();
        let result = self.shared.watch(&mut state).and_then(|()| {
            (self.shared.apply)(&filter::audited(&filter)).map_err(LogError::Failed)
        });
        let old = state.set.as_ref().map(|set| set.filter.clone());
        if result.is_ok() {
            state.set = Some(Set {
                filter: filter.clone(),
                clock: self.clock.clone(),
                until: self.clock.now() + time_to_live,
                dispatch: get_default(|dispatch| dispatch.downgrade()),
            });
        }
        drop(state);
        self.shared.changed.notify_all();
        Change {
            what: WHAT,
            old: Some(old.as_deref().unwrap_or(&self.shared.default)),
            new: Some(&filter),
            time_to_live_seconds: Some(time_to_live.as_secs()),
            principal,
            outcome: if result.is_ok() { Outcome::Applied } else { Outcome::Failed },
        }
        .tell();
        result
    }

    fn fall_back_by(&self, principal: Option<&str>) -> Result<(), LogError> {
        let restored = self.shared.restore(&mut self.shared.current());
        self.shared.changed.notify_all();
        let Some((set, result)) = restored else { return Ok(()) };
        self.shared.tell(&set, principal, result.is_ok().then_some(Outcome::Applied));
        result.map_err(LogError::Failed)
    }
}

impl fmt::Debug for LogControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogControl").field("status", &self.status()).finish_non_exhaustive()
    }
}

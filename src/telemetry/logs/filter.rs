//! Which events are logged, changeable while the program runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload;

use crate::directives;

/// The filter of the program's log: directives as in `RUST_LOG`, such as `info,hyper=warn`.
///
/// A clone sets the same filter.
///
/// ```
/// use tower_observability::telemetry::Telemetry;
///
/// let telemetry = Telemetry::builder("checkout").log_filter("info").build()?;
/// let filter = telemetry.log_filter();
/// filter.set("info,hyper=warn")?;
/// assert_eq!(filter.current(), "info,hyper=warn");
/// assert!(filter.set("hyper=loud").is_err());
/// assert_eq!(filter.current(), "info,hyper=warn");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LogFilter(Arc<Mutex<State>>);

struct State {
    current: String,
    /// One for each layer that was made.
    reload: Vec<Reload>,
}

/// Puts a filter into a layer; fails when its subscriber is gone.
type Reload = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send>;

/// Directives that are no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidFilter {
    directives: String,
    reason: String,
}

impl InvalidFilter {
    /// What was to be set.
    pub fn directives(&self) -> &str {
        &self.directives
    }
}

impl fmt::Display for InvalidFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no log filter: {}", self.directives, self.reason)
    }
}

impl std::error::Error for InvalidFilter {}

impl LogFilter {
    /// The filter when nothing else is set. What OpenTelemetry's SDK says is left out: it tells of
    /// every batch that fails, where this crate warns once.
    pub const DEFAULT: &str = "info,opentelemetry=warn,opentelemetry_sdk=off";

    /// A filter of these directives, which must be checked.
    pub(crate) fn new(directives: &str) -> Result<Self, InvalidFilter> {
        parse(directives)?;
        let state = State { current: directives.to_owned(), reload: Vec::new() };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// The directives in force.
    pub fn current(&self) -> String {
        self.state().current.clone()
    }

    /// Puts other directives in force, for all events from now on.
    ///
    /// # Errors
    ///
    /// When the directives cannot be read; those in force stay.
    pub fn set(&self, directives: &str) -> Result<(), InvalidFilter> {
        parse(directives)?;
        let mut state = self.state();
        // a layer whose subscriber is gone is forgotten
        state.reload.retain(|reload| match parse(directives) {
            Ok(filter) => reload(filter).is_ok(),
            Err(_) => true,
        });
        state.current = directives.to_owned();
        Ok(())
    }

    /// The filter as a part of a layer.
    pub(super) fn layer<S>(&self) -> reload::Layer<EnvFilter, S>
    where
        S: Subscriber,
    {
        let mut state = self.state();
        // was read before, so it can be read
        let filter = parse(&state.current).unwrap_or_default();
        let (layer, handle) = reload::Layer::new(filter);
        state.reload.push(Box::new(move |filter| handle.reload(filter)));
        layer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An empty text is the default, as an unset `RUST_LOG` is; it would mean "errors only" else.
fn parse(directives: &str) -> Result<EnvFilter, InvalidFilter> {
    let trimmed = directives::trimmed(directives);
    let given = if trimmed.is_empty() { LogFilter::DEFAULT } else { &trimmed };
    EnvFilter::builder().parse(given).map_err(|error| InvalidFilter {
        directives: directives.to_owned(),
        reason: error.to_string(),
    })
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogFilter").field(&self.current()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn space_around_directives_is_nothing() {
        let read = |directives: &str| parse(directives).unwrap().to_string();
        assert_eq!(read(" warn ,\u{3000}a=debug, ,b=off\n"), read("warn,a=debug,b=off"));
        let default = read(LogFilter::DEFAULT);
        assert_eq!((read(""), read(" , ")), (default.clone(), default));
        // `EnvFilter` itself would read another level, and panic
        let filter = LogFilter::new(" é=debug").unwrap();
        filter.set("\u{3000}é[s]=debug").unwrap();
        assert_eq!(filter.current(), "\u{3000}é[s]=debug");
    }

    proptest! {
        #[test]
        fn any_directives_are_taken_or_refused(
            given in prop_oneof![any::<String>(), "[ a-cé\u{3000}=,\\[\\]{}:off]{0,20}"],
        ) {
            if let Err(error) = LogFilter::new(&given) {
                prop_assert_eq!(error.directives(), given);
            }
        }
    }
}

//! The settings.

use std::sync::Arc;
use std::time::Duration;

use super::SentryLayer;
use super::observer::Sentry;
use crate::classify::Side;
use crate::config::ConfigError;
use crate::exchange::{End, ObserveLayer};
use crate::redact::Redaction;

impl SentryLayer {
    /// For a server's services.
    pub fn server() -> Self {
        ObserveLayer::new(Side::Server, Sentry::default())
    }

    /// What is hidden in URLs, headers and texts; by default what
    /// [`Redaction::default`] hides.
    pub fn redaction(self, redaction: Redaction) -> Self {
        self.configure(|sentry| sentry.settings_mut().redaction = redaction)
    }

    /// The environment of events that name none, such as `production`; by default the client's.
    pub fn environment(self, environment: impl Into<Arc<str>>) -> Self {
        let environment = environment.into();
        self.configure(|sentry| sentry.settings_mut().environment = Some(environment))
    }

    /// The release of events that name none, such as `shop@1.2.3`; by default the client's.
    pub fn release(self, release: impl Into<Arc<str>>) -> Self {
        let release = release.into();
        self.configure(|sentry| sentry.settings_mut().release = Some(release))
    }

    /// Tells the user: the attribute `user.id` that the handler
    /// [annotated](crate::exchange::annotate). By default nobody is told.
    pub fn users(self) -> Self {
        self.configure(|sentry| sentry.settings_mut().users = true)
    }

    /// Which exchanges are reported besides those that panicked: by default those that are
    /// [errors](End::is_error). A rule that panics reports.
    ///
    /// ```
    /// use tower_observability::classify::Outcome;
    /// use tower_observability::sentry::SentryLayer;
    ///
    /// let failures = SentryLayer::server().report_if(|end| end.outcome == Outcome::Failed);
    /// let only_panics = SentryLayer::server().report_if(|_| false);
    /// ```
    pub fn report_if(self, rule: impl Fn(&End<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.configure(|sentry| sentry.settings_mut().report_if = Some(Arc::new(rule)))
    }

    /// Reports this share of the errors, evenly: 1.0, all of them, by default. The client's own sample
    /// rate comes on top.
    ///
    /// # Errors
    /// When it is not from 0 to 1.
    pub fn sample_rate(self, rate: f64) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(ConfigError::new("sample_rate", rate.to_string(), "0 to 1"));
        }
        Ok(self.configure(|sentry| sentry.settings_mut().sample_rate = rate))
    }

    /// Of errors that are alike, reports one in this time; a minute by default, with zero all of them.
    pub fn window(self, window: Duration) -> Self {
        self.configure(|sentry| sentry.settings_mut().window = window)
    }
}

/// Whether an exchange is reported.
pub(super) type Rule = dyn Fn(&End<'_>) -> bool + Send + Sync;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) redaction: Redaction,
    pub(super) environment: Option<Arc<str>>,
    pub(super) release: Option<Arc<str>>,
    pub(super) users: bool,
    pub(super) report_if: Option<Arc<Rule>>,
    pub(super) sample_rate: f64,
    pub(super) window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            redaction: Redaction::default(),
            environment: None,
            release: None,
            users: false,
            report_if: None,
            sample_rate: 1.0,
            window: Duration::from_secs(60),
        }
    }
}

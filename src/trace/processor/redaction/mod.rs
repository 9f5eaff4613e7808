//! Takes secrets out of spans before they are exported.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use regex::{Regex, RegexBuilder};

use crate::config::ConfigError;
use crate::redact::Redaction;

/// Redacts the attributes of spans, by key and by pattern, before they are exported.
#[derive(Clone, Debug)]
pub struct SpanRedaction {
    policy: Redaction,
    keys: Vec<Box<str>>,
    patterns: Vec<Regex>,
}

impl Default for SpanRedaction {
    fn default() -> Self {
        Self::new()
    }
}

impl SpanRedaction {
    /// Hides what [`Redaction::default`] hides.
    #[must_use]
    pub fn new() -> Self {
        Self { policy: Redaction::default(), keys: Vec::new(), patterns: Vec::new() }
    }

    /// Hides what this policy hides, in the place of [`Redaction::default`].
    #[must_use]
    pub fn redaction(mut self, policy: Redaction) -> Self {
        self.policy = policy;
        self
    }

    /// Hides the values of an attribute too.
    ///
    /// # Errors
    ///
    /// When `key` is empty.
    pub fn key(mut self, key: &str) -> Result<Self, ConfigError> {
        if key.is_empty() {
            return Err(ConfigError::new("span_redaction.key", key, "an attribute's key"));
        }
        self.keys.push(key.into());
        Ok(self)
    }

    /// Hides what a regular expression matches too, in every text.
    ///
    /// # Errors
    ///
    /// When `pattern` is no regular expression, matches the empty text, or is too large.
    pub fn pattern(mut self, pattern: &str) -> Result<Self, ConfigError> {
        let allowed = "a regular expression that does not match the empty text";
        let refused = || ConfigError::new("span_redaction.pattern", pattern, allowed);
        let regex = RegexBuilder::new(pattern).build().map_err(|_| refused())?;
        self.patterns.push(regex);
        Ok(self)
    }

    /// The processor around the one that exports.
    pub fn processor<P: SpanProcessor>(&self, inner: P) -> RedactionProcessor<P> {
        RedactionProcessor { redaction: Arc::new(self.clone()), inner }
    }
}

/// A span processor around the one that exports; made by [`SpanRedaction::processor`].
#[derive(Debug)]
pub struct RedactionProcessor<P> {
    redaction: Arc<SpanRedaction>,
    inner: P,
}

impl<P: SpanProcessor> SpanProcessor for RedactionProcessor<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

//! Takes secrets out of spans before they are exported.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::Status;
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use regex::{NoExpand, Regex, RegexBuilder};

use crate::config::ConfigError;
use crate::redact::{REDACTED, Redaction};

use keys::{Key, Names};

mod keys;
#[cfg(test)]
mod tests;
mod texts;

/// What is wrong with an expression, on one line: the last one of several, of which the others show
/// where it is.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// The most memory that one pattern may take when it is compiled, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// Redacts the attributes of spans, by key and by pattern, before they are exported.
///
/// It works on the attributes of spans, of events and of links, on texts and lists of texts, on the
/// description of the status, and on the names of events: of a `tracing` event the name is the
/// message. Keys and a span's name are left as they are: a name is of low cardinality, and holds no
/// data.
///
/// | attribute | what is hidden |
/// |---|---|
/// | one that was named with [`key`](Self::key) | the value, of whatever type |
/// | `http.request.header.<name>`, `http.response.header.<name>`, `rpc.request.metadata.<name>`, `rpc.response.metadata.<name>` | what [`Redaction::header_value`] hides |
/// | `url.query` | what [`Redaction::query`] hides |
/// | `url.full`, and any text with a URL in it | what [`Redaction::url`] hides |
/// | one whose key, or whose key's last segment, is the name of a secret: `app.password`, `session.id` | the value |
///
/// Then the [patterns](Self::pattern) are applied to what is left. An ordinary key of the semantic
/// conventions hides nothing: `code` is the name of a secret in a query, but none in a key, so
/// `code.function.name` and `app.error.code` are shown.
#[derive(Clone, Debug)]
pub struct SpanRedaction {
    policy: Redaction,
    names: Names,
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
        let policy = Redaction::default();
        Self { names: Names::new(&policy), policy, keys: Vec::new(), patterns: Vec::new() }
    }

    /// Hides what this policy hides, in the place of [`Redaction::default`].
    #[must_use]
    pub fn redaction(mut self, policy: Redaction) -> Self {
        self.names = Names::new(&policy);
        self.policy = policy;
        self
    }

    /// Hides the values of an attribute too, of whatever type. The key is compared whole, without
    /// regard to ASCII case.
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

    /// Hides what a regular expression matches too, in every text. The syntax is that of the
    /// [`regex`] crate, whose time is linear in the length of the text.
    ///
    /// # Errors
    ///
    /// When `pattern` is no regular expression, matches the empty text, or takes more than 1 MiB
    /// when it is compiled. The value that the error tells ends in what is wrong, in parentheses, if
    /// the pattern cannot be compiled.
    pub fn pattern(mut self, pattern: &str) -> Result<Self, ConfigError> {
        const ALLOWED: &str =
            "a regular expression of at most 1 MiB that does not match the empty text";
        let refused = |value| ConfigError::new("span_redaction.pattern", value, ALLOWED);
        let regex = RegexBuilder::new(pattern)
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(PATTERN_SIZE)
            .build()
            .map_err(|error| refused(format!("{pattern} ({})", reason(&error))))?;
        if regex.is_match("") {
            return Err(refused(pattern.to_owned()));
        }
        self.patterns.push(regex);
        Ok(self)
    }

    /// The processor around the one that exports.
    pub fn processor<P: SpanProcessor>(&self, inner: P) -> RedactionProcessor<P> {
        RedactionProcessor { redaction: Arc::new(self.clone()), inner }
    }

    fn span(&self, span: &mut SpanData) {
        self.attributes(&mut span.attributes);
        for event in &mut span.events.events {
            self.attributes(&mut event.attributes);
            if let Some(shown) = changed(&self.text(&event.name), &event.name) {
                event.name = Cow::Owned(shown);
            }
        }
        for link in &mut span.links.links {
            self.attributes(&mut link.attributes);
        }
        if let Status::Error { description } = &mut span.status
            && let Some(shown) = changed(&self.text(description), description)
        {
            *description = Cow::Owned(shown);
        }
    }

    fn attributes(&self, attributes: &mut [KeyValue]) {
        for KeyValue { key, value, .. } in attributes {
            if self.keys.iter().any(|own| own.eq_ignore_ascii_case(key.as_str())) {
                *value = Value::from(REDACTED);
                continue;
            }
            match value {
                Value::String(text) => self.value(&Key::of(key.as_str()), text),
                Value::Array(Array::String(texts)) => {
                    let key = Key::of(key.as_str());
                    texts.iter_mut().for_each(|text| self.value(&key, text));
                }
                _ => {}
            }
        }
    }

    fn value(&self, key: &Key<'_>, value: &mut StringValue) {
        let raw = value.as_str();
        let text = match key {
            Key::Header(name) => texts::header(&self.policy, name, raw),
            Key::Query => self.policy.query(raw),
            Key::Url => self.policy.url(raw),
            Key::Other(key) if self.names.hide(key) => Cow::Borrowed(REDACTED),
            Key::Other(_) => texts::prose(&self.policy, raw),
        };
        if let Some(shown) = changed(&self.patterns(text), raw) {
            *value = shown.into();
        }
    }

    fn text<'a>(&self, raw: &'a str) -> Cow<'a, str> {
        self.patterns(texts::prose(&self.policy, raw))
    }

    fn patterns<'a>(&self, mut text: Cow<'a, str>) -> Cow<'a, str> {
        for pattern in &self.patterns {
            if let Cow::Owned(shown) = pattern.replace_all(&text, NoExpand(REDACTED)) {
                text = Cow::Owned(shown);
            }
        }
        text
    }
}

fn changed(shown: &str, raw: &str) -> Option<String> {
    (shown != raw).then(|| shown.to_owned())
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

    fn on_end(&self, mut span: SpanData) {
        self.redaction.span(&mut span);
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

//! The setters of the layer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::request;
use tracing::Level;

#[cfg(doc)]
use super::Schema;
use super::sampling::Sampler;
use super::{AccessLog, AccessLogLayer, JsonLines, Sampling};
#[cfg(doc)]
use crate::attribute::Attributes;
use crate::attribute::Value;
use crate::caller::TrustedProxies;
use crate::classify::Side;
use crate::config::ConfigError;
use crate::exchange::End;
use crate::message::server::is_host;
use crate::message::shown::Shown;
use crate::redact::Redaction;

impl AccessLogLayer {
    /// Logs the requests that a service answers.
    pub fn server() -> Self {
        Self::new(Side::Server, AccessLog::default())
    }

    /// Logs the requests that a client sends.
    pub fn client() -> Self {
        Self::new(Side::Client, AccessLog::default())
    }

    /// Adds a sink of JSON lines. Events are no longer made then, unless
    /// [`tracing_events`](Self::tracing_events) asks for them.
    pub fn json_lines(self, lines: JsonLines) -> Self {
        self.configure(|log| log.lines.push(lines))
    }

    /// Whether to make events of the `tracing` crate; by default only where there is no sink of
    /// JSON lines.
    pub fn tracing_events(self, make: bool) -> Self {
        self.configure(|log| log.events = Some(make))
    }

    /// Changes the level of a line; called with the level of the [documented table](super).
    ///
    /// ```
    /// use tower_observability::access_log::AccessLogLayer;
    /// use tracing::Level;
    ///
    /// let layer = AccessLogLayer::server().level(|end, level| match end.status {
    ///     Some(status) if status == 429 => Level::WARN,
    ///     _ => level,
    /// });
    /// ```
    pub fn level(self, choose: impl Fn(&End<'_>, Level) -> Level + Send + Sync + 'static) -> Self {
        self.configure(|log| log.level = Some(Arc::new(choose)))
    }

    /// Marks exchanges that last `threshold` or longer, the body included, as `slow`, and raises
    /// their level to WARN. Off by default.
    ///
    /// # Errors
    /// When `threshold` is zero.
    pub fn slow(self, threshold: Duration) -> Result<Self, ConfigError> {
        if threshold.is_zero() {
            return Err(ConfigError::new("slow", "0s", "a time longer than zero"));
        }
        Ok(self.configure(|log| log.slow = Some(threshold)))
    }

    /// Raises the level of slow exchanges to `level`; a graver one stays. WARN by default.
    pub fn slow_level(self, level: Level) -> Self {
        self.configure(|log| log.slow_level = level)
    }

    /// Logs nothing of requests that `skip` picks, whatever becomes of them. A further rule skips
    /// further requests.
    pub fn skip(self, skip: impl Fn(&request::Parts) -> bool + Send + Sync + 'static) -> Self {
        self.configure(|log| log.skips.rules.push(Arc::new(skip)))
    }

    /// Logs nothing of requests for exactly this path, whatever their query. It is the whole path,
    /// inside of axum's `Router::nest`, too.
    ///
    /// # Errors
    /// When `path` does not start with `/`, has a query or a fragment, or is a pattern: it has `*`
    /// or `{`.
    pub fn skip_path(self, path: &str) -> Result<Self, ConfigError> {
        let path = plain_path("skip_path", path)?;
        Ok(self.configure(|log| log.skips.paths.push(path)))
    }

    /// Logs nothing of requests whose path starts with `prefix`, such as `/static/`.
    ///
    /// # Errors
    /// As [`skip_path`](Self::skip_path).
    pub fn skip_prefix(self, prefix: &str) -> Result<Self, ConfigError> {
        let prefix = plain_path("skip_prefix", prefix)?;
        Ok(self.configure(|log| log.skips.prefixes.push(prefix)))
    }

    /// Limits the number of lines that are alike; by default every exchange has its line. The
    /// limit is shared by the clones of this layer. Lines of [`log_start`](Self::log_start) are
    /// not limited.
    pub fn sampling(self, rule: Sampling) -> Self {
        self.configure(|log| log.sampler = Some(Arc::new(Sampler::new(rule))))
    }

    /// Logs this header of requests, redacted.
    ///
    /// # Errors
    /// When `name` is not the name of a header.
    pub fn request_header(self, name: &str) -> Result<Self, ConfigError> {
        let mut added = Ok(());
        let layer = self.configure(|log| added = log.request_headers.add("request_header", name));
        added.map(|()| layer)
    }

    /// Logs this header of responses, redacted.
    ///
    /// # Errors
    /// When `name` is not the name of a header.
    pub fn response_header(self, name: &str) -> Result<Self, ConfigError> {
        let mut added = Ok(());
        let layer = self.configure(|log| added = log.response_headers.add("response_header", name));
        added.map(|()| layer)
    }

    /// Finds the client's address and scheme behind these proxies; by default the address is the
    /// peer's.
    ///
    /// The peer must be known: serve an axum `Router` with
    /// `into_make_service_with_connect_info::<SocketAddr>()`, or insert a
    /// [`PeerAddress`](crate::caller::PeerAddress). Without it no proxy is trusted.
    pub fn trusted_proxies(self, proxies: TrustedProxies) -> Self {
        self.configure(|log| log.proxies = proxies)
    }

    /// Tells which server a client's requests go to, where they do not name it themselves: to a
    /// tonic `Channel`, for one. On a server, what it is called where a request has no Host.
    ///
    /// # Errors
    /// When `host` is no name and no address: it has a scheme, a port or a path.
    pub fn server_address(self, host: &str, port: u16) -> Result<Self, ConfigError> {
        if !is_host(host) {
            return Err(ConfigError::new("server_address", host, "a host's name or address"));
        }
        Ok(self.configure(|log| log.server = Some((host.into(), port))))
    }

    /// Adds a constant field to every line, such as `service.name`: each [`Schema`] says where. In
    /// events it stands in `attributes`, and an annotation with its key is left out there. A key
    /// that is set again keeps its place and has the last value.
    ///
    /// ```
    /// use tower_observability::access_log::AccessLogLayer;
    ///
    /// let layer = AccessLogLayer::server()
    ///     .field("service.name", "checkout")?
    ///     .field("service.instance", 3)?;
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// When the key is empty, or beyond a bound of [`Attributes`].
    pub fn field(
        self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Value>,
    ) -> Result<Self, ConfigError> {
        let key = key.into();
        let mut is_set = false;
        let layer = self.configure(|log| is_set = log.fields.set(key.clone(), value));
        if is_set {
            return Ok(layer);
        }
        Err(ConfigError::new("field", key, "up to 64 keys, each of 1 to 128 bytes"))
    }

    /// Logs the text of the error that the service or the body answered, with those of its sources,
    /// as `error.message` (in [`Schema::Gcp`], `error_message`): at most 512 characters. Off by
    /// default, as it may hold anything: what the redaction policy finds in it is hidden, but a
    /// secret, a path or a person's name that stands in a sentence is not.
    ///
    /// The error must be of a type that this crate knows; see
    /// [`End::as_error`](crate::exchange::End::as_error).
    pub fn error_text(self) -> Self {
        self.configure(|log| log.error_text = true)
    }

    /// Hides what this policy calls a secret; the built-in names by default.
    pub fn redaction(self, redaction: Redaction) -> Self {
        self.configure(|log| log.shown = Shown::new(redaction))
    }

    /// Writes a line when an exchange starts, too, at INFO. Off by default.
    pub fn log_start(self) -> Self {
        self.configure(|log| log.log_start = true)
    }
}

fn plain_path(field: &'static str, path: &str) -> Result<Box<str>, ConfigError> {
    if path.starts_with('/') && !path.contains(['?', '#', '*', '{']) {
        return Ok(path.into());
    }
    Err(ConfigError::new(field, path, "a path that starts with /, without a query or a pattern"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_named() {
        let refused = |result: Result<AccessLogLayer, ConfigError>| {
            let error = result.unwrap_err();
            (error.field(), error.value().to_owned())
        };
        let layer = AccessLogLayer::server;
        let value = |field, text: &str| (field, text.to_owned());
        assert_eq!(refused(layer().slow(Duration::ZERO)), value("slow", "0s"));
        for path in ["", "livez", "/livez?full", "/a#b", "/*", "/users/{id}"] {
            assert_eq!(refused(layer().skip_path(path)), value("skip_path", path));
            assert_eq!(refused(layer().skip_prefix(path)), value("skip_prefix", path));
        }
        for key in [String::new(), "k".repeat(129)] {
            assert_eq!(refused(layer().field(key.clone(), 1)), value("field", &key));
        }
        assert_eq!(refused(layer().server_address("", 80)), value("server_address", ""));
        for host in ["http://x", "x:80", "[::1]", "a b"] {
            assert_eq!(refused(layer().server_address(host, 80)), value("server_address", host));
        }
        assert!(layer().server_address("::1", 80).is_ok());
        assert_eq!(refused(layer().request_header("")), value("request_header", ""));
        assert_eq!(refused(layer().response_header("a b")), value("response_header", "a b"));
    }

    #[test]
    fn events_unless_there_are_json_lines() {
        let lines = || JsonLines::new(std::io::sink());
        let makes = |layer: AccessLogLayer| layer.observer().makes_events();
        assert!(makes(AccessLogLayer::client()));
        assert!(!makes(AccessLogLayer::client().tracing_events(false)));
        assert!(!makes(AccessLogLayer::client().json_lines(lines())));
        assert!(makes(AccessLogLayer::client().json_lines(lines()).tracing_events(true)));
    }
}

//! Refuses names that would never match.

use http::HeaderName;

use super::names;
use crate::config::ConfigError;

/// The normal form of a header's name.
pub(super) fn header_name(name: &str) -> Result<Box<[u8]>, ConfigError> {
    let allowed = "a header name with a letter or a digit in it";
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(_) => normal("redact.header", name, allowed),
        Err(_) => Err(ConfigError::new("redact.header", name, allowed)),
    }
}

/// The normal form of a key.
pub(super) fn key_name(name: &str) -> Result<Box<[u8]>, ConfigError> {
    normal("redact.key", name, "a name with a letter or a digit in it")
}

fn normal(
    field: &'static str,
    name: &str,
    allowed: &'static str,
) -> Result<Box<[u8]>, ConfigError> {
    Some(names::normal(name))
        .filter(|normal| !normal.is_empty())
        .ok_or_else(|| ConfigError::new(field, name, allowed))
}

//! Names of metrics by Prometheus' grammar, for those who tell them and those who ask for them.
//!
//! The grammar is that of <https://prometheus.io/docs/concepts/data_model/>, in the form that every
//! version of Prometheus reads and no format needs to quote.

use crate::config::ConfigError;

/// Checks the name of a metric, or a prefix of one: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub(crate) fn metric_name(field: &'static str, name: &str) -> Result<(), ConfigError> {
    let allowed = "letters, digits, _ and :, and no digit first";
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':');
    checked(field, name, allowed, is_first)
}

/// Checks a prefix of metrics' names; an empty one is none.
pub(crate) fn prefix(prefix: &str) -> Result<(), ConfigError> {
    match prefix {
        "" => Ok(()),
        // one more is put behind it
        _ if prefix.ends_with('_') => Err(ConfigError::new("prefix", prefix, "no _ at its end")),
        _ => metric_name("prefix", prefix),
    }
}

/// A name behind a prefix, with `_` between; an empty prefix is none.
pub(crate) fn prefixed(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}_{name}") }
}

/// Checks a name whose first byte is one of these, and whose others may be digits, too.
pub(crate) fn checked(
    field: &'static str,
    name: &str,
    allowed: &'static str,
    is_first: impl Fn(u8) -> bool,
) -> Result<(), ConfigError> {
    let is_name = match name.as_bytes() {
        [] => false,
        [first, rest @ ..] => {
            is_first(*first) && rest.iter().all(|byte| is_first(*byte) || byte.is_ascii_digit())
        }
    };
    if is_name { Ok(()) } else { Err(ConfigError::new(field, name, allowed)) }
}

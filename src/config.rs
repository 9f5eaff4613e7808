//! The one error of bad configuration.

use std::fmt;

/// A setting that cannot be used: which field, which value, and what is allowed.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    field: &'static str,
    value: String,
    allowed: &'static str,
}

impl ConfigError {
    pub(crate) fn new(
        field: &'static str,
        value: impl Into<String>,
        allowed: &'static str,
    ) -> Self {
        Self { field, value: value.into(), allowed }
    }

    /// The same refusal, told of the setting that the value was given to.
    #[cfg(feature = "request-id")]
    pub(crate) fn in_field(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// The setting that was refused.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The value that was given.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What the setting takes, in words.
    pub fn allowed(&self) -> &'static str {
        self.allowed
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} is not allowed; it takes {}", self.field, self.value, self.allowed)
    }
}

/// The same text, which is what a `main` that fails with it prints.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_field_value_and_what_is_allowed() {
        let error = ConfigError::new("header", "a b", "an HTTP header name");
        assert_eq!(error.field(), "header");
        assert_eq!(error.value(), "a b");
        assert_eq!(error.allowed(), "an HTTP header name");
        assert_eq!(
            error.to_string(),
            r#"header: "a b" is not allowed; it takes an HTTP header name"#
        );
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}

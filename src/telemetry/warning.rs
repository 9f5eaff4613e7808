//! What was said that could not be used.

use std::fmt;

/// A variable of the environment that could not be used as it is, and what was done instead; or a
/// setting of the code that does nothing.
///
/// OpenTelemetry asks for a warning and a fall-back where a program's own settings would be an
/// error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    variable: String,
    value: String,
    done: String,
}

impl Warning {
    pub(super) fn new(variable: &str, value: &str, done: impl Into<String>) -> Self {
        Self { variable: variable.to_owned(), value: value.to_owned(), done: done.into() }
    }

    /// The variable's name, such as `OTEL_TRACES_SAMPLER`, or the setting's, such as
    /// `telemetry.otlp_logs`.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// Its value, empty for a setting; of headers, which may hold credentials, only their names, and nothing of what is
    /// not Unicode.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What was wrong with it, and what was done instead.
    pub fn done(&self) -> &str {
        &self.done
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.as_str() {
            "" => write!(f, "{}: {}", self.variable, self.done),
            value => write!(f, "{}={value:?}: {}", self.variable, self.done),
        }
    }
}

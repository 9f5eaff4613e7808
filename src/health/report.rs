//! What a check found.

use std::borrow::Cow;
use std::fmt::Display;

use super::Status;

/// What one run of a check found.
///
/// A check's future may answer with one of these or with what becomes one: `()` is a pass, and of a
/// `Result` the `Err` is a failure with the error's text as output.
///
/// ```
/// use tower_observability::health::{Report, Status};
///
/// let report = Report::warn("17 of 20 connections in use").observed(17.0, "connections");
/// assert_eq!(report.status(), Status::Warn);
/// assert_eq!(Report::from(Err::<(), _>("refused")), Report::fail("refused"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    status: Status,
    output: String,
    observed: Option<Observed>,
}

/// A number that a check measured, and its unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observed {
    pub(super) value: f64,
    pub(super) unit: Cow<'static, str>,
}

/// The most bytes of an output that are looked at.
const MOST_READ: usize = 4096;
/// The most bytes of a unit.
const MOST_UNIT: usize = 64;

impl Report {
    /// All is well.
    #[must_use]
    pub fn pass() -> Self {
        Self { status: Status::Pass, output: String::new(), observed: None }
    }

    /// It works, with concerns, of which `output` tells.
    #[must_use]
    pub fn warn(output: impl Into<String>) -> Self {
        Self { status: Status::Warn, ..Self::fail(output) }
    }

    /// It does not work; why, `output` tells.
    #[must_use]
    pub fn fail(output: impl Into<String>) -> Self {
        let mut output = output.into();
        output.truncate(output.floor_char_boundary(MOST_READ));
        Self { status: Status::Fail, output, observed: None }
    }

    /// Adds what was measured, in a unit of at most 64 bytes; a number that is not finite is told as `null`.
    #[must_use]
    pub fn observed(mut self, value: f64, unit: impl Into<Cow<'static, str>>) -> Self {
        let mut unit = unit.into();
        if unit.len() > MOST_UNIT {
            let mut owned = unit.into_owned();
            owned.truncate(owned.floor_char_boundary(MOST_UNIT));
            unit = owned.into();
        }
        self.observed = Some(Observed { value, unit });
        self
    }

    /// Pass, warn or fail.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What is to be said of it; empty for nothing. At most 4096 bytes are kept, and 512 characters told.
    pub fn output(&self) -> &str {
        &self.output
    }

    pub(super) fn measured(&self) -> Option<&Observed> {
        self.observed.as_ref()
    }

    pub(super) fn with_output(self, output: String) -> Self {
        Self { output, ..self }
    }
}

impl From<()> for Report {
    fn from((): ()) -> Self {
        Self::pass()
    }
}

impl<T: Into<Self>, E: Display> From<Result<T, E>> for Report {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(found) => found.into(),
            Err(error) => Self::fail(error.to_string()),
        }
    }
}

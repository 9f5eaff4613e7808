//! What is left of an error budget.

use std::fmt;

use crate::config::ConfigError;
use crate::health::{Check, Report};

/// Looks at what is left of an error budget, as a fraction: 1 is all of it, 0 nothing, and less is overspent.
///
/// It warns when less than a tenth is left, and does not fail unless [told](Self::fail_below): a service
/// that is not ready because it erred has fewer instances left to err on.
///
/// ```
/// use tower_observability::health::{BudgetCheck, Component, Group};
/// # struct Slo; impl Slo { fn remaining(&self) -> Option<f64> { Some(0.4) } }
/// # let slo = Slo;
///
/// let check = BudgetCheck::new(move || slo.remaining()).warn_below(0.25)?;
/// let budget = Component::new("checkout:budget", check).critical(false);
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
pub struct BudgetCheck<F> {
    remaining: F,
    warn_below: f64,
    fail_below: Option<f64>,
}

impl<F: Fn() -> Option<f64>> BudgetCheck<F> {
    /// Asks `remaining` at each run. `None`, where nothing is known yet, is a pass.
    pub fn new(remaining: F) -> Self {
        Self { remaining, warn_below: 0.1, fail_below: None }
    }

    /// Warns when less than this is left; 0.1 unless told.
    ///
    /// # Errors
    /// On what is no finite number.
    pub fn warn_below(self, fraction: f64) -> Result<Self, ConfigError> {
        Ok(Self { warn_below: finite("warn_below", fraction)?, ..self })
    }

    /// Fails when less than this is left; never unless told.
    ///
    /// # Errors
    /// On what is no finite number.
    pub fn fail_below(self, fraction: f64) -> Result<Self, ConfigError> {
        Ok(Self { fail_below: Some(finite("fail_below", fraction)?), ..self })
    }
}

fn finite(field: &'static str, fraction: f64) -> Result<f64, ConfigError> {
    let refused = || ConfigError::new(field, fraction.to_string(), "a finite number");
    fraction.is_finite().then_some(fraction).ok_or_else(refused)
}

impl<F: Fn() -> Option<f64> + Send + Sync + 'static> Check for BudgetCheck<F> {
    async fn run(&self) -> Report {
        let Some(remaining) = (self.remaining)() else {
            return Report::pass();
        };
        let report = if remaining.is_nan() {
            Report::warn("the budget that remains is no number")
        } else if self.fail_below.is_some_and(|least| remaining < least) {
            Report::fail(format!("{:.1} % of the error budget remain", remaining * 100.0))
        } else if remaining < self.warn_below {
            Report::warn(format!("{:.1} % of the error budget remain", remaining * 100.0))
        } else {
            Report::pass()
        };
        report.observed(remaining * 100.0, "%")
    }
}

impl<F> fmt::Debug for BudgetCheck<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetCheck")
            .field("warn_below", &self.warn_below)
            .field("fail_below", &self.fail_below)
            .finish_non_exhaustive()
    }
}

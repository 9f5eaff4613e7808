//! Feature flags that were evaluated in an exchange.

use std::borrow::Cow;
use std::time::Duration;

use super::scope;
use crate::attribute::Attributes;

/// What the key of an attribute that tells a flag begins with.
const PREFIX: &str = "feature_flag.";

/// A result of a feature flag in an exchange, in the words of OpenTelemetry's [conventions for feature
/// flags](https://opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events/).
///
/// Whom a flag was evaluated for, the conventions' `feature_flag.context.id`, has no place here: it
/// would make as many results as there are users, and tell who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flag {
    /// The flag's name: `feature_flag.key`.
    pub key: Cow<'static, str>,
    /// What it is for this exchange: `feature_flag.result.variant`.
    pub variant: Cow<'static, str>,
    /// From the start of the exchange to the first evaluation with this result.
    pub after: Duration,
    /// How often the flag was evaluated with this result.
    pub evaluations: u64,
}

impl Flag {
    /// The most results one exchange keeps; a further one is refused.
    pub const MAX: usize = 16;
    /// The most bytes a key may have; a longer one is refused. It is the longest that still is the
    /// key of an attribute.
    pub const MAX_KEY: usize = Attributes::MAX_KEY - PREFIX.len();
    /// The most bytes a variant may have; a longer one is refused.
    pub const MAX_VARIANT: usize = 128;
}

/// The results of one exchange, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Flags(Vec<Flag>);

impl Flags {
    /// Counts an evaluation, and sets the attribute that tells of it; `false` when a bound refuses
    /// either of them.
    pub(super) fn count(
        &mut self,
        key: Cow<'static, str>,
        variant: Cow<'static, str>,
        after: Duration,
        attributes: &mut Attributes,
    ) -> bool {
        let known = self.0.iter().position(|flag| flag.key == key && flag.variant == variant);
        let fits = |text: &str, most| !text.is_empty() && text.len() <= most;
        let has_room = known.is_some()
            || self.0.len() < Flag::MAX
                && fits(&key, Flag::MAX_KEY)
                && fits(&variant, Flag::MAX_VARIANT);
        if !has_room || !attributes.set([PREFIX, &key].concat(), variant.clone()) {
            return false;
        }
        match known.and_then(|place| self.0.get_mut(place)) {
            Some(flag) => flag.evaluations = flag.evaluations.saturating_add(1),
            None => self.0.push(Flag { key, variant, after, evaluations: 1 }),
        }
        true
    }

    pub(super) fn as_slice(&self) -> &[Flag] {
        &self.0
    }
}

/// Tells that a feature flag was evaluated in the exchange in scope, such as `flag("new-checkout",
/// "on")`; `false` when there is none, it has ended, or a bound of [`Flag`] or of [`Attributes`]
/// refuses it.
///
/// It becomes the attribute `feature_flag.<key>` with the variant as its value, so that log and span
/// tell it with the same words. The span has an event `feature_flag.evaluation` beside, for the
/// first evaluation with each variant; and the metrics of a server count every evaluation, and measure
/// the exchanges by variant. So a key and a variant are names, of which there should be few: never a
/// user's ID, for which there is no argument either.
///
/// ```
/// use tower_observability::exchange::flag;
///
/// # fn is_on(_: &str) -> bool { true }
/// async fn checkout() {
///     let new_checkout = is_on("new-checkout");
///     flag("new-checkout", if new_checkout { "on" } else { "off" });
/// }
/// ```
pub fn flag(key: impl Into<Cow<'static, str>>, variant: impl Into<Cow<'static, str>>) -> bool {
    scope::with_current(|facts| facts.flag(key, variant)).unwrap_or(false)
}

//! Under which route an exchange is counted.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::exchange::isolated;
use crate::message::method::OTHER;
use crate::route::Route;

/// A rule that replaces routes.
#[derive(Clone, Default)]
pub(super) enum RouteRule {
    /// As they are told.
    #[default]
    AsTold,
    /// Those that are listed; any other is `_OTHER`.
    Listed(Arc<HashSet<Box<str>>>),
    /// In the user's own groups.
    Grouped(Arc<Group>),
}

pub(super) type Group = dyn Fn(&str) -> Cow<'static, str> + Send + Sync;

impl RouteRule {
    #[inline]
    pub(super) fn of<'a>(&self, route: Option<&'a Route>) -> Option<Cow<'a, str>> {
        let route = route?.as_str();
        Some(match self {
            Self::AsTold => Cow::Borrowed(route),
            Self::Listed(listed) if listed.contains(route) => Cow::Borrowed(route),
            Self::Listed(_) => Cow::Borrowed(OTHER),
            // a rule that panics costs the exchange its route, not its count
            Self::Grouped(group) => isolated(|| group(route)).unwrap_or(Cow::Borrowed(OTHER)),
        })
    }
}

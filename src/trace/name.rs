//! A span's name.

use std::borrow::Cow;

use opentelemetry::StringValue;

use super::intern;
use super::semconv::{ANY_METHOD, GRPC, OTHER};
use crate::classify::Protocol;
use crate::exchange::{End, Facts};
use crate::message::method::known_method;
use crate::route::Route;

/// A span's name by the conventions, and the template or gRPC method in it.
pub(super) struct Name {
    pub(super) text: Cow<'static, str>,
    pub(super) route: Option<StringValue>,
    protocol: Protocol,
}

impl Name {
    /// `{method} {route}`, or the gRPC method.
    #[inline]
    pub(super) fn of(facts: &Facts, protocol: Protocol, route: Option<&Route>) -> Self {
        let route = route.map(Route::as_str).filter(|route| !route.is_empty());
        let (text, route) = match (protocol, route) {
            (Protocol::Grpc, Some(OTHER)) => (GRPC.into(), Some(OTHER.into())),
            (Protocol::Grpc, Some(route)) => whole("", route),
            (Protocol::Grpc, None) => (GRPC.into(), None),
            (Protocol::Http, Some(route)) => whole(method_name(facts), route),
            (Protocol::Http, None) => (method_name(facts).into(), None),
        };
        Self { text, route, protocol }
    }

    /// Whether an exchange that ended so has this very name.
    #[inline]
    pub(super) fn is_of(&self, end: &End<'_>) -> bool {
        let (own, route) = (self.route.as_ref().map(StringValue::as_str), end.route);
        self.protocol == end.protocol && own == route.map(Route::as_str)
    }
}

#[inline]
fn whole(method: &'static str, route: &str) -> (Cow<'static, str>, Option<StringValue>) {
    match intern::name(method, route) {
        Some((name, route_at)) => {
            (name.into(), Some(name.get(route_at..).unwrap_or_default().into()))
        }
        None => {
            let space = if method.is_empty() { "" } else { " " };
            ([method, space, route].concat().into(), Some(route.to_owned().into()))
        }
    }
}

#[inline]
fn method_name(facts: &Facts) -> &'static str {
    known_method(facts.method()).unwrap_or(ANY_METHOD)
}

//! The headers that a trace asks for by their names, found in one pass.

use http::{HeaderMap, HeaderValue};

/// What of a request's headers a server's span or its caller's trace is told by. One look-up of each
/// name costs more than a look at all the names that requests have.
#[derive(Clone, Copy, Default)]
pub(crate) struct Named<'a> {
    pub(crate) traceparent: Option<&'a HeaderValue>,
    /// Whether there is another `traceparent`.
    pub(crate) is_repeated: bool,
    pub(crate) has_tracestate: bool,
    pub(crate) has_baggage: bool,
    pub(crate) host: Option<&'a HeaderValue>,
    pub(crate) agent: Option<&'a HeaderValue>,
}

impl<'a> Named<'a> {
    pub(crate) fn among(headers: &'a HeaderMap) -> Self {
        let mut named = Self::default();
        for (name, value) in headers {
            match name.as_str() {
                "host" => named.host = named.host.or(Some(value)),
                "baggage" => named.has_baggage = true,
                "tracestate" => named.has_tracestate = true,
                "user-agent" => named.agent = named.agent.or(Some(value)),
                "traceparent" => {
                    named.is_repeated = named.traceparent.is_some();
                    named.traceparent = Some(value);
                }
                _ => {}
            }
        }
        named
    }
}

//! How an exchange's identity travels: in the extensions of its request.

use std::sync::Arc;

use http::request;

use super::facts::Facts;
use crate::classify::Side;

#[derive(Clone)]
struct Link {
    facts: Arc<Facts>,
    /// How many wrappers the request has passed.
    level: u32,
}

/// The exchange a request belongs to, if the asking wrapper may join it: from the same side, before
/// its end, and as the first to take this step inwards. A replayed clone, a forwarded request and a
/// nested call are exchanges of their own.
pub(super) fn join(head: &mut request::Parts, side: Side) -> Option<Arc<Facts>> {
    let link = head.extensions.get_mut::<Link>()?;
    if link.facts.side() != side || link.facts.has_ended() {
        return None;
    }
    link.level = link.facts.step(link.level)?;
    Some(Arc::clone(&link.facts))
}

/// Lets the wrappers inside join.
pub(super) fn travel(head: &mut request::Parts, facts: &Arc<Facts>) {
    head.extensions.insert(Link { facts: Arc::clone(facts), level: 0 });
}

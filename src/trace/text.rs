//! Texts of a request as a span tells them: as the policy shows them, bounded, and shared with the last
//! ones that were equal.

use std::net::IpAddr;

use http::{HeaderValue, Uri};
use opentelemetry::StringValue;

use super::intern::{self, Part};
use crate::message::bound::{MAX_VALUE, bounded};
use crate::message::plain::hides_nothing;
use crate::message::shown::Shown;

pub(super) fn scheme(text: &str) -> StringValue {
    match text {
        "http" => "http".into(),
        "https" => "https".into(),
        other => intern::text(other),
    }
}

pub(super) fn ip(address: IpAddr) -> StringValue {
    intern::displayed(address, intern::text)
}

pub(super) fn host(host: &str) -> StringValue {
    if host.len() <= MAX_VALUE {
        return intern::text(host);
    }
    bounded(host.into()).into_owned().into()
}

pub(super) fn path(shown: &Shown, path: &str) -> StringValue {
    let plain = || Some(path).filter(|path| hides_nothing(path.as_bytes()));
    if let Some(kept) = intern::as_it_stands(shown, Part::Path, path.as_bytes(), plain) {
        return kept;
    }
    let mut out = String::with_capacity(path.len());
    shown.write_path(path, &mut |piece| out.push_str(piece));
    out.into()
}

pub(super) fn query(shown: &Shown, query: &str) -> StringValue {
    let written = || {
        let mut out = String::with_capacity(query.len());
        shown.write_query(query, &mut |piece| out.push_str(piece));
        out
    };
    let mut out = None;
    let plain = || Some(query).filter(|query| *out.insert(written()) == **query);
    match intern::as_it_stands(shown, Part::Query, query.as_bytes(), plain) {
        Some(kept) => kept,
        None => out.unwrap_or_else(written).into(),
    }
}

pub(super) fn url(shown: &Shown, uri: &Uri) -> StringValue {
    intern::displayed(uri, |url| {
        let redacted = || shown.redaction().url(url);
        let plain = || Some(url).filter(|url| redacted() == **url);
        match intern::as_it_stands(shown, Part::Url, url.as_bytes(), plain) {
            Some(kept) => kept,
            None => bounded(redacted()).into_owned().into(),
        }
    })
}

pub(super) fn agent(shown: &Shown, agent: &HeaderValue) -> StringValue {
    let plain = || shown.plain_agent(agent);
    // one that is marked is hidden, whatever it was before
    let kept = if agent.is_sensitive() {
        None
    } else {
        intern::as_it_stands(shown, Part::Agent, agent.as_bytes(), plain)
    };
    kept.unwrap_or_else(|| shown.agent(agent).into_owned().into())
}

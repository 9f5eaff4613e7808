//! A rule as it is sent.

use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::{NAMES, names};
use crate::admin::answer::Refusal;
use crate::admin::fields::{Fields, Item};
use crate::classify::{Outcome, Side};
use crate::config::ConfigError;
use crate::debug_dump::{Match, Rule};
use crate::grpc::Code;
use crate::redact::Redaction;

/// The most bytes of a text in a condition.
const MOST_TEXT: usize = 4096;
const OUTCOMES: [Outcome; 6] = [
    Outcome::Completed,
    Outcome::Aborted,
    Outcome::Cancelled,
    Outcome::DeadlineExceeded,
    Outcome::Failed,
    Outcome::Panicked,
];

/// Reads what is to be dumped. Its bounds are those of [`Rule`].
pub(in crate::admin) fn rule(body: &[u8]) -> Result<Rule, Refusal> {
    let mut fields = Fields::read(body)?;
    let most = Rule::MAX_TIME_TO_LIVE.as_secs();
    let seconds = fields.number(names::TIME_TO_LIVE, 1..=most)?;
    let mut rule = Rule::new(Duration::from_secs(seconds)).map_err(refusal)?;
    if let Some(item) = fields.take_if_there(names::CAPTURES) {
        let captures = item.number(0..=u64::from(u32::MAX))?;
        // it is in the range
        rule = rule.captures(u32::try_from(captures).unwrap_or(u32::MAX)).map_err(refusal)?;
    }
    if let Some(item) = fields.take_if_there(names::BYTES) {
        rule = rule.bytes(size(item)?).map_err(refusal)?;
    }
    if let Some(item) = fields.take_if_there(names::BODY_CAP) {
        rule = rule.body_cap(size(item)?).map_err(refusal)?;
    }
    if let Some(item) = fields.take_if_there(names::MATCH) {
        rule = rule.matching(condition(item, Rule::MAX_DEPTH)?).map_err(refusal)?;
    }
    fields.end()?;
    Ok(rule)
}

fn size(item: Item) -> Result<usize, Refusal> {
    // larger than any that is allowed
    Ok(usize::try_from(item.number(0..=u64::MAX)?).unwrap_or(usize::MAX))
}

/// What the rule itself says, of the member that it was sent as.
fn refusal(error: ConfigError) -> Refusal {
    let name = NAMES.iter().find(|(field, _)| *field == error.field());
    let name = name.map_or(error.field(), |(_, name)| name);
    Refusal::field(name, format!("takes {}", error.allowed()))
}

fn condition(item: Item, depth: usize) -> Result<Match, Refusal> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(item.refused("is nested too deeply"));
    };
    let mut fields = item.fields()?;
    let Some((name, item)) = fields.take_first() else { return Ok(Match::Any) };
    let condition = match name.as_str() {
        "all" => Match::All(conditions(item, depth)?),
        "any" => {
            let is_none = item.refused("has no condition, so that it fits nothing");
            let any = conditions(item, depth)?;
            if any.is_empty() {
                return Err(is_none);
            }
            Match::AnyOf(any)
        }
        "not" => Match::Not(Box::new(condition(item, depth)?)),
        "method" => Match::Method(parsed(item, "a method", |it| Method::from_bytes(it).ok())?),
        "route" => Match::Route(item.text(MOST_TEXT)?),
        "path_prefix" => {
            let is_none = item.refused("must begin with `/`, as every path does");
            let prefix = item.text(MOST_TEXT)?;
            if !prefix.starts_with('/') {
                return Err(is_none);
            }
            Match::PathPrefix(prefix)
        }
        "status" => status(item)?,
        "request_header" => {
            let (name, value) = header(item)?;
            Match::RequestHeader(name, value)
        }
        "response_header" => {
            let (name, value) = header(item)?;
            Match::ResponseHeader(name, value)
        }
        "request_id" => Match::RequestId(item.text(MOST_TEXT)?),
        "slower_ms" => Match::Slower(Duration::from_millis(item.number(0..=u64::MAX)?)),
        "one_in" => {
            let many = item.number(1..=u64::from(u32::MAX))?;
            // it is in the range
            let many = u32::try_from(many).ok().and_then(NonZeroU32::new);
            Match::OneIn(many.unwrap_or(NonZeroU32::MAX))
        }
        "outcome" => {
            let allowed =
                "one of completed, aborted, cancelled, deadline_exceeded, failed, panicked";
            let known =
                |name: &[u8]| OUTCOMES.into_iter().find(|it| it.as_str().as_bytes() == name);
            Match::Outcome(parsed(item, allowed, known)?)
        }
        "grpc_status" => {
            let allowed = "the name of a gRPC status, such as UNAVAILABLE";
            Match::GrpcStatus(parsed(item, allowed, Code::from_name)?)
        }
        "error" => item.yes().map(|()| Match::Error)?,
        "side" => {
            let side = |name: &[u8]| match name {
                b"server" => Some(Side::Server),
                b"client" => Some(Side::Client),
                _ => None,
            };
            Match::Side(parsed(item, "server or client", side)?)
        }
        _ => return Err(item.refused("is not known")),
    };
    fields.end_or("is one too many: a condition has one member")?;
    Ok(condition)
}

fn conditions(item: Item, depth: usize) -> Result<Vec<Match>, Refusal> {
    item.items()?.into_iter().map(|item| condition(item, depth)).collect()
}

/// One status, or the first and the last of many.
fn status(item: Item) -> Result<Match, Refusal> {
    if !item.is_object() {
        let is_none =
            item.refused("must be a status from 100 to 999, or {\"from\": 500, \"to\": 599}");
        let one = code(item).map_err(|_| is_none)?;
        return Ok(Match::Status(one, one));
    }
    let mut fields = item.fields()?;
    let from = code(fields.take("from")?)?;
    let to = fields.take("to")?;
    let is_less = to.refused("is less than `from`");
    let to = code(to)?;
    fields.end()?;
    if to < from { Err(is_less) } else { Ok(Match::Status(from, to)) }
}

fn code(item: Item) -> Result<StatusCode, Refusal> {
    let is_no_status = item.refused("is no status");
    let number = item.number(100..=999)?;
    let status = u16::try_from(number).ok().and_then(|number| StatusCode::from_u16(number).ok());
    status.ok_or(is_no_status)
}

fn header(item: Item) -> Result<(HeaderName, Option<HeaderValue>), Refusal> {
    let mut fields = item.fields()?;
    let name =
        parsed(fields.take("name")?, "a header's name", |it| HeaderName::from_bytes(it).ok())?;
    let value = match fields.take_if_there("value") {
        None => None,
        Some(item) => {
            let is_secret = item.refused("is a secret, which is not asked for by its value");
            let value = parsed(item, "a header's value", |it| HeaderValue::from_bytes(it).ok())?;
            // a rule is told to all who may look, and left in the audit
            if shown(&name, &value).as_bytes() != value.as_bytes() {
                return Err(is_secret);
            }
            Some(value)
        }
    };
    fields.end()?;
    Ok((name, value))
}

/// A header's value, without the secrets in it.
pub(super) fn shown(name: &HeaderName, value: &HeaderValue) -> String {
    Redaction::default().header_value(name, value).into_owned()
}

fn parsed<T>(
    item: Item,
    expected: &str,
    parse: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<T, Refusal> {
    let is_none = item.refused(format!("must be {expected}"));
    let text = item.text(MOST_TEXT)?;
    parse(text.as_bytes()).ok_or(is_none)
}

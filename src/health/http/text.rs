//! Lines as Kubernetes writes them for `?verbose`.

use std::fmt::Write as _;

use super::asked::Asked;
use crate::escape;
use crate::health::snapshot::{Part, Snapshot};
use crate::health::{Details, Status};

/// The most characters of a stranger's name that are told back.
const MOST_SHOWN: usize = 64;

/// The whole answer.
pub(super) fn written(
    snapshot: &Snapshot,
    asked: &Asked<'_>,
    parts: &[Part<'_>],
    status: Status,
    details: Details,
) -> String {
    let mut out = String::new();
    // writing into a string cannot fail
    for part in parts {
        let name = part.name();
        let _ = match part.status {
            _ if asked.excludes(name) => write!(out, "[+]{name} excluded: ok"),
            Status::Pass => write!(out, "[+]{name} ok"),
            Status::Warn => write!(out, "[+]{name} ok, with a warning"),
            Status::Fail if part.is_critical() => write!(out, "[-]{name} failed"),
            Status::Fail => write!(out, "[-]{name} failed, but is not critical"),
        };
        if part.status != Status::Pass && !asked.excludes(name) {
            match (details, part.output()) {
                (Details::Told, Some(output)) => {
                    out.push_str(": ");
                    escape::text(&mut out, &output);
                }
                _ => out.push_str(": reason withheld"),
            }
        }
        out.push('\n');
    }
    let unknown = asked.excluded.iter().filter(|name| !snapshot.has(name));
    let unknown: Vec<_> = unknown
        .map(|name| format!("\"{}\"", escape::bounded(name.as_bytes(), MOST_SHOWN)))
        .collect();
    if !unknown.is_empty() {
        let names = unknown.join(", ");
        let _ =
            writeln!(out, "warn: some health checks cannot be excluded: no matches for {names}");
    }
    let end = if status.is_healthy() { "passed" } else { "failed" };
    let _ = writeln!(out, "{} check {end}", asked.endpoint);
    out
}

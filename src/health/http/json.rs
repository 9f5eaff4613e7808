//! The format of [draft-inadarei-api-health-check](https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06).

use super::asked::Asked;
use crate::escape;
use crate::health::snapshot::{Part, Snapshot};
use crate::health::{Details, Status};
use crate::message::timestamp;

/// The whole answer.
pub(super) fn written(
    snapshot: &Snapshot,
    asked: &Asked<'_>,
    parts: &[Part<'_>],
    status: Status,
    details: Details,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut object = Object::new(&mut out);
    object.text("status", status.as_str());
    if details == Details::Told {
        let about = snapshot.about();
        for (name, value) in [
            ("version", &about.version),
            ("releaseId", &about.release_id),
            ("serviceId", &about.service_id),
            ("description", &about.description),
        ] {
            if let Some(value) = value {
                object.text(name, value);
            }
        }
        if !about.notes.is_empty() {
            list(object.member("notes"), &about.notes, |out, note| escape::json_string(out, note));
        }
    }
    let mut checks = Object::new(object.member("checks"));
    for part in parts.iter().filter(|part| !asked.excludes(part.name())) {
        // of what the format knows as nodes there is one
        list(checks.member(part.name()), [part], |out, part| one(out, part, details));
    }
    checks.end();
    object.end();
    out
}

fn one(out: &mut Vec<u8>, part: &Part<'_>, details: Details) {
    let mut object = Object::new(out);
    object.text("status", part.status.as_str());
    if details == Details::Told {
        if let Some(kind) = part.rules().and_then(|rules| rules.kind) {
            object.text("componentType", kind.as_str());
        }
        if let Some(observed) = part.last().and_then(|last| last.report.measured()) {
            escape::json_f64(object.member("observedValue"), observed.value);
            object.text("observedUnit", &observed.unit);
        }
        if let Some(time) = part.time() {
            object.text("time", &timestamp::short(time));
        }
        if let Some(output) = part.output() {
            object.text("output", &output);
        }
    }
    object.end();
}

fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, each: impl Fn(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        each(out, item);
    }
    out.push(b']');
}

/// An object that is being written.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl<'a> Object<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_first: true }
    }

    /// Where the value of one more member is to be written.
    fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
        escape::json_string(self.out, name);
        self.out.push(b':');
        self.out
    }

    fn text(&mut self, name: &str, value: &str) {
        escape::json_string(self.member(name), value);
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

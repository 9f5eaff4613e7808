//! Reading what is sent: a JSON object, each member of which is named in what is said against it.

use std::fmt;

use http::StatusCode;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::answer::Refusal;
use crate::escape;

/// The most characters of a stranger's name for a member that are told back.
const MOST_SHOWN: usize = 64;

/// The members of an object that were not taken yet.
#[derive(Debug)]
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Reads an object; of a name that comes twice none can be told to be meant.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let fields: Self = serde_json::from_slice(body).map_err(|error| {
            let detail = escape::bounded(error.to_string().as_bytes(), 256);
            let detail = format!("the body is not the JSON object that is expected: {detail}");
            Refusal::new(StatusCode::BAD_REQUEST, detail)
        })?;
        let mut names: Vec<&str> = fields.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.array_windows().find(|[one, next]| one == next) {
            Some([twice, _]) => Err(Refusal::field(shown(twice), "is there twice")),
            None => Ok(fields),
        }
    }

    /// Takes a text of at most so many bytes.
    pub(super) fn text(&mut self, name: &'static str, most: usize) -> Result<String, Refusal> {
        match self.take(name)? {
            Value::String(text) if text.len() <= most => Ok(text),
            _ => Err(Refusal::field(name, format!("must be a string of at most {most} bytes"))),
        }
    }

    /// Takes a whole number in a range.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Refusal> {
        let number = self.take(name)?.as_u64().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = range.into_inner();
            Refusal::field(name, format!("must be a whole number from {least} to {most}"))
        })
    }

    /// Refuses what is left: a misspelt member would be overlooked.
    pub(super) fn end(self) -> Result<(), Refusal> {
        match self.0.first() {
            Some((name, _)) => Err(Refusal::field(shown(name), "is not known")),
            None => Ok(()),
        }
    }

    fn take(&mut self, name: &'static str) -> Result<Value, Refusal> {
        let at = self.0.iter().position(|(found, _)| found == name);
        let at = at.ok_or_else(|| Refusal::field(name, "is missing"))?;
        Ok(self.0.swap_remove(at).1)
    }
}

fn shown(name: &str) -> String {
    escape::bounded(name.as_bytes(), MOST_SHOWN)
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

//! A JSON document as it was sent: of an object every member, also those that come twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How deep a document is read. serde_json itself stops at 128.
const MAX_DEPTH: usize = 80;

/// A value, as far as it can be of use.
#[derive(Debug)]
pub(super) enum Json {
    Text(String),
    /// A number that is whole, and not negative.
    Whole(u64),
    #[cfg_attr(not(feature = "debug-dump"), allow(dead_code, reason = "only rules have lists"))]
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    Yes,
    Other,
    /// Whatever it is, it was not read.
    TooDeep,
}

impl Json {
    pub(super) fn read(document: &[u8]) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(document);
        let read = Depth(MAX_DEPTH).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(read)
    }
}

/// How much deeper it may go.
struct Depth(usize);

impl Depth {
    fn inner(&self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        if self.0 == 0 {
            // skipped without recursion
            deserializer.deserialize_ignored_any(IgnoredAny)?;
            return Ok(Json::TooDeep);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, is_yes: bool) -> Result<Json, E> {
        Ok(if is_yes { Json::Yes } else { Json::Other })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Whole(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(self.inner())? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members: Vec<(String, Json)> = Vec::new();
        while let Some(name) = map.next_key()? {
            members.push((name, map.next_value_seed(self.inner())?));
        }
        Ok(match &members[..] {
            // so does a number come where another crate turned on serde_json's `arbitrary_precision`
            [(name, Json::Text(number))] if name == "$serde_json::private::Number" => {
                number.parse().map_or(Json::Other, Json::Whole)
            }
            _ => Json::Object(members),
        })
    }
}

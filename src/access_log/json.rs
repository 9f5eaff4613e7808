//! A JSON object written member by member into a buffer.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::value::{label, push_address, push_number, push_seconds, push_value};
use crate::attribute::{Attributes, Value};
use crate::escape;
use crate::message::bound::cut;
use crate::message::headers::Captured;
use crate::message::timestamp;
use crate::redact::Redaction;

/// A key with all that stands around it, `,"key":"`, so that it is written at once.
#[derive(Clone, Copy)]
pub(super) struct Key(pub(super) &'static str);

/// Whole members, each with a comma before it.
#[derive(Clone, Copy)]
pub(super) struct Members(pub(super) &'static str);

/// The [`Key`] of a name in which nothing needs an escape.
macro_rules! key {
    ($name:literal) => {
        $crate::access_log::json::Key(concat!(",\"", $name, "\":\""))
    };
}
pub(super) use key;

/// An object under construction. Its methods are inlined, so that a key of known length is a few
/// stores and no call.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    /// Appends an object to `out` whose members `write` adds.
    #[inline(always)]
    pub(super) fn write(out: &'a mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
        let start = out.len();
        write(&mut Object { out });
        // every member starts with a comma; the first one's gives way to the brace
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
    }

    /// The key of a value that is not text.
    #[inline(always)]
    fn key(&mut self, key: Key) {
        let (before, _quote) = key.0.split_at(key.0.len() - 1);
        self.out.extend_from_slice(before.as_bytes());
    }

    #[inline(always)]
    pub(super) fn members(&mut self, members: Members) {
        self.out.extend_from_slice(members.0.as_bytes());
    }

    /// Text that needs no escape: a name of this crate's, or an ID.
    #[inline(always)]
    pub(super) fn plain(&mut self, key: Key, text: impl AsRef<[u8]>) {
        self.quoted(key, |out| out.extend_from_slice(text.as_ref()));
    }

    /// Any text.
    #[inline(always)]
    pub(super) fn text(&mut self, key: Key, text: &str) {
        self.quoted(key, |out| escape::json_fragment(out, text));
    }

    /// Any text that a caller sent.
    #[inline(always)]
    pub(super) fn bounded(&mut self, key: Key, text: &str) {
        let (kept, mark) = cut(text);
        self.quoted(key, |out| {
            escape::json_fragment(out, kept);
            out.extend_from_slice(mark.as_bytes());
        });
    }

    /// A text that `write` adds, escaped where it must be.
    #[inline(always)]
    pub(super) fn quoted(&mut self, key: Key, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.extend_from_slice(key.0.as_bytes());
        write(self.out);
        self.out.push(b'"');
    }

    #[inline(always)]
    pub(super) fn number(&mut self, key: Key, number: impl itoa::Integer) {
        self.key(key);
        push_number(self.out, number);
    }

    /// An HTTP status, which nearly always has three digits.
    #[inline(always)]
    pub(super) fn status(&mut self, key: Key, status: u16) {
        match status {
            100..=999 => {
                self.key(key);
                let digits = [status / 100, status / 10 % 10, status % 10];
                self.out.extend_from_slice(&digits.map(|digit| b'0' + digit as u8));
            }
            odd => self.number(key, odd),
        }
    }

    /// `true`, where it is; a flag that is not set is left out.
    #[inline(always)]
    pub(super) fn flag(&mut self, key: Key, set: bool) {
        if set {
            self.key(key);
            self.out.extend_from_slice(b"true");
        }
    }

    #[inline(always)]
    pub(super) fn bool(&mut self, key: Key, value: bool) {
        self.key(key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Seconds as a number with nine decimals.
    #[inline(always)]
    pub(super) fn seconds(&mut self, key: Key, time: Duration) {
        self.key(key);
        push_seconds(self.out, time);
    }

    #[inline(always)]
    pub(super) fn nanoseconds(&mut self, key: Key, time: Duration) {
        self.number(key, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    #[inline(always)]
    pub(super) fn timestamp(&mut self, key: Key, at: SystemTime) {
        self.quoted(key, |out| timestamp::push(out, at));
    }

    #[inline(always)]
    pub(super) fn address(&mut self, key: Key, address: IpAddr) {
        self.quoted(key, |out| push_address(out, address));
    }

    #[inline(always)]
    pub(super) fn nested(&mut self, key: Key, write: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        Object::write(self.out, write);
    }

    /// Captured headers, each as an array of its values, redacted.
    pub(super) fn headers(&mut self, prefix: &str, headers: &Captured, redaction: &Redaction) {
        for (name, values) in headers.shown(redaction) {
            self.texts(prefix, name, values);
        }
    }

    /// `"<prefix><name>":["value", …]`; the name needs no escape.
    pub(super) fn texts<'t>(
        &mut self,
        prefix: &str,
        name: &str,
        values: impl Iterator<Item = std::borrow::Cow<'t, str>>,
    ) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(prefix.as_bytes());
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":[");
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            escape::json_string(self.out, &value);
        }
        self.out.push(b']');
    }

    /// The attributes whose keys `wanted` picks.
    pub(super) fn attributes(&mut self, all: &Attributes, wanted: impl Fn(&str) -> bool) {
        for (key, value) in all.iter().filter(|(key, _)| wanted(key)) {
            self.attribute(key, value);
        }
    }

    /// The attributes as flat labels: a dot in a key becomes an underscore, and of keys that are
    /// the same then the first is kept.
    pub(super) fn labels(&mut self, all: &Attributes) {
        for (index, (key, value)) in all.iter().enumerate() {
            if all.iter().take(index).any(|(earlier, _)| label(earlier).eq(label(key))) {
                continue;
            }
            self.out.extend_from_slice(b",\"");
            label(key).for_each(|piece| escape::json_fragment(self.out, piece));
            self.out.extend_from_slice(b"\":");
            push_value(self.out, value);
        }
    }

    /// The attributes as text, whatever they are.
    pub(super) fn attribute_texts(&mut self, all: &Attributes) {
        for (key, value) in all.iter() {
            self.out.push(b',');
            escape::json_string(self.out, key);
            self.out.push(b':');
            match value {
                Value::Text(_) => push_value(self.out, value),
                other => {
                    self.out.push(b'"');
                    push_value(self.out, other);
                    self.out.push(b'"');
                }
            }
        }
    }

    /// One attribute under any key.
    pub(super) fn attribute(&mut self, key: &str, value: &Value) {
        self.out.push(b',');
        escape::json_string(self.out, key);
        self.out.push(b':');
        push_value(self.out, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(write: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = Vec::new();
        Object::write(&mut out, write);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_are_separated_and_nested() {
        let text = object(|object| {
            object.plain(key!("a"), "x");
            object.text(key!("b"), "\"{\n");
            object.nested(key!("c"), |object| {
                object.number(key!("d"), 7u64);
                object.flag(key!("e"), true);
                object.flag(key!("f"), false);
            });
            object.nested(key!("g"), |_| {});
            object.texts("h.", "i", ["1", "2"].into_iter().map(Into::into));
            object.bool(key!("j"), false);
        });
        let expected =
            r#"{"a":"x","b":"\"{\n","c":{"d":7,"e":true},"g":{},"h.i":["1","2"],"j":false}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn durations_and_addresses() {
        let text = object(|object| {
            object.seconds(key!("s"), Duration::new(12, 5_000_000));
            object.nanoseconds(key!("n"), Duration::from_micros(7));
            object.nanoseconds(key!("m"), Duration::MAX);
            object.address(key!("v4"), "192.0.2.70".parse().unwrap());
            object.address(key!("max"), "255.255.255.255".parse().unwrap());
            object.address(key!("tens"), "0.10.99.100".parse().unwrap());
            object.address(key!("v6"), "2001:db8::1".parse().unwrap());
        });
        let expected = r#"{"s":12.005000000,"n":7000,"m":18446744073709551615,"v4":"192.0.2.70","max":"255.255.255.255","tens":"0.10.99.100","v6":"2001:db8::1"}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn labels_are_flat_and_unique() {
        let mut attributes = Attributes::default();
        for (key, number) in [("a.b", 1), ("a_b", 2), ("a", 3), ("a..b", 4), ("a.b.", 5)] {
            attributes.set(key, number);
        }
        let text = object(|object| object.labels(&attributes));
        assert_eq!(text, r#"{"a_b":1,"a":3,"a__b":4,"a_b_":5}"#);
    }

    #[test]
    fn attributes_of_every_kind() {
        let mut attributes = Attributes::default();
        attributes.set("user.id", "a\"da");
        attributes.set("cart\n", -3);
        attributes.set("ratio", 0.5);
        attributes.set("nan", f64::NAN);
        attributes.set("vip", true);
        attributes.set("new", false);
        attributes.set("hidden", 1);
        let text = object(|object| object.attributes(&attributes, |key| key != "hidden"));
        let expected =
            r#"{"user.id":"a\"da","cart\n":-3,"ratio":0.5,"nan":null,"vip":true,"new":false}"#;
        assert_eq!(text, expected);
    }
}

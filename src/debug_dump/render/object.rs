//! Writes a JSON object, key by key.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Duration;

use crate::escape;

pub(in crate::debug_dump) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(in crate::debug_dump) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Object { out, is_empty: true }
    }

    pub(in crate::debug_dump) fn end(self) {
        self.out.push(b'}');
    }

    /// Writes a key, and hands out where its value is to be written.
    pub(in crate::debug_dump) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
        escape::json_string(self.out, key);
        self.out.push(b':');
        self.out
    }

    pub(in crate::debug_dump) fn string(&mut self, key: &str, value: &str) {
        escape::json_string(self.key(key), value);
    }

    pub(in crate::debug_dump) fn number(&mut self, key: &str, value: impl Display) {
        // writing into a Vec cannot fail
        let _ = write!(self.key(key), "{value}");
    }

    pub(in crate::debug_dump) fn null(&mut self, key: &str) {
        self.key(key).extend_from_slice(b"null");
    }

    pub(in crate::debug_dump) fn optional(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.string(key, value),
            None => self.null(key),
        }
    }

    pub(in crate::debug_dump) fn seconds(&mut self, key: &str, value: Option<Duration>) {
        match value {
            Some(value) => escape::json_f64(self.key(key), value.as_secs_f64()),
            None => self.null(key),
        }
    }
}

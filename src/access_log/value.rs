//! How values are written.

use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use crate::attribute::Value;
use crate::escape;
use crate::message::timestamp;

/// A key as a label, in pieces.
pub(super) fn label(key: &str) -> impl Iterator<Item = &str> {
    key.split_inclusive(['.', '_']).flat_map(|piece| match piece.strip_suffix(['.', '_']) {
        Some(before) => [before, "_"],
        None => [piece, ""],
    })
}

/// Appends an attribute's value.
pub(super) fn push_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Text(text) => escape::json_string(out, text),
        Value::Int(number) => push_number(out, *number),
        Value::Float(number) => escape::json_f64(out, *number),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
    }
}

#[inline]
pub(super) fn push_number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends seconds with nine decimals.
#[inline]
pub(super) fn push_seconds(out: &mut Vec<u8>, time: Duration) {
    let fraction = timestamp::fraction(time.subsec_nanos());
    match time.as_secs() {
        // nearly always
        0 => {
            let mut text = *b"0.000000000";
            text[1..].copy_from_slice(&fraction);
            out.extend_from_slice(&text);
        }
        seconds => {
            push_number(out, seconds);
            out.extend_from_slice(&fraction);
        }
    }
}

pub(super) fn push_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let (mut text, mut length) = ([b'.'; 16], 0);
            for octet in address.octets() {
                let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| b'0' + digit);
                let digits = &digits[if octet > 99 { 0 } else { 2 - usize::from(octet > 9) }..];
                text[length..length + digits.len()].copy_from_slice(digits);
                length += digits.len() + 1; // the dot is there
            }
            out.extend_from_slice(&text[..length - 1]);
        }
        IpAddr::V6(address) => {
            // writing into a Vec cannot fail
            let _ = write!(out, "{address}");
        }
    }
}

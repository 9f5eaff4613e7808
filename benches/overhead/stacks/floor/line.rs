//! A line of JSON, put together in a buffer that each thread keeps.

use std::cell::RefCell;
use std::io::Write;
use std::time::Duration;

use crate::stacks::lines::Lines;

pub(super) struct Line<'a>(&'a mut Vec<u8>);

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static SECOND: RefCell<(u64, [u8; 20])> = const { RefCell::new((u64::MAX, [0; 20])) };
}

/// Writes a line of what `fill` puts into it.
pub(super) fn write(fill: impl FnOnce(&mut Line<'_>)) {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        fill(&mut Line(buffer));
        let _ = Lines.write_all(buffer);
    });
}

impl Line<'_> {
    /// Text that is JSON already.
    pub(super) fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    /// What somebody else wrote.
    pub(super) fn text(&mut self, text: &str) {
        let plain = |byte: u8| (byte >= b' ') & (byte != b'"') & (byte != b'\\') & (byte != 0x7f);
        // without a way out of the loop, sixteen bytes are looked at at once
        if text.bytes().fold(true, |all, byte| all & plain(byte)) {
            return self.raw(text);
        }
        for char in text.chars() {
            match char {
                '"' | '\\' => self.0.extend([b'\\', char as u8]),
                ' '.. if char != '\u{7f}' => {
                    self.raw(char.encode_utf8(&mut [0; 4]));
                }
                _ => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(char));
                }
            }
        }
    }

    pub(super) fn number(&mut self, number: u64) {
        self.raw(itoa::Buffer::new().format(number));
    }

    pub(super) fn hex<const BYTES: usize>(&mut self, bytes: [u8; BYTES]) {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let digits =
            bytes.map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        self.0.extend_from_slice(digits.as_flattened());
    }

    /// Seconds, to the nanosecond.
    pub(super) fn seconds(&mut self, duration: Duration) {
        self.number(duration.as_secs());
        self.0.push(b'.');
        self.nanos(duration.subsec_nanos());
    }

    /// A moment by RFC 3339; what changes once in a second is kept that long.
    pub(super) fn moment(&mut self, since_1970: Duration) {
        let second = since_1970.as_secs();
        SECOND.with_borrow_mut(|(known, text)| {
            if *known != second {
                (*known, *text) = (second, calendar(second));
            }
            self.0.extend_from_slice(text);
        });
        self.nanos(since_1970.subsec_nanos());
        self.0.push(b'Z');
    }

    fn nanos(&mut self, mut nanos: u32) {
        let mut digits = [b'0'; 9];
        for digit in digits.iter_mut().rev() {
            *digit += (nanos % 10) as u8;
            nanos /= 10;
        }
        self.0.extend_from_slice(&digits);
    }
}

/// `2026-11-22T02:14:00.` of a second since 1970.
fn calendar(second: u64) -> [u8; 20] {
    // years are counted from 1 March of the year 0, so that a leap day is the last of its year
    let days = second / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600 % 24, second / 60 % 60, second % 60);
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.");
    text.as_bytes().try_into().expect("a year before 10 000")
}

//! Words for a POSIX shell.

use std::fmt::Write as _;

/// The most bytes of an argument; Linux allows 128 KiB.
pub(super) const LONGEST: usize = 1 << 16;

/// One argument: in single quotes, or from `printf` where it has bytes that are not printable. It
/// has no line feed at its end, as headers and URLs have none.
pub(super) fn argument(bytes: &[u8]) -> String {
    if !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return format!("\"$(printf {})\"", format(bytes));
    }
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('\'');
    for &byte in bytes {
        match byte {
            b'\'' => out.push_str(r"'\''"),
            byte => out.push(char::from(byte)),
        }
    }
    out.push('\'');
    out
}

/// A format in single quotes with which `printf` writes these bytes. What it or the shell would
/// read is in octal digits.
pub(super) fn format(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('\'');
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            // a `-` in front would be an option
            b'\'' | b'\\' | b'%' | b'`' | b'$' | b'"' | b'!' | b'-' if byte != b'-' || at == 0 => {
                let _ = write!(out, "\\{byte:03o}");
            }
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out.push('\'');
    out
}

//! No secret under a hidden key survives, whatever surrounds it; redacting twice changes nothing.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tower_observability::redact::{REDACTED, Redaction};

const SECRET: &str = "hunter2hunter2";
const KEYS: [&str; 10] = [
    "password",
    "API-Key",
    "accessToken",
    "X-Amz-Signature",
    "sig",
    "user[token]",
    "db_password",
    "githubToken",
    "X-Client-Secret",
    "x-session-id",
];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    before: &'a str,
    after: &'a str,
    key: u8,
    encode: [bool; 16],
}

/// The key with some of its bytes percent-encoded.
fn spelled(key: &str, encode: &[bool; 16]) -> String {
    key.bytes()
        .enumerate()
        .map(|(index, byte)| match encode[index % 16] {
            true => format!("%{byte:02x}"),
            false => char::from(byte).to_string(),
        })
        .collect()
}

fuzz_target!(|input: Input<'_>| {
    let redaction = Redaction::default();
    let key = spelled(KEYS[usize::from(input.key) % KEYS.len()], &input.encode);
    let query = format!("{}&{key}={SECRET}&{}", input.before, input.after);
    let redacted = redaction.query(&query);
    assert!(!redacted.contains(SECRET) || input.before.contains(SECRET) || input.after.contains(SECRET));
    assert!(redacted.contains(REDACTED));
    assert_eq!(redaction.query(&redacted), redacted);

    let url = format!("https://ada:{SECRET}@host/path?{query}");
    let redacted = redaction.url(&url);
    assert!(!redacted.contains(SECRET) || input.before.contains(SECRET) || input.after.contains(SECRET));
});

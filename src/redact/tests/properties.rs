//! What holds for any text.

use http::{HeaderValue, header};
use proptest::{prelude::*, sample::select};

use super::{query, shows, url};
use crate::redact::{Redaction, built_in};

const SECRET: &str = "hunter2";

/// A spelling of a hidden name that a server may read as that name.
fn spelling() -> impl Strategy<Value = String> {
    let letters = proptest::collection::vec((0..6_u8, any::<bool>()), 40);
    let wrap = select(vec![
        "",
        "user[@]",
        "@[]",
        "a.@",
        "user%5B@%5D",
        "x%255B@%255D",
        "@%00",
        "+@",
        "%20@",
        "$@",
    ]);
    (select(built_in::NAMES), letters, wrap).prop_map(|(name, letters, wrap)| {
        let mut key = String::new();
        for (letter, (encoding, upper)) in name.chars().zip(letters) {
            let letter = if upper { letter.to_ascii_uppercase() } else { letter };
            match encoding {
                0 => key.push_str(&format!("%{:02x}", u32::from(letter))),
                1 => key.push_str(&format!("%25{:02X}", u32::from(letter))),
                2 if letter == '-' => key.push('_'),
                3 if letter == '-' => {}
                _ => key.push(letter),
            }
        }
        if wrap.is_empty() { key } else { wrap.replace('@', &key) }
    })
}

/// Text rich in what means something in a query.
fn nasty() -> impl Strategy<Value = String> {
    let token = select(vec![
        "=", "&", ";", "%", "%25", "%3D", "%26", "%zz", "+", "[", "]", ".", "#", "?", "/", "//",
        "@", ":", "\"", "\\", "é", " ", "\n", "a", "token", "code", "page", "REDACTED", "1",
    ]);
    proptest::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn a_secret_never_survives(
        before in nasty(), separator in select(vec!["&", ";"]), key in spelling(),
        around in "[a-z=;:/?#%@+ \\.]{0,6}", after in nasty(),
    ) {
        let raw = format!("{before}{separator}{key}={around}{SECRET}{around}&{after}");
        prop_assert!(!query(&raw).contains(SECRET));
        let address = format!("https://example.com/?{raw}");
        prop_assert!(!url(&address).contains(SECRET));
        prop_assert!(!url(&address.replace('?', "#")).contains(SECRET));
    }

    #[test]
    fn an_encoded_pair_never_survives(key in spelling(), twice in any::<bool>()) {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let mut pair = encode(&format!("https://example.com/?a=1&{}=", key.replace("%25", "%"))) + SECRET;
        if twice && !key.contains('%') {
            pair = pair.replace('%', "%25");
        }
        let raw = format!("next={pair}&a=1");
        prop_assert_eq!(query(&raw), "next=REDACTED&a=1");
    }

    #[test]
    fn the_userinfo_never_survives(name in "[a-z!$&;=,%]{0,8}", password in "[a-z:!$&;=,@%]{0,8}", rest in nasty()) {
        let raw = format!("https://{name}{SECRET}:{password}{SECRET}@example.com/{}", rest);
        prop_assert!(!url(&raw).contains(SECRET));
        prop_assert!(url(&raw).starts_with("https://REDACTED:REDACTED@example.com/"));
    }

    #[test]
    fn a_query_without_secrets_is_kept(pairs in proptest::collection::vec(("[a-z_\\[\\]\\.-]{0,9}", "[a-zA-Z0-9=:,.+-]{0,9}"), 0..6)) {
        let redaction = Redaction::default();
        let is_hidden = |text: &str| text.split('=').any(|text| redaction.hides_key(text));
        prop_assume!(!pairs.iter().any(|(key, value)| is_hidden(key) || is_hidden(value)));
        let raw = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&");
        shows(&raw);
    }

    #[test]
    fn redacting_twice_is_redacting_once(raw in nasty()) {
        query(&raw);
        url(&format!("/a{raw}"));
        url(&format!("https://example.com/{raw}"));
        url(&format!("https://bob@example.com?{raw}"));
    }

    #[test]
    fn any_text_is_taken(raw in any::<String>(), nasty in nasty()) {
        let redaction = Redaction::default();
        for raw in [raw, nasty] {
            query(&raw);
            let _ = redaction.url(&raw);
            let _ = redaction.hides_key(&raw);
            if let Ok(value) = HeaderValue::from_bytes(raw.as_bytes()) {
                let _ = redaction.header_value(&header::REFERER, &value);
            }
        }
    }
}

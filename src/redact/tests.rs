use std::borrow::Cow;

use http::{HeaderName, HeaderValue, header};

use super::{REDACTED, Redaction, built_in, names};
use crate::config::ConfigError;

mod properties;
mod texts;
mod words;

fn query(raw: &str) -> String {
    let redaction = Redaction::default();
    let text = redaction.query(raw).into_owned();
    let mut written = String::new();
    redaction.write_query(raw, &mut |piece| written.push_str(piece));
    assert_eq!(written, text);
    assert_eq!(redaction.query(&text), text, "redacted twice");
    text
}

fn url(raw: &str) -> String {
    let redaction = Redaction::default();
    let text = redaction.url(raw).into_owned();
    assert_eq!(redaction.url(&text), text, "redacted twice");
    text
}

/// The query is left as it is, and not even copied.
fn shows(raw: &str) {
    assert_eq!(query(raw), raw);
    assert!(matches!(Redaction::default().query(raw), Cow::Borrowed(_)));
}

#[cfg(feature = "access-log")]
#[test]
fn what_a_program_says_is_searched_word_by_word() {
    let redaction = Redaction::default();
    for (said, shown) in [
        ("invalid code=4/0AbC", "invalid code=REDACTED"),
        ("bad sid=8f3c for a", "bad sid=REDACTED"),
        ("GET /a?token=x&b=1 failed", "GET /a?token=REDACTED&b=1 failed"),
        ("no colour=red here", "no colour=red here"),
    ] {
        assert_eq!(redaction.text(said), shown, "{said}");
    }
}

#[test]
fn a_name_is_matched_whole() {
    let redaction = Redaction::default();
    for key in [
        "code",
        "CODE",
        "api_key",
        "apiKey",
        "API-KEY",
        "apikey",
        "ApiKey",
        "X-Amz-Signature",
        "AWSAccessKeyId",
        "sig",
    ] {
        assert!(redaction.hides_key(key), "{key}");
    }
    for key in [
        "",
        "_",
        "country_code",
        "countryCode",
        "codec",
        "zip code",
        "design",
        "tokens_used",
        "passwords_changed",
        "%",
        "100%",
    ] {
        assert!(!redaction.hides_key(key), "{key}");
    }
}

#[test]
fn segments_are_names() {
    let redaction = Redaction::default();
    for key in [
        "user[password]",
        "password[]",
        "user.password",
        "a[b][token][0]",
        "[secret]",
        "api.key",
        "$password",
    ] {
        assert!(redaction.hides_key(key), "{key}");
    }
    assert!(!redaction.hides_key("user[api][key]"));
    assert!(!redaction.hides_key("user[country_code]"));
}

#[test]
fn a_key_is_matched_through_its_encodings() {
    let redaction = Redaction::default();
    for key in [
        "pass%77ord",
        "pass%2577ord",
        "api%5Fkey",
        "user%5Bpassword%5D",
        "password%00",
        "%70%61%73%73%77%64",
        "password%ff",
    ] {
        assert!(redaction.hides_key(key), "{key}");
    }
    let long = format!("{}[password]", "x".repeat(1000));
    assert!(redaction.hides_key(&long));
    assert!(!redaction.hides_key(&"password".repeat(100)));
}

#[test]
fn a_key_is_matched_beyond_ascii() {
    let redaction = Redaction::default().key("Contraseña").unwrap().key("пароль").unwrap();
    for key in [
        "contraseña",
        "CONTRASEÑA",
        "Пароль",
        "ｐａｓｓｗｏｒｄ",
        "to\u{212a}en",
        "pa\u{17f}\u{17f}word",
        "pass\u{200b}word",
    ] {
        assert!(redaction.hides_key(key), "{key}");
    }
    assert!(!redaction.hides_key("città"));
    assert_eq!(
        redaction.query("contrase%C3%B1a=1&citt%C3%A0=2"),
        "contrase%C3%B1a=REDACTED&citt%C3%A0=2"
    );
}

#[test]
fn headers() {
    let redaction = Redaction::default();
    let value = HeaderValue::from_static("Bearer hunter2");
    for name in [
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-amz-security-token",
        "x_api_key",
    ] {
        let name = HeaderName::from_static(name);
        assert!(redaction.hides_header(&name, &value), "{name}");
        assert_eq!(redaction.header_value(&name, &value), REDACTED);
    }
    assert!(!redaction.hides_header(&header::ACCEPT, &value));

    let mut sensitive = value.clone();
    sensitive.set_sensitive(true);
    assert!(redaction.hides_header(&header::ACCEPT, &sensitive));
    assert!(Redaction::none().hides_header(&header::ACCEPT, &sensitive));
    assert!(!Redaction::none().hides_header(&header::AUTHORIZATION, &value));
}

#[test]
fn a_header_that_is_shown_keeps_its_secrets() {
    let redaction = Redaction::default();
    let show = |name, value: &[u8]| {
        redaction.header_value(&name, &HeaderValue::from_bytes(value).unwrap()).into_owned()
    };
    assert_eq!(show(header::ACCEPT, b"text/html;q=0.9, */*"), "text/html;q=0.9, */*");
    assert_eq!(
        show(header::LOCATION, b"https://bob:x@a/cb?code=x&b=1"),
        "https://REDACTED:REDACTED@a/cb?code=REDACTED&b=1"
    );
    assert_eq!(
        show(header::LINK, b"<https://a/b?page=2>; rel=next"),
        "<https://a/b?page=2>; rel=next"
    );
    assert_eq!(show(header::WARNING, b"Token token=\"x\""), "Token token=REDACTED");
    assert_eq!(show(header::SERVER, b"caf\xe9 token=x"), "caf\u{fffd} token=REDACTED");
}

#[test]
fn names_are_added_and_allowed() {
    let redaction = Redaction::default().key("cardNumber").unwrap().allow_key("CODE").unwrap();
    assert_eq!(
        redaction.query("card_number=1&code=2&token=3"),
        "card_number=REDACTED&code=2&token=REDACTED"
    );
    assert_eq!(Redaction::default().query("card_number=1&code=2"), "card_number=1&code=REDACTED");

    let redaction =
        Redaction::default().header("X-Tenant").unwrap().allow_header("Cookie").unwrap();
    let value = HeaderValue::from_static("x");
    assert!(redaction.hides_header(&HeaderName::from_static("x-tenant"), &value));
    assert!(!redaction.hides_header(&header::COOKIE, &value));
    assert!(redaction.hides_key("cookie"));

    let redaction = Redaction::default().key("user.id").unwrap();
    assert_eq!(
        redaction.query("user[id]=1&userId=2&id=3"),
        "user[id]=REDACTED&userId=REDACTED&id=3"
    );
    assert_eq!(redaction.allow_key("user-id").unwrap().query("user[id]=1"), "user[id]=1");

    let long = "x".repeat(100);
    let redaction = Redaction::none().key(&long).unwrap();
    assert_eq!(
        redaction.query(&format!("{long}=1&x{long}=2")),
        format!("{long}=REDACTED&x{long}=2")
    );
}

#[test]
fn none_hides_nothing() {
    let redaction = Redaction::none();
    for raw in ["token=x", "%zz=x", "token%3Dx", "u=https://bob:x@example.com"] {
        assert_eq!(redaction.query(raw), raw);
        assert!(!redaction.hides_key(raw));
    }
    assert_eq!(
        redaction.url("https://bob:x@example.com/?token=x"),
        "https://bob:x@example.com/?token=x"
    );
    assert_eq!(redaction.key("id").unwrap().url("//bob@a?id=x"), "//bob@a?id=REDACTED");
}

#[test]
fn invalid_names_are_refused() {
    let text = |result: Result<Redaction, ConfigError>| result.unwrap_err().to_string();
    let redaction = Redaction::default;
    assert_eq!(
        text(redaction().key("")),
        r#"redact.key: "" is not allowed; it takes a name with a letter or a digit in it"#
    );
    assert_eq!(
        text(redaction().allow_key("_-\n")),
        r#"redact.key: "_-\n" is not allowed; it takes a name with a letter or a digit in it"#
    );
    assert_eq!(
        text(redaction().header("a b")),
        r#"redact.header: "a b" is not allowed; it takes a header name with a letter or a digit in it"#
    );
    assert_eq!(
        text(redaction().allow_header("--")),
        r#"redact.header: "--" is not allowed; it takes a header name with a letter or a digit in it"#
    );
}

#[test]
fn debug_is_short() {
    let none = Redaction::none().key("a").unwrap();
    assert_eq!(
        format!("{none:?}"),
        "Redaction { headers: 0 names, keys: 1 names, userinfo: false }"
    );
}

#[test]
fn opening_one_name_leaves_every_other_hidden() {
    for opened in built_in::NAMES {
        let redaction = Redaction::default().allow_key(opened).unwrap();
        for name in built_in::NAMES {
            let same = names::normal(name) == names::normal(opened);
            assert_eq!(redaction.hides_key(name), !same, "{name} with {opened} opened");
        }
    }
}

#[test]
fn names_share_a_first_letter_and_a_length_without_harm() {
    let redaction = Redaction::none().key("abc").unwrap().key("abd").unwrap();
    assert_eq!(redaction.query("abc=1&abd=2&abe=3&bbc=4"), "abc=REDACTED&abd=REDACTED&abe=3&bbc=4");
    let redaction = redaction.allow_key("abc").unwrap();
    assert_eq!(redaction.query("abc=1&abd=2&abe=3"), "abc=1&abd=REDACTED&abe=3");
}

#[test]
fn percent_signs_in_values_hide_nothing_by_themselves() {
    for query in ["a=%20x&b=1", "q=50%25&r=%41", "%61=%62&c=d", "a=%2Fb/c?d=%20;e=f#%20"] {
        assert_eq!(Redaction::default().query(query), query);
    }
}

#[test]
fn a_hidden_key_after_any_separator_is_found() {
    for mark in ["&", ";", "?", "#", "/", "="] {
        let query = format!("a{mark}password=hunter2&b=c");
        assert_eq!(
            Redaction::default().query(&query),
            format!("a{mark}password=REDACTED&b=c"),
            "{mark}"
        );
    }
}

#[test]
fn invisible_and_wide_spellings_are_the_same_name() {
    for key in
        ["pass\u{200b}word", "ｐａｓｓｗｏｒｄ", "PASSWORD", "pa\u{17f}\u{17f}word", "é=1&password"]
    {
        let query = format!("{key}=hunter2");
        assert!(!Redaction::default().query(&query).contains("hunter2"), "{key}");
    }
    assert_eq!(Redaction::default().query("naïve=1"), "naïve=1");
}

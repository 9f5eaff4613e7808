use std::borrow::Cow;

use http::{HeaderName, HeaderValue, header};
use proptest::{prelude::*, sample::select};

use super::{REDACTED, Redaction, built_in};
use crate::config::ConfigError;

const SECRET: &str = "hunter2";

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
        "user[api][key]",
        "api.key",
        "$password",
    ] {
        assert!(redaction.hides_key(key) || key == "user[api][key]", "{key}");
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
fn query_hides_values() {
    assert_eq!(query("token=abc"), "token=REDACTED");
    assert_eq!(query("page=2&token=abc&sort=name"), "page=2&token=REDACTED&sort=name");
    assert_eq!(query("token=&a="), "token=REDACTED&a=");
    assert_eq!(query("token=a=b=c&x=1"), "token=REDACTED&x=1");
    assert_eq!(
        query("user%5Bpassword%5D=x&user[name]=bob"),
        "user%5Bpassword%5D=REDACTED&user[name]=bob"
    );
    assert_eq!(query("token=a&token=b"), "token=REDACTED&token=REDACTED");
    assert_eq!(query("?token=a"), "?token=REDACTED");
    assert_eq!(query("a=1&+api+key=x"), "a=1&+api+key=REDACTED");
}

#[test]
fn query_keeps_what_is_no_secret() {
    for raw in [
        "",
        "&",
        "=",
        "&&==&",
        "a",
        "a=",
        "=a",
        "token",
        "a&token&b",
        "page=2&sort=-name,id",
        "country_code=IT",
        "a=b=c==",
        "cursor=YWJjZA==",
        "q=100%",
        "q=50%25+caf%C3%A9",
        "t=12:30",
        "redirect=https%3A%2F%2Fexample.com%2F%3Fa%3Db",
        "mail=bob@example.com",
        "u=//example.com&mail=bob@example.com",
        "response_type=code",
        "a=1;b=2",
        "città=è",
    ] {
        shows(raw);
    }
}

#[test]
fn both_readings_of_a_semicolon_are_honoured() {
    assert_eq!(query("a=1;token=x;b=2"), "a=1;token=REDACTED");
    assert_eq!(query("token=x;y&b=2"), "token=REDACTED&b=2");
    assert_eq!(query("a=1&amp;token=x&amp;b=2"), "a=1&amp;token=REDACTED&amp;b=2");
}

#[test]
fn what_is_not_cleanly_encoded_is_hidden() {
    assert_eq!(query("pass%2577ord=x"), "pass%2577ord=REDACTED");
    assert_eq!(query("%zz=x&a=1"), "%zz=REDACTED&a=1");
    assert_eq!(query("%=x"), "%=REDACTED");
    assert_eq!(query("%u0070assword=x"), "%u0070assword=REDACTED");
    assert_eq!(query("%c1%b0=x"), "%c1%b0=REDACTED");
    assert_eq!(query("pass%252577ord=x"), "REDACTED");
    assert_eq!(query("a=1&token%3Dx&b=2"), "a=1&REDACTED&b=2");
    assert_eq!(query("token%3Dx=y"), "REDACTED");
    assert_eq!(query("a%26token%253Dx=y"), "REDACTED");
}

#[test]
fn a_value_is_looked_into() {
    assert_eq!(query("next=/cb?code=x&state=1"), "next=/cb?code=REDACTED&state=1");
    assert_eq!(query("next=%2Fcb%3Fstate%3D1%26code%3Dx&a=1"), "next=REDACTED&a=1");
    assert_eq!(query("next=%252Fcb%253Fcode%253Dx"), "next=REDACTED");
    assert_eq!(query(r#"f={"a":1,"password": "x"}"#), r#"f={"a":1,"password":REDACTED"#);
    assert_eq!(query("f={%22password%22:%22x%22}"), "f=REDACTED");
    assert_eq!(query("f=%7B%22password%22+%3A+%22x%22%7D"), "f=REDACTED");
    assert_eq!(query("q=my%20password%3Dx"), "q=REDACTED");
    assert_eq!(query("u=https://bob:x@example.com/&a=1"), "u=https://REDACTED&a=1");
    assert_eq!(query("u=https%3A%2F%2Fbob%3Ax%40example.com"), "u=REDACTED");
    let long = "x".repeat(400);
    assert_eq!(query(&format!("next={long}%3Fcode%3Dx")), "next=REDACTED");
}

#[test]
fn url_hides_the_userinfo() {
    for (raw, redacted) in [
        ("https://bob:x@example.com/a?b=c", "https://REDACTED:REDACTED@example.com/a?b=c"),
        ("https://bob@example.com", "https://REDACTED:REDACTED@example.com"),
        ("https://bob:x@y@example.com:80/@z", "https://REDACTED:REDACTED@example.com:80/@z"),
        ("https://b&c;d=e:x@example.com", "https://REDACTED:REDACTED@example.com"),
        ("https://bob:x/y?z@example.com/", "https://REDACTED:REDACTED@example.com/"),
        ("//bob:x@example.com/", "//REDACTED:REDACTED@example.com/"),
        (r"https:\\bob:x@example.com/", r"https:\\REDACTED:REDACTED@example.com/"),
        ("https:/bob:x@example.com/", "https:/REDACTED:REDACTED@example.com/"),
        ("bob:x@example.com:443", "REDACTED:REDACTED@example.com:443"),
        ("/go/https://bob:x@example.com/", "/go/https://REDACTED"),
    ] {
        assert_eq!(url(raw), redacted);
    }
}

#[test]
fn url_keeps_what_is_no_secret() {
    for raw in [
        "",
        "/",
        "*",
        "/a@b/c",
        "https://example.com:8080/@bob",
        "http://[::1]/a@b",
        "http://[::1]:80/a@b",
        "localhost:80",
        "urn:isbn:1",
        "https://code.example.com/code/x=1?a=b#top",
        "https://example.com/a:b@c",
        "?a=b",
        "#a",
    ] {
        assert_eq!(url(raw), raw);
    }
}

#[test]
fn url_hides_in_query_fragment_and_path_parameters() {
    assert_eq!(url("/a?token=x&b=1"), "/a?token=REDACTED&b=1");
    assert_eq!(url("https://a/b#access_token=x&b=1"), "https://a/b#access_token=REDACTED&b=1");
    assert_eq!(url("https://a/b?c=d#/in?code=x"), "https://a/b?c=d#/in?code=REDACTED");
    assert_eq!(url("https://a/b?token=x#top"), "https://a/b?token=REDACTED");
    assert_eq!(url("/in;jsessionid=x/y"), "/in;jsessionid=REDACTED");
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

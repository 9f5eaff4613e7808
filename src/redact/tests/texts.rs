//! Queries and URLs, before and after.

use super::{query, shows, url};

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

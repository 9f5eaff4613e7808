use super::{JSON, cut, hide, nothing, of, whole};
use crate::debug_dump::Withheld;
use crate::debug_dump::hide::{Hide, Opaque};
use crate::debug_dump::samples::headers;
use crate::redact::Redaction;

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn forms_are_read_as_queries() {
    assert_eq!(whole(FORM, "a=1&password=x&b"), ("a=1&password=REDACTED&b".to_owned(), None));
    let truncated = Some(Withheld::Truncated);
    assert_eq!(cut(FORM, "a=1&passwor"), ("a=1&passwor".to_owned(), truncated));
    assert_eq!(cut(FORM, "a=1&password=x"), ("a=1&password=REDACTED".to_owned(), truncated));
    assert_eq!(cut(FORM, "u=https%3A%2F%2Fbob%3Ahun"), ("u=REDACTED".to_owned(), truncated));
    assert_eq!(hide(b"a=%41%42", true, &of(FORM), 4).kept, "a=");
    assert_eq!(hide(b"a=\xff", true, &of(FORM), 4), nothing(Withheld::Unreadable));
}

#[test]
fn keys_start_where_texts_lines_and_words_do() {
    for (body, kept) in [
        ("hello\nworld", "hello\nworld"),
        ("hello\ncode=1&b=2\r\nbye", "hello\ncode=REDACTED&b=2\r\nbye"),
        ("see code=1&b", "see code=REDACTED&b"),
        ("private_key=-----\nMIIE\n&x", "private_key=REDACTED&x"),
        ("a\nprivate_key=-----\nMIIE\n", "a\nprivate_key=REDACTED"),
        ("{\"password\": \"a\"}", "{\"password\": \"REDACTED\"}"),
        ("data: {\"password\": \"a\"}", "data: {\"password\":REDACTED"),
    ] {
        assert_eq!(whole("text/plain", body), (kept.to_owned(), None), "{body}");
    }
    assert_eq!(
        cut("text/plain", "go to https://bob:hun"),
        ("go to https://REDACTED".to_owned(), Some(Withheld::Truncated))
    );
}

#[test]
fn what_tells_no_secret_is_withheld_unless_it_is_asked_for() {
    let redaction = Redaction::default();
    let keep = Hide { redaction: &redaction, opaque: Opaque::Kept, cap: 99 };
    for kind in [
        "application/grpc",
        "application/octet-stream",
        "text/html",
        "application/xml",
        "image/svg+xml",
    ] {
        assert_eq!(hide(b"abc", true, &of(kind), 99), nothing(Withheld::Unreadable), "{kind}");
        let kept = keep.body(b"a\xffc", true, &of(kind));
        assert_eq!((&kept.kept[..], kept.withheld), (&b"a\xffc"[..], None), "{kind}");
    }
    // what can be read is never kept unread
    for kind in
        ["application/json; charset=utf-16", "text/plain; charset=utf-7", "multipart/form-data"]
    {
        let kept = keep.body(b"abc", true, &of(kind));
        assert_eq!(kept, nothing(Withheld::Unreadable), "{kind}");
    }
    let twice = headers(&[("content-type", b"text/plain"), ("content-type", b"text/html")]);
    assert_eq!(hide(b"abc", true, &twice, 99), nothing(Withheld::Unreadable));
}

#[test]
fn a_body_without_a_type_is_looked_at() {
    let none = headers(&[]);
    assert_eq!(hide(b"{\"token\":1}", true, &none, 99).kept, "{\"token\":\"REDACTED\"}");
    assert_eq!(hide(b"a token=1", true, &none, 99).kept, "a token=REDACTED");
    for body in [&b"<a>"[..], b"--x", b"\0", b"\xff"] {
        assert_eq!(hide(body, true, &none, 99), nothing(Withheld::Unreadable));
    }
    assert_eq!(hide(b"", true, &none, 99).withheld, None);
    assert_eq!(hide(b"", false, &none, 99), nothing(Withheld::Truncated));
}

#[test]
fn parts_are_hidden_by_name_and_by_type() {
    let kind = "multipart/form-data; boundary=\"x y\"";
    let part = |head: &str, body: &str| {
        format!("--x y\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n")
    };
    let end = "--x y--\r\n";
    for (head, body, kept) in [
        ("name=\"a\"", "b", "b"),
        ("name=\"password\"", "b", "REDACTED"),
        ("name=pass%77ord", "b", "REDACTED"),
        ("name=a; name=b", "b", "REDACTED"),
        ("name*=utf-8''a", "b", "REDACTED"),
        ("filename=a", "b", "REDACTED"),
        ("name=\"a\"", "{\"token\":1}", "{\"token\":\"REDACTED\"}"),
        ("name=a\r\ncontent-type: image/png", "b", "REDACTED"),
        ("name=a\r\ncontent-type: application/json", "[1}", "REDACTED"),
    ] {
        let (given, expected) = (part(head, body) + end, part(head, kept) + end);
        assert_eq!(whole(kind, &given), (expected, None), "{head} {body}");
    }
    let given = part("name=a", "b") + &part("name=token", "secret");
    let cut_off = given.trim_end();
    let expected = part("name=a", "b") + &part("name=token", "REDACTED");
    assert_eq!(cut(kind, cut_off), (expected.trim_end().to_owned(), Some(Withheld::Truncated)));
    assert_eq!(whole(kind, cut_off).1, Some(Withheld::Unreadable));
    assert_eq!(whole(kind, "preamble"), (String::new(), Some(Withheld::Unreadable)));
}

#[test]
fn a_colon_behind_a_secrets_name_is_as_good_as_an_equals_sign() {
    for (text, expected) in [
        ("Authorization: Bearer hunter2", "Authorization: REDACTED"),
        (
            "GET / HTTP/1.1\r\nhost: a\r\nCookie: a=hunter2; b=c\r\naccept: */*\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nCookie: REDACTED\r\naccept: */*\r\n",
        ),
        ("user: bob\n  password: hunter2\nage: 7\n", "user: bob\n  password: REDACTED\nage: 7\n"),
        ("- api_key:   hunter2\n- b", "- api_key: REDACTED\n- b"),
        ("the password: hunter2", "the password: REDACTED"),
        ("at 12:30 with token: hunter2", "at 12:30 with token: REDACTED"),
        ("{token: 'hunter2', a: 1}", "{token: REDACTED"),
        ("at 12:30: http://a/b: c", "at 12:30: http://a/b: c"),
    ] {
        assert_eq!(whole("text/plain", text), (expected.to_owned(), None), "{text}");
    }
    let json = r#"{"message":"sent Authorization: Bearer hunter2"}"#;
    let expected = r#"{"message":"sent Authorization: REDACTED"}"#;
    assert_eq!(whole(JSON, json), (expected.to_owned(), None));
}

#[test]
fn a_value_behind_a_colon_goes_on_in_the_lines_that_are_deeper() {
    let text = "a: 1\npassword: |\n  hunter\n\n  2\nb: 2\n";
    assert_eq!(whole("text/yaml", text), ("a: 1\npassword: REDACTED\nb: 2\n".to_owned(), None));
}

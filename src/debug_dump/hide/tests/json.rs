use super::{JSON, cut, hide, of, whole};
use crate::debug_dump::Withheld;

const TRUNCATED: Option<Withheld> = Some(Withheld::Truncated);
const UNREADABLE: Option<Withheld> = Some(Withheld::Unreadable);

#[test]
fn secrets_are_hidden_at_any_depth_and_the_rest_is_kept_byte_for_byte() {
    for (body, kept) in [
        (
            r#" {"a" : 1.50, "b":[true,null,"\u0041"]} "#,
            r#" {"a" : 1.50, "b":[true,null,"\u0041"]} "#,
        ),
        (r#"{"password":"x","b":2}"#, r#"{"password":"REDACTED","b":2}"#),
        (r#"[{"user":{"apiKey":-1e5}}]"#, r#"[{"user":{"apiKey":"REDACTED"}}]"#),
        (r#"{"token":{"a":[1,{}]},"b":[]}"#, r#"{"token":"REDACTED","b":[]}"#),
        (r#"{"secret":[1,"]"],"b":0}"#, r#"{"secret":"REDACTED","b":0}"#),
        (r#"{"pass\u0077ord":"x"}"#, r#"{"pass\u0077ord":"REDACTED"}"#),
        (r#"{"access":{"key":"x","keys":1}}"#, r#"{"access":{"key":"REDACTED","keys":1}}"#),
        (r#"{"access":[{"key":"x"}]}"#, r#"{"access":[{"key":"REDACTED"}]}"#),
        (r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"\ud83d\ude00"}"#),
        (r#"{"a":"\ud83d","b\udc00":"x"}"#, r#"{"a":"REDACTED","REDACTED":"REDACTED"}"#),
        (r#"{"a":"q?token=x\"y&b=1\n"}"#, r#"{"a":"q?token=REDACTED&b=1\n"}"#),
        (r#"{"a":"https://u:p@h/"}"#, r#"{"a":"https://REDACTED"}"#),
        (r#"{"a":"{\"password\":\"x\"}"}"#, r#"{"a":"{\"password\":\"REDACTED\"}"}"#),
        (
            r#"{"a":"{\"b\":\"{\\\"pwd\\\":1}\"}"}"#,
            r#"{"a":"{\"b\":\"{\\\"pwd\\\":\\\"REDACTED\\\"}\"}"}"#,
        ),
        (r#"{"a":"[\"pw\\u0064=x\" oops"}"#, r#"{"a":"REDACTED"}"#),
        (r#"{"token=x":1}"#, r#"{"token=REDACTED":"REDACTED"}"#),
        ("\u{feff}{}", "{}"),
    ] {
        assert_eq!(whole(JSON, body), (kept.to_owned(), None), "{body}");
    }
}

#[test]
fn what_is_not_json_is_not_kept() {
    for (body, kept) in [
        ("{'a':1}", "{"),
        (r#"{"a":1"#, r#"{"a":1"#),
        (r#"{"a":1}}"#, r#"{"a":1}"#),
        (r#"{"a":1} {"b":2}"#, r#"{"a":1} "#),
        (r#"{"a":1]"#, r#"{"a":1"#),
        (r#"{"a" 1}"#, "{"),
        (r#"{"a":1,}"#, r#"{"a":1,"#),
        (r#"["a" "b"]"#, "["),
        (r#"{"a":"x"#, r#"{"a":"#),
        (r#"{"password":x}"#, r#"{"password":"#),
        ("[1-2]", "["),
        ("[-]", "["),
        ("[NaN]", "["),
        ("[\"a\nb\"]", "["),
        (r#"["\x"]"#, "["),
        ("// {}", ""),
        ("{\0\"\0", "{"),
    ] {
        assert_eq!(whole(JSON, body), (kept.to_owned(), UNREADABLE), "{body}");
    }
    let deep = "[".repeat(1000);
    assert_eq!(whole(JSON, &deep), ("[".repeat(128), UNREADABLE));
    let latin = hide(b"{\"a\":\"\xe9\"}", true, &of(JSON), 99);
    assert_eq!(latin, super::nothing(Withheld::Unreadable));
}

#[test]
fn a_cut_ends_what_is_kept() {
    for (body, kept) in [
        (r#"{"a":"xy"#, r#"{"a":"xy"#),
        (r#"{"a":"xy\"#, r#"{"a":"xy"#),
        (r#"{"a":"xy\u00"#, r#"{"a":"xy"#),
        (r#"{"a":"xy\ud83d\u"#, r#"{"a":"xy"#),
        (r#"{"password":"x"#, r#"{"password":"REDACTED""#),
        (r#"{"password":{"a":"#, r#"{"password":"REDACTED""#),
        (r#"{"pass"#, "{"),
        (r#"{"a":12"#, r#"{"a":"#),
        (r#"{"a":tr"#, r#"{"a":"#),
        (r#"{"a":"https://u:pass"#, r#"{"a":"https://REDACTED"#),
        (r#"{"a":"{\"password\":\"x"#, r#"{"a":"{\"password\":\"REDACTED\""#),
    ] {
        assert_eq!(cut(JSON, body), (kept.to_owned(), TRUNCATED), "{body}");
    }
    let character = hide(b"[\"a\xe2\x82", false, &of(JSON), 99);
    assert_eq!(character.kept, "[\"a");
}

#[test]
fn values_may_follow_one_another_where_the_type_says_so() {
    let lines = "{\"token\":1}\n{\"a\":2}\n";
    let kept = "{\"token\":\"REDACTED\"}\n{\"a\":2}\n".to_owned();
    assert_eq!(whole("application/x-ndjson", lines), (kept, None));
    let sequence = ("\u{1e}{\"a\":2}\n".to_owned(), None);
    assert_eq!(whole("application/json-seq", &sequence.0), sequence);
}

#[test]
fn the_cap_cuts_between_characters_and_escapes() {
    let body = "[\"a\\n\\u00e9\\ud83d\\ude00é\\\\\"]";
    let ends: Vec<usize> = (0..=body.len())
        .map(|cap| hide(body.as_bytes(), true, &of(JSON), cap).kept.len())
        .collect();
    let expected: Vec<usize> = (0..=body.len())
        .map(|cap| {
            [0, 1, 2, 3, 5, 11, 23, 25, 27, 28, 29].into_iter().rfind(|&end| end <= cap).unwrap()
        })
        .collect();
    assert_eq!(ends, expected);
    let hidden = hide(br#"{"token":"0123456789abcdef"}"#, true, &of(JSON), 12);
    assert_eq!((&hidden.kept[..], hidden.withheld), (&br#"{"token":"RE"#[..], TRUNCATED));
}

#[test]
fn keys_of_any_length_cost_no_more_than_they_are_long() {
    let long = "a".repeat(1 << 20);
    let many = r#""b":1,"#.repeat(100_000);
    let body = format!(r#"{{"{long}":{{{many}"c":2}}}}"#);
    // a second's work for a thousandth of what it would be if each looked at the whole key above it
    let (text, withheld) = whole(JSON, &body);
    assert_eq!((text.contains("hunter2"), withheld), (false, None));
    assert_eq!(text.matches("REDACTED").count(), 100_001, "no policy has such a name");
}

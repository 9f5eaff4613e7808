//! Whatever is cut, broken or compressed, no part of a secret is in what is shown.

use http::HeaderMap;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::encoded::gzip;
use super::{hide, of};
use crate::debug_dump::samples::{capture, whole};
use crate::debug_dump::{curl, har, render};

/// A secret, of which six characters are too many.
const SECRET: &str = "SECRETQZXJKW0123456789";

fn assert_hidden(body: &[u8], is_whole: bool, headers: &HeaderMap, cap: usize) {
    let hidden = hide(body, is_whole, headers, cap);
    let mut capture = capture();
    capture.request.headers.extend(headers.clone());
    capture.request.body = whole(hidden.kept);
    let response = capture.response.as_mut().unwrap();
    (response.headers, response.body) = (headers.clone(), capture.request.body.clone());
    let mut withheld = capture.clone();
    withheld.request.body.withheld = hidden.withheld;
    for shown in [
        String::from_utf8_lossy(&capture.request.body.kept).into_owned(),
        render::text(&capture),
        String::from_utf8(render::json(&capture)).unwrap(),
        har::log(std::slice::from_ref(&capture)).to_string(),
        curl::command(&capture).unwrap(),
        curl::command(&withheld).unwrap_or_default(),
    ] {
        let given = String::from_utf8_lossy(body);
        assert!(!shown.contains(&SECRET[..6]), "{shown}\n of {given}");
        assert!(!shown.contains("534543524554"), "{shown}\n of {given}");
    }
}

fn secret_key() -> impl Strategy<Value = &'static str> {
    select(vec!["password", "apiKey", "user_token", "client-secret", "Authorization"])
}

/// A member of an object that has the secret.
fn member() -> impl Strategy<Value = String> {
    let leaf = (secret_key(), 0..5).prop_map(|(key, form)| match form {
        0 => format!(r#""{key}": ["{SECRET}", 1]"#),
        1 => format!(r#""{key}":{{"a":{{"b":"{SECRET}"}}}}"#),
        2 => format!(r#""url":"https://bob:{SECRET}@example.com/?q=1""#),
        3 => format!(r#""url":"/in?a=1&{key}={SECRET}&b=2""#),
        _ => format!(r#""{key}":"{SECRET}""#),
    });
    leaf.prop_recursive(4, 16, 1, |inner| {
        (inner, 0..4, "[a-z]{1,4}").prop_map(|(member, form, key)| match form {
            0 => format!(r#""{key}":[0,{{"n":null,{member},"z":"é\n"}}]"#),
            1 => format!(r#""{key}":{}"#, serde_json::to_string(&format!("{{{member}}}")).unwrap()),
            2 => format!(r#""{key}":"x","y":{{{member}}}"#),
            _ => format!(r#""{key}":-1.5e3 , {member}, "x{key}":true"#),
        })
    })
}

fn broken(body: &str, at: Index, piece: &str, forbidden: &[&str]) -> Option<String> {
    let at = at.index(body.len() + 1);
    // a key whose letters are changed is another key
    let is_in_key = forbidden.iter().any(|key| {
        body.match_indices(key).any(|(start, _)| (start..=start + key.len()).contains(&at))
    });
    (!is_in_key && body.is_char_boundary(at))
        .then(|| format!("{}{piece}{}", &body[..at], &body[at..]))
}

const KEYS: [&str; 6] =
    ["password", "apiKey", "user_token", "client-secret", "Authorization", "https://bob"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn json(member in member(), at: Index, cap in 0..400usize, is_whole: bool) {
        let body = format!("{{{member}}}");
        let cut = &body.as_bytes()[..at.index(body.len() + 1)];
        for kind in [super::JSON, "text/plain", "application/x-ndjson"] {
            assert_hidden(body.as_bytes(), is_whole, &of(kind), cap);
            assert_hidden(cut, false, &of(kind), cap);
        }
        assert_hidden(cut, true, &of(super::JSON), usize::MAX);
        let zipped = gzip(body.as_bytes());
        let headers = super::encoded::of("gzip");
        assert_hidden(&zipped, true, &headers, cap);
        assert_hidden(&zipped[..at.index(zipped.len())], false, &headers, cap);
    }

    #[test]
    fn malformed_json(
        member in member(),
        at: Index,
        piece in select(vec!["{", "}", "[", "]", "\"", ":", ",", "\\", "'", "\0", "\n", "1", "é", "*"]),
        cut: Index,
    ) {
        let body = format!("{{{member}}}");
        if let Some(body) = broken(&body, at, piece, &KEYS) {
            assert_hidden(body.as_bytes(), true, &of(super::JSON), usize::MAX);
            let cut = &body.as_bytes()[..cut.index(body.len() + 1)];
            assert_hidden(cut, false, &of(super::JSON), usize::MAX);
        }
    }

    #[test]
    fn forms_and_texts(
        key in secret_key(),
        before in "([a-z]{1,5}=[a-z%\\+]{0,5}&){0,3}",
        after in "(&[a-z]{1,5}=[a-z]{0,5}){0,3}",
        cut: Index,
        cap in 0..200usize,
    ) {
        for body in [
            format!("{before}{key}={SECRET}{after}"),
            format!("{before}url=https://bob:{SECRET}@example.com{after}"),
            format!("{before}url=https%3A%2F%2Fbob%3A{SECRET}%40example.com{after}"),
        ] {
            let cut = &body.as_bytes()[..cut.index(body.len() + 1)];
            for kind in ["application/x-www-form-urlencoded", "text/plain"] {
                assert_hidden(body.as_bytes(), true, &of(kind), cap);
                assert_hidden(cut, false, &of(kind), cap);
            }
        }
        let text = format!("hello\r\n{key} = {SECRET}\n{key}={SECRET}\n{SECRET}");
        assert_hidden(text.as_bytes(), true, &of("text/plain"), cap);
        assert_hidden(&text.as_bytes()[..cut.index(text.len() + 1)], false, &of("text/csv"), cap);
    }

    #[test]
    fn parts(key in secret_key(), cut: Index, at: Index, piece in select(vec!["\r\n", "\"", ";", "--", "\0"])) {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: \
             form-data; name=\"{key}\"\r\n\r\n{SECRET}\r\n--b--\r\n"
        );
        let kind = of("multipart/form-data; boundary=b");
        assert_hidden(body.as_bytes(), true, &kind, usize::MAX);
        assert_hidden(&body.as_bytes()[..cut.index(body.len() + 1)], false, &kind, usize::MAX);
        let forbidden = [KEYS.as_slice(), &["name="]].concat();
        if let Some(body) = broken(&body, at, piece, &forbidden) {
            assert_hidden(body.as_bytes(), true, &kind, usize::MAX);
        }
    }

    #[test]
    fn any_bytes_are_read(body: Vec<u8>, is_whole: bool, kind in select(vec![
        super::JSON, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "a/b",
    ]), cap in 0..64usize) {
        let hidden = hide(&body, is_whole, &of(kind), cap);
        prop_assert!(hidden.kept.len() <= cap);
        prop_assert!(str::from_utf8(&hidden.kept).is_ok());
    }
}

use super::*;
use proptest::prelude::*;

fn json(text: &str) -> String {
    let mut out = Vec::new();
    json_string(&mut out, text);
    String::from_utf8(out).unwrap()
}

fn plain(input: &str) -> String {
    let mut out = String::new();
    text(&mut out, input);
    out
}

fn number(value: f64) -> String {
    let mut out = Vec::new();
    json_f64(&mut out, value);
    String::from_utf8(out).unwrap()
}

#[test]
fn json_string_copies_what_is_harmless() {
    for text in [
        "",
        "a",
        "abc",
        "abcd",
        "GET /users/42",
        "a text longer than one block of 16",
        "é ß 漢字 🦀 … – \u{a0}\u{200b}",
    ] {
        assert_eq!(json(text), format!("\"{text}\""));
    }
}

#[test]
fn json_string_escapes_what_forges() {
    assert_eq!(json("a\"b\\c"), r#""a\"b\\c""#);
    assert_eq!(json("\n\r\t\0\u{8}\u{1f}"), r#""\n\r\t\u0000\u0008\u001f""#);
    assert_eq!(json("\u{1b}[31m\u{7f}\u{9b}2J"), r#""\u001b[31m\u007f\u009b2J""#);
    assert_eq!(json("é\u{85}漢\u{2028}\u{2029}"), r#""é\u0085漢\u2028\u2029""#);
    assert_eq!(json("\u{202a}\u{202e}\u{2066}\u{2069}"), r#""\u202a\u202e\u2066\u2069""#);
}

#[test]
fn bidirectional_and_invisible_characters_are_escaped() {
    let text = "a\u{61c}\u{200e}\u{200f}\u{2067}\u{feff}\u{e0001}\u{e007f}z";
    assert_eq!(json(text), r#""a\u061c\u200e\u200f\u2067\ufeff\udb40\udc01\udb40\udc7fz""#);
    assert_eq!(plain(text), r"a\u{61c}\u{200e}\u{200f}\u{2067}\u{feff}\u{e0001}\u{e007f}z");
    assert_eq!(bounded("\u{61c}b".as_bytes(), 8), r"\u{61c}b");
    let harmless = "\u{61b}\u{61d}\u{200d}\u{2010}\u{fefe}\u{ff00}\u{dffff}\u{e0080}";
    assert_eq!(plain(harmless), harmless);
    assert_eq!(json(harmless), format!("\"{harmless}\""));
}

#[test]
fn every_position_of_every_length_is_looked_at() {
    for length in 1..70 {
        for at in 0..length {
            let mut text = vec![b'x'; length];
            text[at] = b'\n';
            let text = String::from_utf8(text).unwrap();
            assert_eq!(json(&text), format!("\"{}\"", text.replace('\n', "\\n")));
            assert_eq!(plain(&text), text.replace('\n', "\\n"));
        }
    }
}

#[test]
fn json_bytes_replaces_what_is_not_utf8() {
    let bytes = |input: &[u8]| {
        let mut out = Vec::new();
        json_bytes(&mut out, input);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(bytes(b"plain"), "\"plain\"");
    assert_eq!(bytes(b"a\xffb\xe2\x82\n\xc3\xa9"), "\"a\u{fffd}b\u{fffd}\\né\"");
    assert_eq!(bytes(b"\xc2"), "\"\u{fffd}\"");
    // a C1 control as a raw byte, and as UTF-8
    assert_eq!(bytes(b"\x9b\xc2\x9b"), "\"\u{fffd}\\u009b\"");
}

#[test]
fn text_escapes_as_rust_does() {
    assert_eq!(plain("GET /users"), "GET /users");
    assert_eq!(plain("a\nb\r\t\\\""), r#"a\nb\r\t\\\""#);
    assert_eq!(plain("\u{1b}[0m\u{9b}\u{202e}é"), r"\u{1b}[0m\u{9b}\u{202e}é");
}

#[test]
fn numbers() {
    assert_eq!(number(0.0), "0.0");
    assert_eq!(number(-1.25), "-1.25");
    assert_eq!(number(1e300), "1e300");
    assert_eq!(number(1.5e-9), "1.5e-9");
    assert_eq!(number(f64::NAN), "null");
    assert_eq!(number(f64::INFINITY), "null");
    assert_eq!(number(f64::NEG_INFINITY), "null");
}

#[test]
fn bounded_cuts_between_characters() {
    assert_eq!(bounded(b"", 4), "");
    assert_eq!(bounded(b"abcd", 4), "abcd");
    assert_eq!(bounded(b"abcde", 4), "abc…");
    assert_eq!(bounded("éééé".as_bytes(), 3), "éé…");
    assert_eq!(bounded(b"ab\x1b", 8), r"ab\u{1b}");
    assert_eq!(bounded(b"ab\x1b", 7), "ab…");
    assert_eq!(bounded(b"\n\n", 3), r"\n…");
    assert_eq!(bounded(b"\n", 1), "…");
    assert_eq!(bounded(b"\xff\xfe", 2), "\u{fffd}\u{fffd}");
    assert_eq!(bounded(b"abc", 1), "…");
    assert_eq!(bounded(b"abc", 0), "");
}

/// Any text, rich in what needs an escape.
fn nasty() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => any::<char>(),
        4 => proptest::char::range('\0', '\u{ff}'),
        2 => proptest::char::range('\u{2000}', '\u{2070}'),
        1 => proptest::char::range('\u{610}', '\u{620}'),
        1 => proptest::char::range('\u{fef8}', '\u{ff08}'),
        1 => proptest::char::range('\u{dfff8}', '\u{e0088}'),
    ];
    proptest::collection::vec(character, 0..80)
        .prop_map(|characters| characters.into_iter().collect())
}

/// The definition of an unforgeable text, written apart from the code under test.
fn is_one_line(text: &str) -> bool {
    !text.chars().any(|character| {
        let code = u32::from(character);
        code < 0x20
            || (0x7f..0xa0).contains(&code)
            || (0x2028..=0x202e).contains(&code)
            || (0x2066..=0x2069).contains(&code)
            || [0x61c, 0x200e, 0x200f, 0xfeff].contains(&code)
            || (0xe0000..=0xe007f).contains(&code)
    })
}

proptest! {
    #[test]
    fn json_reads_back(text in nasty()) {
        let out = json(&text);
        prop_assert!(is_one_line(&out));
        prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }

    #[test]
    fn json_of_bytes_reads_back_lossily(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut out = Vec::new();
        json_bytes(&mut out, &bytes);
        let out = String::from_utf8(out).unwrap();
        prop_assert!(is_one_line(&out));
        prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn text_is_one_line_and_its_quotes_are_escaped(text in nasty()) {
        let out = plain(&text);
        prop_assert!(is_one_line(&out));
        let unescaped = out.replace("\\\\", "").replace("\\\"", "");
        prop_assert!(!unescaped.contains('"'));
    }

    #[test]
    fn bounded_is_bounded(text in nasty(), max in 0..60_usize) {
        let whole = plain(&text);
        let out = bounded(text.as_bytes(), max);
        prop_assert!(out.chars().count() <= max);
        prop_assert!(is_one_line(&out));
        if whole.chars().count() <= max {
            prop_assert_eq!(out, whole);
        } else {
            let kept = out.strip_suffix('…').unwrap_or_default();
            prop_assert!(whole.starts_with(kept));
            prop_assert_eq!(out.is_empty(), max == 0);
        }
    }

    #[test]
    fn numbers_read_back(value in any::<f64>()) {
        let json = number(value);
        prop_assert!(serde_json::from_str::<Option<f64>>(&json).is_ok());
        prop_assert_eq!(json.parse().ok(), value.is_finite().then_some(value));
    }
}

fn in_html(input: &str) -> String {
    let mut out = String::new();
    html(&mut out, input);
    out
}

#[test]
fn html_is_text_and_controls_show() {
    assert_eq!(in_html("a \u{e9}\n\t\\ 漢"), "a \u{e9}\n\t\\ 漢");
    assert_eq!(
        in_html("<a b=\"c\" d='e'>&amp;"),
        "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;"
    );
    assert_eq!(in_html("\0\r\u{1b}\u{9b}\u{202e}"), r"\u{0}\r\u{1b}\u{9b}\u{202e}");
}

proptest! {
    #[test]
    fn html_is_read_back_by_a_parser_as_text_and_as_an_attribute(input: String) {
        use scraper::Html;
        let escaped = in_html(&input);
        let expected: String = input
            .chars()
            .map(|it| match it {
                '\n' | '\t' | '"' | '\\' => it.to_string(),
                other => plain(&other.to_string()),
            })
            .collect();
        for quote in ['"', '\''] {
            let parsed = Html::parse_fragment(&format!("<b title={quote}{escaped}{quote}>{escaped}</b>"));
            let root = parsed.root_element();
            let elements: Vec<_> = root.child_elements().collect();
            prop_assert_eq!(elements.len(), 1);
            let value = elements[0].value();
            prop_assert_eq!(value.name(), "b");
            let attributes: Vec<_> = value.attrs().collect();
            prop_assert_eq!(attributes, [("title", &*expected)]);
            prop_assert_eq!(elements[0].text().collect::<String>(), &*expected);
            prop_assert_eq!(elements[0].child_elements().count(), 0);
        }
    }
}

use opentelemetry::KeyValue;
use opentelemetry::baggage::{Baggage, BaggageExt, KeyValueMetadata};

use super::*;

/// Key, value and properties of each entry, ordered by key.
fn entries(context: &Context) -> Vec<(String, String, String)> {
    let entry = |(key, (value, metadata)): (&opentelemetry::Key, &(_, _))| {
        let value: &opentelemetry::StringValue = value;
        let metadata: &opentelemetry::baggage::BaggageMetadata = metadata;
        (key.to_string(), value.to_string(), metadata.to_string())
    };
    let mut entries: Vec<_> = context.baggage().iter().map(entry).collect();
    entries.sort_unstable();
    entries
}

fn read(values: &[&str]) -> Vec<(String, String, String)> {
    let lines: Vec<_> = values.iter().map(|value| ("baggage", *value)).collect();
    entries(&extract(&lines))
}

fn sent(baggage: impl Into<Baggage>) -> Option<String> {
    only(&inject(&Context::new().with_baggage(baggage)), "baggage").map(String::from)
}

#[test]
fn entries_are_read_as_the_format_says() {
    for (what, values, expected) in [
        ("one", &["k=v"][..], &[("k", "v", "")][..]),
        ("two", &["k=v,l=w"], &[("k", "v", ""), ("l", "w", "")]),
        ("two headers", &["k=v", "l=w"], &[("k", "v", ""), ("l", "w", "")]),
        (
            "whitespace",
            &[" \tk \t = \t v \t , \t l \t = \t w \t "],
            &[("k", "v", ""), ("l", "w", "")],
        ),
        ("an empty value", &["k="], &[("k", "", "")]),
        ("an equals sign", &["k=v=w="], &[("k", "v=w=", "")]),
        ("encoded", &["k=DF%2028%2c%C3%A9%25"], &[("k", "DF 28,é%", "")]),
        ("plus is plus", &["k=a+b"], &[("k", "a+b", "")]),
        ("not UTF-8", &["k=a%FF%c3b"], &[("k", "a\u{fffd}\u{fffd}b", "")]),
        ("a property", &["k=v;p"], &[("k", "v", "p")]),
        ("properties", &["k=v ; p \t;\tq = r;s=%20"], &[("k", "v", "p;q = r;s=%20")]),
        ("an empty property", &["k=v;;p;"], &[("k", "v", "p")]),
        ("any token", &["!#$%&'*+-.^_`|~aZ9=1"], &[("!#$%&'*+-.^_`|~aZ9", "1", "")]),
        ("a key twice", &["k=1;p", "k=2"], &[("k", "2", "")]),
    ] {
        let expected: Vec<_> = expected
            .iter()
            .map(|(key, value, metadata)| {
                (key.to_string(), value.to_string(), metadata.to_string())
            })
            .collect();
        assert_eq!(read(values), expected, "{what}");
    }
}

#[test]
fn an_entry_that_is_not_valid_costs_no_other() {
    let others = [("a", "1", ""), ("z", "2", "")]
        .map(|(key, value, metadata)| (key.to_owned(), value.to_owned(), metadata.to_owned()));
    for malformed in [
        "",
        " \t",
        "k",
        "=v",
        "k k=v",
        "k\"=v",
        "k(=v",
        "k@=v",
        "k=v w",
        "k=\"v\"",
        "k=v\\",
        "k=%",
        "k=%2",
        "k=%zz",
        "k=%+1",
        "k=a%2gb",
        "k=v;p q",
        "k=v;=r",
        "k=v;p=\"r\"",
        "k;p=v",
        "k=v\tw",
    ] {
        assert_eq!(read(&[&format!("a=1,{malformed},z=2")]), others, "{malformed}");
        assert_eq!(read(&["a=1", malformed, "z=2"]), others, "{malformed}");
    }
    let mut lines = headers(&[("baggage", "a=1")]);
    lines.append("baggage", "k=é".parse().unwrap());
    lines.append("baggage", "z=2".parse().unwrap());
    assert_eq!(entries(&W3cPropagator::new().extract_headers(&Context::new(), &lines)), others);
}

#[test]
fn baggage_that_comes_stands_for_the_parents() {
    let parent = Context::new().with_baggage([KeyValue::new("own", "1")]);
    let with = |value| {
        let context =
            W3cPropagator::new().extract_headers(&parent, &headers(&[("baggage", value)]));
        entries(&context).into_iter().map(|(key, _, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(with("other=2"), ["other"]);
    assert_eq!(with(""), ["own"]);
    assert_eq!(with("malformed"), ["own"]);
}

#[test]
fn sixty_four_entries_are_read_and_sent() {
    let all: Vec<_> = (0..70).map(|n| format!("k{n:02}=v")).collect();
    let expected = all[..64].join(",");
    assert_eq!(read(&[&all.join(",")]).len(), 64);
    let context = extract(&[("baggage", &all.join(","))]);
    assert_eq!(only(&inject(&context), "baggage"), Some(expected.as_str()));
    // one that comes again takes no place of its own
    let again = format!("{},k00=w,k63=w,k64=w", all[..64].join(","));
    let read = read(&[&again]);
    assert_eq!(read.len(), 64);
    assert_eq!(read.iter().filter(|(_, value, _)| value == "w").count(), 2);
}

#[test]
fn entries_beyond_8192_bytes_are_dropped_whole() {
    let value = "v".repeat(4000);
    let keys = |values: &[&str]| read(values).into_iter().map(|it| it.0).collect::<Vec<_>>();
    // 4002, a comma, and 4189: just all of it
    let last = "v".repeat(4187);
    let just = format!("a={value},b={last}");
    assert_eq!(just.len(), 8192);
    assert_eq!(keys(&[&just]), ["a", "b"]);
    assert_eq!(keys(&[&format!("{just}v")]), ["a"]);
    // a smaller one after it still fits
    assert_eq!(keys(&[&format!("a={value}"), &format!("b={last}v"), "c=1"]), ["a", "c"]);
    assert_eq!(keys(&[&format!("a={}", "v".repeat(8191))]), [""; 0]);

    // and so it is on the way out, where encoding makes entries longer
    let spaces = " ".repeat(2000);
    let baggage =
        [KeyValue::new("a", spaces.clone()), KeyValue::new("b", spaces), KeyValue::new("c", "1")];
    assert_eq!(sent(baggage), Some(format!("a={},c=1", "%20".repeat(2000))));
}

#[test]
fn what_is_sent_is_encoded() {
    for (what, value, metadata, expected) in [
        ("plain", "v", "", "k=v"),
        ("empty", "", "", "k="),
        ("reserved", "a b,c;d\"e\\f%g=h", "", "k=a%20b%2Cc%3Bd%22e%5Cf%25g%3Dh"),
        ("controls", "\r\n\t\0\u{7f}", "", "k=%0D%0A%09%00%7F"),
        ("not ASCII", "é😊", "", "k=%C3%A9%F0%9F%98%8A"),
        ("all others", "!#$&'()*+-./:<>?@[]^_`{|}~aZ9", "", "k=!#$&'()*+-./:<>?@[]^_`{|}~aZ9"),
        ("properties", "v", "p; q=1", "k=v;p;q=1"),
        ("properties that are not valid", "v", "p;q r;s=\"t\";u\r\nx: y,w=1;z=%zz", "k=v;p;z=%zz"),
    ] {
        let entry = KeyValueMetadata::new("k", value.to_owned(), metadata);
        assert_eq!(sent([entry]).as_deref(), Some(expected), "{what}");
    }
    assert_eq!(sent(Baggage::new()), None);
    assert_eq!(inject(&Context::new()), HeaderMap::new());
}

use super::{by_forwarded, ip};
use crate::caller::ForwardedScheme;
use crate::caller::ForwardedScheme::{Http, Https};

#[test]
fn forwarded_is_walked_from_the_right() {
    let cases: &[(&[&str], &str, Option<ForwardedScheme>)] = &[
        (&[], "10.0.0.1", None),
        (&["for=192.0.2.1"], "192.0.2.1", None),
        (&["For=192.0.2.1;PROTO=HTTPS;by=10.0.0.1"], "192.0.2.1", Some(Https)),
        (&["proto=http; FOR=\"192.0.2.1:4711\" ;; host=\"a:1\";"], "192.0.2.1", Some(Http)),
        (&["for=192.0.2.1:4711;host=a.example:1"], "192.0.2.1", None),
        (&["for=\"192.0.2.1:_port\""], "192.0.2.1", None),
        (&["for=\"[2001:db8::1]:4711\""], "2001:db8::1", None),
        (&["for=\"[2001:db8::1]\";proto=\"https\""], "2001:db8::1", Some(Https)),
        (&["for=[2001:db8::1]"], "2001:db8::1", None),
        (&["for=192.0.2.66, for=192.0.2.1,for=10.0.0.2"], "192.0.2.1", None),
        (&["for=10.0.0.3", "for=10.0.0.2"], "10.0.0.3", None),
        (&["for=192.0.2.66", "for=192.0.2.1, for=10.0.0.3", "for=10.0.0.2"], "192.0.2.1", None),
        (&["for=192.0.2.1;proto=https, for=10.0.0.2;proto=http"], "192.0.2.1", Some(Https)),
        (&["for=192.0.2.1, for=10.0.0.2;proto=http"], "192.0.2.1", None),
        (&["for=192.0.2.66;proto=https, for=192.0.2.1;proto=http"], "192.0.2.1", Some(Http)),
        (&["for=192.0.2.1;proto=ftp"], "192.0.2.1", None),
        (&["for=192.0.2.1;proto=\" https\""], "192.0.2.1", None),
        // Without an address the scheme is still the trusted proxy's word.
        (&["for=192.0.2.66;proto=http, proto=https"], "10.0.0.1", Some(Https)),
        (&["for=_hidden;proto=https, for=10.0.0.2;proto=http"], "10.0.0.2", Some(Https)),
        (&["for=192.0.2.66;proto=https, for=_hidden;proto=http"], "10.0.0.1", Some(Http)),
    ];
    for (lines, client, scheme) in cases {
        assert_eq!(by_forwarded(lines), (ip(client), *scheme), "{lines:?}");
    }
}

#[test]
fn quotes_hide_commas_and_semicolons_and_nothing_else() {
    let quoted = [r#""a,b;c""#, r#""a\",for=192.0.2.66""#, r#""\\""#, r#""\\\",\"""#, r#""""#];
    for host in quoted {
        let line = format!("for=192.0.2.66, for=192.0.2.1;host={host}, host={host};for=10.0.0.2");
        assert_eq!(by_forwarded(&[&line]).0, ip("192.0.2.1"), "{line}");
    }
    // A quote that the client leaves open cannot swallow what the proxy appended.
    for spoof in ["for=\"", "for=\"x\\", "\"", "\\", "for=\"192.0.2.66\", \"\\\""] {
        let line = format!("{spoof}, for=192.0.2.1;host=\"a,\\\"b\"");
        assert_eq!(by_forwarded(&[&line]).0, ip("192.0.2.1"), "{line}");
        assert_eq!(by_forwarded(&[spoof, "for=192.0.2.1"]).0, ip("192.0.2.1"), "{spoof}");
    }
}

#[test]
fn a_forwarded_element_without_an_address_stops_the_walk() {
    let malformed = [
        "",
        ";",
        "for",
        "for=",
        "=192.0.2.1",
        "for =192.0.2.1",
        "for= 192.0.2.1",
        "192.0.2.1",
        "for=unknown",
        "for=_hidden",
        "for=\"_hidden:80\"",
        "for=\"unknown:80\"",
        "by=192.0.2.1",
        "for=\"\"",
        "for=\" 192.0.2.1\"",
        "for=\"192.0.2.1",
        "for=192.0.2.1\"",
        "for=\"192.0.2.1\\\"",
        "for=\"192\\.0.2.1\"",
        "for=\"192.0.2.1\"x",
        "for=192.0.2.1 proto=https",
        "for=2001:db8::1",
        "for=\"2001:db8::1\"",
        "for=\"[192.0.2.1]\"",
        "for=\"192.0.2.1:_\"",
        "for=\"192.0.2.1:_a b\"",
        "for=192.0.2.1;for=192.0.2.2",
        "for=192.0.2.1;FOR=192.0.2.1",
        "for=192.0.2.1;broken",
        "for=192.0.2.1;proto=http;proto=https",
        "for=192.0.2.1;host=a\\b",
        "for=192.0.2.1;h\"o=a",
        "f\u{f6}r=192.0.2.1",
        "for=1é",
    ];
    for element in malformed {
        let line = format!("{element}, for=10.0.0.3, for=10.0.0.2");
        assert_eq!(by_forwarded(&[&line]), (ip("10.0.0.3"), None), "{line}");
        let lines = ["for=192.0.2.66;proto=https", element];
        assert_eq!(by_forwarded(&lines), (ip("10.0.0.1"), None), "{line}");
    }
    // The scheme before a malformed element stands, as the address does.
    for element in ["broken", "", ";", "=x;proto=https", "host=;proto=https"] {
        let line = format!("for=192.0.2.66;proto=https, {element}, for=10.0.0.2;proto=http");
        assert_eq!(by_forwarded(&[&line]), (ip("10.0.0.2"), Some(Http)));
    }
}

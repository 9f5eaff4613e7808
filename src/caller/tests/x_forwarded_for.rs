use super::{by_x, headers, ip, proxies};
use crate::caller::ForwardedScheme;
use crate::caller::ForwardedScheme::{Http, Https};

#[test]
fn x_forwarded_for_is_walked_from_the_right() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "10.0.0.1"),
        (&["192.0.2.1"], "192.0.2.1"),
        (&["192.0.2.66, 192.0.2.1"], "192.0.2.1"),
        (&["192.0.2.66,192.0.2.1,10.0.0.3 ,\t10.0.0.2"], "192.0.2.1"),
        (&["10.0.0.4, 10.0.0.3, ::ffff:10.0.0.2"], "10.0.0.4"),
        (&["192.0.2.66", "192.0.2.1, 10.0.0.3", "10.0.0.2"], "192.0.2.1"),
        (&["10.0.0.4", "10.0.0.3"], "10.0.0.4"),
        (&["192.0.2.1:4711"], "192.0.2.1"),
        (&["2001:db8::1"], "2001:db8::1"),
        (&["2001:db8::1:4711"], "2001:db8::1:4711"),
        (&["[2001:db8::1]"], "2001:db8::1"),
        (&["[2001:db8::1]:4711, 2001:db8:a::2"], "2001:db8::1"),
        (&["::ffff:192.0.2.1"], "::ffff:192.0.2.1"),
    ];
    for (lines, client) in cases {
        assert_eq!(by_x(lines), ip(client), "{lines:?}");
    }
}

#[test]
fn whatever_is_not_an_address_stops_the_walk() {
    let malformed = [
        "",
        " ",
        "unknown",
        "_hidden",
        "unix:",
        "localhost",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1:",
        "192.0.2.1:port",
        "192.0.2.1:+80",
        "192.0.2.1:65536",
        "192.0.2.1:000080",
        "192.0.2.1:80:80",
        "192.0.2.1 192.0.2.2",
        "[192.0.2.1]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]4711",
        "[2001:db8::1]:",
        "[]",
        "[",
        ":80",
        "fe80::1%eth0",
        "\"192.0.2.1\"",
        "for=192.0.2.1",
        "192.0.2.1;",
        "1é",
        "192.0.2.1/32",
        "0x7f.1",
        "3221225985",
    ];
    for element in malformed {
        let line = format!("192.0.2.66, {element}");
        assert_eq!(by_x(&[&line]), ip("10.0.0.1"), "{line}");
        let line = format!("{line}, 10.0.0.3, 10.0.0.2");
        assert_eq!(by_x(&[&line]), ip("10.0.0.3"), "{line}");
        assert_eq!(by_x(&["192.0.2.66", element, "10.0.0.2"]), ip("10.0.0.2"), "{line}");
    }
    assert_eq!(by_x(&["192.0.2.1,"]), ip("10.0.0.1"));
}

#[test]
fn the_scheme_is_what_the_peer_wrote() {
    let cases: &[(&[&str], Option<ForwardedScheme>)] = &[
        (&[], None),
        (&["https"], Some(Https)),
        (&[" HTTP "], Some(Http)),
        (&["https, http"], Some(Http)),
        (&["http", "https"], Some(Https)),
        (&["https,"], None),
        (&["https, wss"], None),
        (&["\"https\""], None),
        (&["https", ""], None),
    ];
    for (lines, scheme) in cases {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-proto", *line)).collect();
        let found = proxies().forwarded_proto(Some(ip("10.0.0.1")), &headers(&lines));
        assert_eq!(found, *scheme, "{lines:?}");
    }
    assert_eq!([Http.as_str(), Https.as_str()], ["http", "https"]);
}

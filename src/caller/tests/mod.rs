mod forwarded;
mod network;
mod properties;
mod x_forwarded_for;

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::ForwardedBy::{Forwarded, XForwardedFor};
use super::ForwardedScheme::{Http, Https};
use super::{ForwardedScheme, TrustedProxies};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn proxies() -> TrustedProxies {
    TrustedProxies::new(["10.0.0.0/8", "2001:db8:a::/48"]).expect("networks")
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let lines = lines.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().expect("a name");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        (name, value)
    });
    let mut headers = HeaderMap::new();
    lines.for_each(|(name, value)| {
        headers.append(name, value);
    });
    headers
}

/// The client behind the trusted peer 10.0.0.1 that `X-Forwarded-For` lines name.
fn by_x(lines: &[&str]) -> IpAddr {
    let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
    let client = proxies().client_address(Some(ip("10.0.0.1")), &headers(&lines));
    client.expect("a client")
}

/// The same for `Forwarded` lines, with the scheme.
fn by_forwarded(lines: &[&str]) -> (IpAddr, Option<ForwardedScheme>) {
    let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
    let (peer, headers) = (Some(ip("10.0.0.1")), headers(&lines));
    let proxies = proxies().read(Forwarded);
    let client = proxies.client_address(peer, &headers);
    (client.expect("a client"), proxies.forwarded_proto(peer, &headers))
}

#[test]
fn a_peer_that_is_unknown_or_not_trusted_settles_it() {
    let lines = headers(&[
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=192.0.2.2;proto=https"),
    ]);
    for proxies in [proxies(), proxies().read(Forwarded)] {
        for peer in [None, Some(ip("11.0.0.1")), Some(ip("::ffff:11.0.0.1"))] {
            assert_eq!(proxies.client_address(peer, &lines), peer);
            assert_eq!(proxies.forwarded_proto(peer, &lines), None);
        }
    }
}

#[test]
fn only_the_chosen_header_is_read() {
    let peer = Some(ip("::ffff:10.0.0.1"));
    let x_only = headers(&[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "http")]);
    let forwarded_only = headers(&[("forwarded", "for=192.0.2.2;proto=https")]);
    let mut both = x_only.clone();
    both.extend(forwarded_only.clone());
    let cases = [
        (proxies(), &x_only, "192.0.2.1", Some(Http)),
        (proxies(), &both, "192.0.2.1", Some(Http)),
        (proxies(), &forwarded_only, "::ffff:10.0.0.1", None),
        (proxies().read(XForwardedFor), &both, "192.0.2.1", Some(Http)),
        (proxies().read(Forwarded), &both, "192.0.2.2", Some(Https)),
        (proxies().read(Forwarded), &forwarded_only, "192.0.2.2", Some(Https)),
        (proxies().read(Forwarded), &x_only, "::ffff:10.0.0.1", None),
    ];
    for (proxies, lines, client, scheme) in cases {
        assert_eq!(proxies.client_address(peer, lines), Some(ip(client)), "{lines:?}");
        assert_eq!(proxies.forwarded_proto(peer, lines), scheme, "{lines:?}");
    }
}

#[test]
fn at_most_so_many_elements_are_read() {
    for (trusted, client) in [(31, "192.0.2.1"), (32, "10.0.1.32"), (40, "10.0.1.32")] {
        let hops = |prefix: &str| {
            let hops = (1..=trusted).rev().map(|hop| format!(", {prefix}10.0.1.{hop}"));
            format!("{prefix}192.0.2.1{}", hops.collect::<String>())
        };
        assert_eq!(by_x(&[&hops("")]), ip(client), "{trusted}");
        assert_eq!(by_forwarded(&[&hops("for=")]).0, ip(client), "{trusted}");
    }
    assert_eq!(TrustedProxies::MAX_ELEMENTS, 32);
}

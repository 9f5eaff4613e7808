use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::caller::{ForwardedBy, ForwardedScheme, TrustedProxies};

const NAMES: [&str; 3] = ["x-forwarded-for", "x-forwarded-proto", "forwarded"];

fn headers(lines: &[(usize, Vec<u8>)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value).expect("bytes that a header may hold");
        headers.append(HeaderName::from_static(NAMES[*name]), value);
    }
    headers
}

/// Any bytes that a header may hold, often those that matter to the grammar.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let any = any::<u8>().prop_map(|byte| match byte {
        b'\t' | b' '..=b'~' | 0x80.. => byte,
        _ => b'"',
    });
    let pieces = prop::sample::select(vec![
        "for=",
        "proto=",
        "https",
        "\"",
        "\\",
        ",",
        ";",
        " ",
        "[",
        "]",
        ":",
        "_x",
        "unknown",
        "10.0.0.1",
        "192.0.2.1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "host=\"a\\\",b\"",
        "4711",
        "%",
    ]);
    prop_oneof![vec(any, 0..80), vec(pieces, 0..40).prop_map(|pieces| pieces.concat().into_bytes()),]
}

fn lines() -> impl Strategy<Value = Vec<(usize, Vec<u8>)>> {
    vec((0..NAMES.len(), value()), 0..8)
}

fn header() -> impl Strategy<Value = ForwardedBy> {
    prop_oneof![Just(ForwardedBy::XForwardedFor), Just(ForwardedBy::Forwarded)]
}

/// 10.0.0.0/8, which the tests trust.
fn trusted() -> impl Strategy<Value = IpAddr> {
    any::<[u8; 3]>().prop_map(|[b, c, d]| Ipv4Addr::new(10, b, c, d).into())
}

fn stranger() -> impl Strategy<Value = IpAddr> {
    any::<IpAddr>().prop_filter("not trusted", |address| !proxies().trusts(*address))
}

fn proxies() -> TrustedProxies {
    TrustedProxies::new(["10.0.0.0/8"]).expect("a network")
}

/// The element in which a proxy reports `address`, with the scheme where the header has room.
fn element(header: ForwardedBy, address: IpAddr) -> String {
    match (header, address) {
        (ForwardedBy::XForwardedFor, _) => address.to_string(),
        (ForwardedBy::Forwarded, IpAddr::V4(_)) => {
            format!("for={address};host=\"a,\\\"\\\\\";proto=https")
        }
        (ForwardedBy::Forwarded, IpAddr::V6(_)) => {
            format!("host=\"\\\\\";proto=https;for=\"[{address}]:4711\"")
        }
    }
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(
        peer in trusted(), lines in lines(), header in header(),
    ) {
        let (proxies, headers) = (proxies().read(header), headers(&lines));
        prop_assert!(proxies.client_address(Some(peer), &headers).is_some());
        let _ = proxies.forwarded_proto(Some(peer), &headers);
    }

    #[test]
    fn without_trusted_proxies_the_client_is_the_peer(
        peer in any::<Option<IpAddr>>(), lines in lines(), header in header(),
    ) {
        let (proxies, headers) = (TrustedProxies::none().read(header), headers(&lines));
        prop_assert_eq!(proxies.client_address(peer, &headers), peer);
        prop_assert_eq!(proxies.forwarded_proto(peer, &headers), None);
    }

    #[test]
    fn an_untrusted_peers_headers_never_matter(
        peer in prop::option::of(stranger()), lines in lines(), header in header(),
    ) {
        let (proxies, headers) = (proxies().read(header), headers(&lines));
        prop_assert_eq!(proxies.client_address(peer, &headers), peer);
        prop_assert_eq!(proxies.forwarded_proto(peer, &headers), None);
    }

    #[test]
    fn what_the_client_sends_never_changes_what_the_proxies_report(
        peer in trusted(), spoofed in lines(), prefix in value(), one_line in any::<bool>(),
        client in stranger(), hops in vec(trusted(), 0..5), header in header(),
    ) {
        let mut right = element(header, client);
        for hop in hops {
            right = format!("{right}, {}", element(header, hop));
        }
        let name = match header {
            ForwardedBy::XForwardedFor => NAMES[0],
            ForwardedBy::Forwarded => NAMES[2],
        };
        let mut headers = headers(&spoofed);
        let mut appended = Vec::new();
        if one_line {
            appended.extend_from_slice(&prefix);
            appended.push(b',');
        }
        appended.extend_from_slice(right.as_bytes());
        headers.append(name, HeaderValue::from_bytes(&appended).expect("a value"));

        let proxies = proxies().read(header);
        prop_assert_eq!(proxies.client_address(Some(peer), &headers), Some(client));
        if header == ForwardedBy::Forwarded {
            let scheme = proxies.forwarded_proto(Some(peer), &headers);
            prop_assert_eq!(scheme.map(ForwardedScheme::as_str), Some("https"));
        }
    }

    #[test]
    fn the_header_not_chosen_never_matters(
        peer in trusted(), lines in lines(), header in header(),
    ) {
        let proxies = proxies().read(header);
        let answers = |headers: &HeaderMap| {
            let client = proxies.client_address(Some(peer), headers);
            (client, proxies.forwarded_proto(Some(peer), headers))
        };
        let all = headers(&lines);
        let mut chosen = all.clone();
        match header {
            ForwardedBy::XForwardedFor => {
                chosen.remove("forwarded");
            }
            ForwardedBy::Forwarded => {
                chosen.remove("x-forwarded-for");
                chosen.remove("x-forwarded-proto");
            }
        }
        prop_assert_eq!(answers(&all), answers(&chosen));
    }

    #[test]
    fn the_client_is_the_one_of_a_plain_reading(
        peer in trusted(), lines in vec(value(), 0..5),
    ) {
        let lines: Vec<_> = lines.into_iter().map(|line| (0, line)).collect();
        let joined = lines.iter().map(|(_, line)| line.as_slice()).collect::<Vec<_>>().join(&b',');
        let joined = String::from_utf8_lossy(&joined);
        let mut expected = peer;
        if !lines.is_empty() {
            for element in joined.rsplit(',').take(32) {
                let element = element.trim_matches([' ', '\t']);
                let address = element.parse::<IpAddr>();
                let socket = element.parse::<SocketAddr>().map(|socket| socket.ip());
                let bracketed = element.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                let bracketed = bracketed.and_then(|inside| inside.parse::<Ipv6Addr>().ok());
                match address.or(socket).ok().or(bracketed.map(IpAddr::V6)) {
                    Some(address) => expected = address,
                    None => break,
                }
                if !proxies().trusts(expected) {
                    break;
                }
            }
        }
        let client = proxies().client_address(Some(peer), &headers(&lines));
        prop_assert_eq!(client, Some(expected));
    }
}

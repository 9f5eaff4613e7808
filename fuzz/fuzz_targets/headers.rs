//! Request IDs, forwarded addresses and gRPC headers, as a stranger sends them.
#![no_main]

use std::net::IpAddr;

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tower_observability::caller::{ForwardedBy, TrustedProxies};
use tower_observability::escape;
use tower_observability::grpc;
use tower_observability::id::RequestId;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    headers: Vec<(u8, &'a [u8])>,
    peer: [u8; 4],
}

const NAMES: [&str; 5] =
    ["x-forwarded-for", "forwarded", "grpc-timeout", "grpc-status", "x-forwarded-proto"];

fuzz_target!(|input: Input<'_>| {
    let mut headers = HeaderMap::new();
    for (name, value) in input.headers.iter().take(16) {
        if let Ok(id) = RequestId::from_bytes(value) {
            assert_eq!(id.as_bytes(), *value);
        }
        let shown = escape::bounded(value, 64);
        assert!(shown.chars().count() <= 64 && !shown.chars().any(char::is_control));
        let name = HeaderName::from_static(NAMES[usize::from(*name) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let peer = Some(IpAddr::from(input.peer));
    assert_eq!(TrustedProxies::none().client_address(peer, &headers), peer);
    for by in [ForwardedBy::XForwardedFor, ForwardedBy::Forwarded] {
        let proxies = TrustedProxies::private().read(by);
        let client = proxies.client_address(peer, &headers);
        assert!(client.is_some());
        if peer.is_some_and(|peer| !proxies.trusts(peer)) {
            assert_eq!(client, peer);
        }
        let _ = proxies.forwarded_proto(peer, &headers);
    }
    let _ = (grpc::timeout(&headers), grpc::status(&headers));
});

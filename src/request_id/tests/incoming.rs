use std::net::SocketAddr;

use super::*;
use crate::caller::PeerAddress;

fn from(peer: &str, id: &[u8]) -> Request<()> {
    let mut request = request(&[("x-request-id", id)]);
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(PeerAddress(peer));
    request
}

async fn taken_over(incoming: &Incoming, request: Request<()>) -> bool {
    let seen = send(RequestIdLayer::server().incoming(incoming.clone()), request).await;
    if seen.id().as_deref() == Some("theirs") {
        assert_eq!(seen.kept(), None);
        return true;
    }
    seen.new_id();
    assert_eq!(seen.kept().as_deref(), Some("theirs"));
    false
}

#[tokio::test]
async fn always_and_never() {
    let call = || request(&[("x-request-id", b"theirs")]);
    assert!(taken_over(&Incoming::default(), call()).await);
    assert!(taken_over(&Incoming::always(), call()).await);
    assert!(!taken_over(&Incoming::never(), call()).await);
}

#[tokio::test]
async fn peers_of_the_networks_only() {
    let listed = Incoming::peers(["10.0.0.0/8", "::1"]).unwrap();
    let shared = Incoming::proxies(TrustedProxies::new(["10.0.0.0/8", "::1"]).unwrap());
    for incoming in [listed, shared] {
        assert!(taken_over(&incoming, from("10.1.2.3:4711", b"theirs")).await);
        assert!(taken_over(&incoming, from("[::ffff:10.1.2.3]:4711", b"theirs")).await);
        assert!(taken_over(&incoming, from("[::1]:4711", b"theirs")).await);
        assert!(!taken_over(&incoming, from("192.0.2.1:4711", b"theirs")).await);
        let unknown_peer =
            request(&[("x-request-id", b"theirs"), ("x-forwarded-for", b"10.0.0.1")]);
        assert!(!taken_over(&incoming, unknown_peer).await);
    }
    let nobody = Incoming::peers([""; 0]).unwrap();
    assert!(!taken_over(&nobody, from("127.0.0.1:4711", b"theirs")).await);
}

#[tokio::test]
async fn whom_the_predicate_trusts() {
    let incoming = Incoming::when(|head| head.headers.contains_key("x-internal"));
    assert!(!taken_over(&incoming, request(&[("x-request-id", b"theirs")])).await);
    let internal = request(&[("x-request-id", b"theirs"), ("x-internal", b"1")]);
    assert!(taken_over(&incoming, internal).await);
}

#[tokio::test]
async fn what_is_invalid_is_never_taken_over() {
    let incoming = Incoming::when(|_| panic!("it is not asked"));
    let layer = RequestIdLayer::server().incoming(incoming);
    let seen = send(layer, request(&[("x-request-id", b"not this")])).await;
    seen.new_id();
}

#[test]
fn a_network_that_cannot_be_names_field_and_value() {
    for bad in ["", "10.0.0.0/33", "example.com", "10.0.0.0/8, ::1"] {
        let error = Incoming::peers(["10.0.0.0/8", bad]).unwrap_err();
        assert_eq!((error.field(), error.value()), ("request_id.incoming.peers", bad));
    }
}

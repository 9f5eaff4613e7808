use super::*;

const TRACEPARENT: (&str, &[u8]) =
    ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
const AMZN: (&str, &[u8]) =
    ("x-amzn-trace-id", b"Self=1-2;Root=1-67891233-abcdef012345678912345678;Sampled=1");
const REQUEST_ID: (&str, &[u8]) = ("request-id", b"from-request-id");
const OWN: (&str, &[u8]) = ("x-request-id", b"from-x-request-id");

#[tokio::test]
async fn each_source_in_order() {
    let ids = [
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "1-67891233-abcdef012345678912345678",
        "from-request-id",
        "from-x-request-id",
    ];
    let mut headers = Vec::new();
    for (header, id) in [TRACEPARENT, AMZN, REQUEST_ID, OWN].into_iter().zip(ids) {
        headers.push(header);
        for sent in [vec![header], headers.clone()] {
            let seen = send(RequestIdLayer::server(), request(&sent)).await;
            assert_eq!(seen.id().as_deref(), Some(id));
            assert_eq!(seen.inside(), [id.as_bytes()]);
            assert_eq!(seen.echoed(), [id.as_bytes()]);
            assert_eq!(seen.kept(), None);
            if header.0 != "x-request-id" {
                assert_eq!(seen.head.headers[header.0].as_bytes(), header.1, "left as it is");
            }
        }
    }
}

#[tokio::test]
async fn what_is_invalid_in_the_first_is_replaced_and_no_later_one_is_asked() {
    let zero: &[u8] = b"00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    for (first, kept) in [
        (("x-request-id", b"a b".as_slice()), "a b"),
        (("request-id", b"a,b"), "a,b"),
        (("x-amzn-trace-id", b"Self=1-2"), "Self=1-2"),
        (("x-amzn-trace-id", b"Root=a b"), "Root=a b"),
        (("traceparent", zero), std::str::from_utf8(zero).unwrap()),
    ] {
        let later =
            if first.0 == "traceparent" { ("x-other", b"a".as_slice()) } else { TRACEPARENT };
        let seen = send(RequestIdLayer::server(), request(&[first, later])).await;
        seen.new_id();
        assert_eq!(seen.kept().as_deref(), Some(kept));
    }
}

#[tokio::test]
async fn two_of_a_source_are_refused() {
    let seen = send(RequestIdLayer::server(), request(&[REQUEST_ID, REQUEST_ID])).await;
    seen.new_id();
    assert_eq!(seen.kept().as_deref(), Some("from-request-id, from-request-id"));
}

#[tokio::test]
async fn sources_can_be_chosen() {
    let seen =
        send(RequestIdLayer::server().sources([]), request(&[TRACEPARENT, REQUEST_ID])).await;
    seen.new_id();
    assert_eq!(seen.kept(), None);
    let layer = RequestIdLayer::server().sources([Source::Traceparent, Source::RequestId]);
    let seen = send(layer, request(&[TRACEPARENT, REQUEST_ID])).await;
    assert_eq!(seen.id().as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
}

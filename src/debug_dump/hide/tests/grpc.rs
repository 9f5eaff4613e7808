use http::HeaderMap;

use super::encoded::gzip;
use super::{Hidden, Hide, Opaque};
use crate::debug_dump::samples::{descriptors, field, framed, headers};
use crate::debug_dump::tee::Way;
use crate::debug_dump::{BodyForm, DescriptorSet, Withheld};
use crate::redact::Redaction;

fn grpc() -> HeaderMap {
    headers(&[("content-type", b"application/grpc"), ("grpc-encoding", b"gzip")])
}

fn messages(body: &[u8], is_whole: bool, cap: usize, opaque: Opaque) -> Hidden {
    let redaction = Redaction::default();
    let kind = descriptors().message("/shop.v1.Store/Buy", Way::Request, &grpc()).unwrap();
    Hide { redaction: &redaction, opaque, cap }.messages(body, is_whole, &grpc(), &kind)
}

fn shown(body: &[u8], is_whole: bool) -> (String, Option<Withheld>) {
    let hidden = messages(body, is_whole, usize::MAX, Opaque::Withheld);
    assert_eq!(hidden.form, BodyForm::GrpcAsJson);
    (String::from_utf8(hidden.kept.to_vec()).unwrap(), hidden.withheld)
}

/// An entry of a map of texts.
fn entry(key: &str, value: &[u8]) -> Vec<u8> {
    [field(1, key.as_bytes()), field(2, value)].concat()
}

#[test]
fn messages_are_json_without_their_secrets() {
    let inner = [field(2, b"hunter2"), field(1, b"https://bob:hunter2@example.com/")].concat();
    let any = [field(1, b"type.googleapis.com/shop.v1.Order"), field(2, &inner)].concat();
    let at =
        [field(1, b"type.googleapis.com/google.protobuf.Timestamp"), field(2, &[8, 60])].concat();
    let body = [
        framed(false, &[field(1, b"two lamps"), field(2, b"hunter2"), field(3, &inner)].concat()),
        framed(true, &gzip(&[field(4, &inner), field(4, b"")].concat())),
        framed(
            false,
            &[
                field(5, &entry("token", b"hunter2")),
                field(5, &entry("size", b"{\"password\":\"hunter2\"}")),
                field(6, b"hunter2"),
                field(7, b"hunter2"),
                field(8, b"hunter2"),
                field(9, &field(1, &entry("password", &field(3, b"hunter2")))),
                field(10, &any),
            ]
            .concat(),
        ),
        framed(false, b""),
        framed(
            false,
            &[
                &[0x58, 7, 0x60, 1][..],
                &field(13, &1.5f64.to_le_bytes()),
                &field(14, &[8, 60]),
                &[0x78, 1],
            ]
            .concat(),
        ),
        framed(
            false,
            &[&[0x60, 9][..], &field(13, &f64::NAN.to_le_bytes()), &field(10, &at)].concat(),
        ),
        framed(false, &field(99, b"hunter2")),
    ]
    .concat();
    let url = r#""note":"https://REDACTED""#;
    let expected = [
        format!(r#"{{"note":"two lamps","password":"REDACTED","inner":{{{url},"password":"REDACTED"}}}}"#),
        format!(r#"{{"more":[{{{url},"password":"REDACTED"}},{{}}]}}"#),
        format!(
            "{}{}{}",
            r#"{"labels":{"size":"{\"password\":\"REDACTED\"}","token":"REDACTED"},"blob":"REDACTED","#,
            r#""pin":"REDACTED","handle":"REDACTED","extra":{"password":"REDACTED"},"any":"#,
            format_args!(r#"{{"@type":"type.googleapis.com/shop.v1.Order",{url},"password":"REDACTED"}}}}"#),
        ),
        "{}".to_owned(),
        r#"{"cents":"7","colour":"COLOUR_RED","weights":[1.5],"at":"1970-01-01T00:01:00Z","is_gift":true}"#
            .to_owned(),
        format!(
            "{}{}",
            r#"{"any":{"@type":"type.googleapis.com/google.protobuf.Timestamp","#,
            r#""value":"1970-01-01T00:01:00Z"},"colour":9,"weights":["NaN"]}"#,
        ),
        "{}".to_owned(),
    ];
    let text: String = expected.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(shown(&body, true), (text, None));
}

#[test]
fn it_ends_before_what_cannot_be_read() {
    let one = framed(false, &field(1, b"a"));
    let line = "{\"note\":\"a\"}\n".to_owned();
    let unknown_any = field(10, &field(1, b"type.googleapis.com/shop.v1.Unknown"));
    for bad in [
        framed(false, b"\x0a\x09a"),
        framed(false, b"\x0a\x01\xff"),
        framed(false, &unknown_any),
        framed(true, b"not gzip"),
        b"\x02\0\0\0\0".to_vec(),
        framed(false, &field(1, b"abc"))[..8].to_vec(),
        b"\0\0".to_vec(),
    ] {
        let body = [&one[..], &bad, &one].concat();
        let cut = [&one[..], &bad].concat();
        let given = format!("{bad:?}");
        assert_eq!(shown(&cut, true), (line.clone(), Some(Withheld::Unreadable)), "{given}");
        assert_eq!(shown(&body, true).1, Some(Withheld::Unreadable), "{given}");
        // who wants to see what is opaque sees it as it was
        let kept = messages(&cut, true, usize::MAX, Opaque::Kept);
        assert_eq!((&kept.kept[..], kept.form), (&cut[..], BodyForm::AsSent), "{given}");
    }
}

#[test]
fn what_is_cut_is_told() {
    let one = framed(false, &field(1, b"a"));
    let body = [&one[..], &one].concat();
    let line = "{\"note\":\"a\"}\n".to_owned();
    for end in one.len()..body.len() {
        assert_eq!(shown(&body[..end], false), (line.clone(), Some(Withheld::Truncated)), "{end}");
    }
    let hidden = messages(&body, true, 6, Opaque::Withheld);
    assert_eq!((&hidden.kept[..], hidden.withheld), (&b"{\"note"[..], Some(Withheld::Truncated)));
}

#[test]
fn bytes_are_shown_to_who_wants_what_is_opaque() {
    let hidden = messages(&framed(false, &field(6, b"\xff")), true, 99, Opaque::Kept);
    assert_eq!(hidden.kept, "{\"blob\":\"/w==\"}\n");
}

#[test]
fn messages_do_not_grow_beyond_the_bounds() {
    // each is within the bounds; all of them are not
    let zeros = gzip(&field(1, &[b'0'; 2_000]));
    let body = framed(true, &zeros).repeat(600);
    let hidden = messages(&body, true, usize::MAX, Opaque::Withheld);
    assert_eq!(hidden.withheld, Some(Withheld::Unreadable));
    let message = 2_000 + "{\"note\":\"\"}\n".len();
    assert_eq!(hidden.kept.len(), (1 << 20) / 2_003 * message);
}

#[test]
fn other_methods_and_codecs_are_not_known() {
    let descriptors = descriptors();
    let is_known = |path, kind: &str| {
        let headers = headers(&[("content-type", kind.as_bytes())]);
        descriptors.message(path, Way::Response, &headers).is_some()
    };
    assert!(is_known("/shop.v1.Store/Buy", "application/grpc+proto; a=b"));
    for (path, kind) in [
        ("/shop.v1.Store/Sell", "application/grpc"),
        ("/shop.v1.Shop/Buy", "application/grpc"),
        ("shop.v1.Store/Buy", "application/grpc"),
        ("/shop.v1.Store/Buy", "application/grpc+json"),
        ("/shop.v1.Store/Buy", "application/grpc-web"),
        ("/shop.v1.Store/Buy", "application/json"),
    ] {
        assert!(!is_known(path, kind), "{path} {kind}");
    }
}

#[test]
fn a_bad_set_is_refused() {
    let error = DescriptorSet::decode(b"\xff").unwrap_err();
    assert_eq!(error.field(), "grpc_messages");
    assert_eq!(error.allowed(), "a FileDescriptorSet with all that it imports");
    // a file that imports another one
    let file = [field(1, b"a.proto"), field(3, b"b.proto")].concat();
    assert_eq!(DescriptorSet::decode(&field(1, &file)).unwrap_err().field(), "grpc_messages");
    assert_eq!(
        format!("{:?}", descriptors()),
        r#"DescriptorSet { services: ["shop.v1.Store"], .. }"#
    );
}

#[test]
fn what_is_packed_in_itself_too_often_is_not_followed() {
    let mut any = field(1, b"/shop.v1.Order");
    for _ in 0..4_000 {
        any = [field(1, b"/google.protobuf.Any"), field(2, &any)].concat();
    }
    let body = framed(false, &field(10, &any));
    assert_eq!(shown(&body, true), (String::new(), Some(Withheld::Unreadable)));
    let mut any = [field(1, b"/shop.v1.Order"), field(2, &field(1, b"a"))].concat();
    for _ in 0..3 {
        any = [field(1, b"/google.protobuf.Any"), field(2, &any)].concat();
    }
    let (text, withheld) = shown(&framed(false, &field(10, &any)), true);
    assert_eq!((text.contains(r#""note":"a""#), withheld), (true, None));
}

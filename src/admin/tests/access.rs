//! Who may do what.

use http::{HeaderValue, Request};

use super::{READER, TOKEN, ask, bearer, request};
use crate::admin::{Access, Admin, Authorizer, BearerToken, Closed, Decision};

const ALL: [Access; 4] = [Access::Probe, Access::Scrape, Access::Read, Access::Change];

fn decide(authorizer: &impl Authorizer, sent: &[&str]) -> [Decision; 4] {
    let mut request = Request::new(());
    for value in sent {
        request.headers_mut().append("authorization", HeaderValue::from_str(value).unwrap());
    }
    let head = request.into_parts().0;
    ALL.map(|access| authorizer.decide(&head, access))
}

fn challenge(value: &'static str) -> Decision {
    Decision::Unauthorized { challenge: HeaderValue::from_static(value) }
}

fn unasked() -> Decision {
    challenge(r#"Bearer realm="admin""#)
}

fn wrong() -> Decision {
    challenge(r#"Bearer realm="admin", error="invalid_token""#)
}

fn token() -> Decision {
    Decision::AllowAs("token".to_owned())
}

#[test]
fn closed_leaves_probes_and_scrapes_open() {
    use Decision::{Allow, Forbidden};
    assert_eq!(decide(&Closed, &[]), [Allow, Allow, Forbidden, Forbidden]);
    assert_eq!(ALL.map(Access::is_open_by_default), [true, true, false, false]);
}

#[test]
fn a_token_opens_what_it_is_for() {
    use Decision::{Allow, Forbidden};
    let reader = || Decision::AllowAs("reader".to_owned());
    let of = |token: &str| format!("Bearer {token}");
    let longer = of(&format!("{TOKEN}a"));
    let longest = of(&"a".repeat(257));
    let table: &[(&[&str], [Decision; 2])] = &[
        (&[], [unasked(), unasked()]),
        (&["Basic dXNlcjpwYXNzd29yZA=="], [unasked(), unasked()]),
        (&["Bearer"], [unasked(), unasked()]),
        (&["Bearer "], [wrong(), wrong()]),
        (&[&of("another-token-than-this")], [wrong(), wrong()]),
        (&[&of(&TOKEN[..TOKEN.len() - 1])], [wrong(), wrong()]),
        (&[&longer], [wrong(), wrong()]),
        (&[&longest], [wrong(), wrong()]),
        (&[&of(TOKEN), &of(TOKEN)], [unasked(), unasked()]),
        (&[&of(TOKEN)], [token(), token()]),
        (&[&format!("bearer  {TOKEN}")], [token(), token()]),
        (&[&of(READER)], [reader(), Forbidden]),
    ];
    for (sent, [read, change]) in table {
        let expected = [Allow, Allow, read.clone(), change.clone()];
        assert_eq!(decide(&bearer(), sent), expected, "{sent:?}");
    }
}

#[test]
fn scrapes_can_be_guarded() {
    let guarded = bearer().guard_scrape();
    let expected = [Decision::Allow, unasked(), unasked(), unasked()];
    assert_eq!(decide(&guarded, &[]), expected);
    let expected = [Decision::Allow, token(), token(), token()];
    assert_eq!(decide(&guarded, &[&format!("Bearer {TOKEN}")]), expected);
}

#[test]
fn a_token_that_is_none_is_refused_and_not_told() {
    for token in [
        "",
        "short",
        "a token with spaces",
        "================",
        "a=token-in-the-middle",
        "über-geheimes-token",
    ] {
        let error = BearerToken::new(token).unwrap_err();
        assert_eq!((error.field(), error.value()), ("token", "(not shown)"), "{token:?}");
    }
    assert!(BearerToken::new(&"a".repeat(257)).is_err());
    assert!(BearerToken::new(&"a".repeat(256)).is_ok());
    assert_eq!(bearer().reader("short").unwrap_err().field(), "reader");
    assert!(!format!("{:?}", bearer()).contains(TOKEN));
}

#[tokio::test]
async fn a_closure_decides_by_the_whole_head() {
    let admin =
        Admin::builder(|head: &http::request::Parts, access| match (head.uri.query(), access) {
            (Some("ok"), Access::Read) => Decision::Allow,
            _ => Decision::Forbidden,
        })
        .build();
    assert_eq!(ask(&admin, request("GET", "/?ok", None, "")).await.status, 200);
    assert_eq!(ask(&admin, request("GET", "/", None, "")).await.status, 403);
}

//! Names that are hidden for their words: a leading `x` is ignored, and some words hide what ends
//! in them.

use http::{HeaderName, HeaderValue};
use proptest::{prelude::*, sample::select};

use super::query;
use crate::redact::{Redaction, built_in, names};

#[test]
fn headers_of_ones_own_are_hidden() {
    let redaction = Redaction::default();
    for name in [
        "x-token",
        "x-authorization",
        "x-secret",
        "x-client-secret",
        "x-password",
        "x-jwt",
        "x-access-key",
        "x-refresh-token",
        "x-id-token",
        "x-session-id",
        "x-auth",
        "x-cookie",
        "x-acme-api-key",
        "acme-authorization",
    ] {
        let value = HeaderValue::from_static("v");
        assert!(redaction.hides_header(&HeaderName::from_static(name), &value), "{name}");
    }
}

#[test]
fn keys_that_end_in_a_secret_are_hidden() {
    let redaction = Redaction::default();
    for key in [
        "user_password",
        "db_password",
        "db_passwd",
        "key_passphrase",
        "github_token",
        "githubToken",
        "githubTOKEN",
        "GITHUB_TOKEN",
        "userJWT",
        "user__token_",
        "_github-token",
        "stripeApiKey",
        "stripeAPIKey",
        "stripe_apikey",
        "stripe-api-key",
        "tls_private_key",
        "s3_access_key",
        "s3Secret",
        "db credentials",
        "db+credential",
        "webhook_signature",
        "upstream_authorization",
        "user_pass_word",
        "a[github_token]",
        "a.github_token.b",
        "github%5Ftoken",
        "city_é_token",
        "caféToken",
        "ｇｉｔｈｕｂ＿ｔｏｋｅｎ",
        "xToken",
        "X_Code",
        "auth",
        "pass",
        "session",
        "sid",
        "jwt",
    ] {
        assert!(redaction.hides_key(key), "{key}");
    }
    assert_eq!(query("user_password=1&userToken=2"), "user_password=REDACTED&userToken=REDACTED");
    assert_eq!(query("q=1&x%5Ftoken=2"), "q=1&x%5Ftoken=REDACTED");
}

#[test]
fn a_part_of_a_word_and_any_word_but_the_last_hide_nothing() {
    let redaction = Redaction::default();
    for key in [
        "csrftokenizer",
        "csrfTokenizer",
        "mytoken",
        "token_count",
        "tokenCount",
        "password_changed_at",
        "country_code",
        "session_count",
        "user_session",
        "compass",
        "bypass",
        "by_pass",
        "author",
        "x",
        "x_",
        "x-page",
        "xCountry_code",
        "xx_code",
        "ax_code",
        "y_code",
        "xcode",
        "USERIDTOKEN",
        "cafétoken",
        "user[api][key]",
        "user_api[key]",
        "public_key",
        "private_keys",
        "api_key_name",
        "éxpassword",
    ] {
        assert!(!redaction.hides_key(key), "{key}");
    }
}

#[test]
fn what_is_hidden_for_its_words_can_be_shown() {
    let redaction = Redaction::default().allow_key("page_token").unwrap();
    assert_eq!(
        redaction.query("pageToken=1&page-token=2&x_page_token=3&user[page_token]=4"),
        "pageToken=1&page-token=2&x_page_token=3&user[page_token]=4"
    );
    assert_eq!(
        redaction.query("next_page_token=1&token=2"),
        "next_page_token=REDACTED&token=REDACTED"
    );
    assert_eq!(redaction.key("pageToken").unwrap().query("page_token=1"), "page_token=REDACTED");

    let redaction = Redaction::default().allow_key("token").unwrap();
    assert_eq!(
        redaction.query("token=1&x_token=2&user_token=3"),
        "token=1&x_token=2&user_token=REDACTED"
    );

    let redaction = Redaction::default().allow_header("x-api-key").unwrap();
    let hides = |name| {
        redaction.hides_header(&HeaderName::from_static(name), &HeaderValue::from_static("v"))
    };
    assert!(!hides("x-api-key"));
    assert!(hides("api-key"));
}

#[test]
fn what_is_added_is_matched_whole() {
    let redaction = Redaction::none().key("token").unwrap().key("x-id").unwrap();
    assert_eq!(
        redaction.query("token=1&x_token=2&user_token=3&x_id=4&id=5"),
        "token=REDACTED&x_token=REDACTED&user_token=3&x_id=REDACTED&id=5"
    );
}

#[test]
fn every_ending_is_a_name() {
    for ending in built_in::ENDINGS {
        assert!(built_in::NAMES.contains(ending), "{ending}");
        assert!(names::normal(ending).iter().all(u8::is_ascii_lowercase), "{ending}");
    }
}

/// Words that end in one that hides, each way that words are told apart.
fn spelling() -> impl Strategy<Value = String> {
    let words = proptest::collection::vec("[a-z]{1,6}", 1..4);
    (words, select(built_in::ENDINGS), select(vec!["-", "_", "%5F", "%252d", " ", "+", ""]))
        .prop_map(|(mut words, ending, separator)| {
            words.extend(ending.split('-').map(str::to_owned));
            if separator.is_empty() {
                for word in &mut words[1..] {
                    word[..1].make_ascii_uppercase();
                }
            }
            words.join(separator)
        })
}

proptest! {
    #[test]
    fn a_secret_never_survives(key in spelling(), upper in any::<bool>(), separator in select(vec!["&", ";", "?"])) {
        let is_apart = key.contains(|letter: char| !letter.is_ascii_alphabetic());
        let key = if upper && is_apart { key.to_ascii_uppercase() } else { key };
        for raw in [format!("a=1{separator}{key}=hunter2&b=2"), format!("user[{key}]=hunter2")] {
            prop_assert!(!query(&raw).contains("hunter2"));
        }
    }

    #[test]
    fn an_ending_within_a_word_hides_nothing(
        before in "[a-z]{2,6}", ending in select(built_in::ENDINGS), after in "[b-z]{0,6}",
    ) {
        let key = format!("{before}{}{after}", ending.replace('-', ""));
        prop_assume!(!built_in::NAMES.iter().any(|name| *names::normal(name) == *key.as_bytes()));
        prop_assert!(!Redaction::default().hides_key(&key), "{key}");
    }
}

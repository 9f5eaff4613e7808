//! Whatever a caller sends, it is one line, and no secret is in it.

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, Uri};
use proptest::prelude::*;
use serde_json::Value;
use tower_observability::access_log::{AccessLogLayer, JsonLines, Schema, stamp};
use tower_observability::exchange::annotate;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, fmt};

use crate::kit::{Answer, ManualClock, Written, exchange, with_default};

#[derive(Clone, Debug)]
struct Input {
    method: Method,
    path_and_query: PathAndQuery,
    agent: HeaderValue,
    tags: Vec<HeaderValue>,
    attributes: Vec<(String, String)>,
    message: String,
}

/// Text in which what could break a line is frequent.
fn text() -> impl Strategy<Value = String> {
    let nasty = "[\"\\\\{}:,\n\r\t\u{0}\u{1b}\u{7f}\u{85}\u{9b}\u{2028}\u{202e}\u{2066}é\u{1f600}]";
    prop::collection::vec(
        prop_oneof!["[a-z0-9 ]", nasty, any::<char>().prop_map(String::from)],
        0..24,
    )
    .prop_map(|pieces| pieces.concat())
}

fn header() -> impl Strategy<Value = HeaderValue> {
    let byte = prop_oneof![Just(b'\t'), 0x20..0x7fu8, 0x80..=0xffu8];
    let bytes = prop::collection::vec(byte, 0..40);
    let text = text().prop_filter_map("not a header's value", |text| text.parse().ok());
    prop_oneof![bytes.prop_map(|bytes| HeaderValue::from_bytes(&bytes).unwrap()), text]
}

fn input() -> impl Strategy<Value = Input> {
    let method = prop_oneof!["GET", "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}"];
    let target = (Just(String::from("/")), text(), any::<bool>(), text()).prop_filter_map(
        "not a target",
        |(slash, path, has_query, query)| {
            let legal = |text: String| {
                text.chars().filter(|c| !c.is_ascii() || c.is_ascii_graphic()).collect::<String>()
            };
            let (path, query) = (legal(path), legal(query));
            let target = if has_query { format!("{slash}{path}?{query}") } else { slash + &path };
            target.parse().ok()
        },
    );
    let attributes = prop::collection::vec((text(), text()), 0..4);
    let tags = prop::collection::vec(header(), 0..3);
    (method, target, header(), tags, attributes, text()).prop_map(
        |(method, path_and_query, agent, tags, attributes, message)| Input {
            method: method.parse().unwrap(),
            path_and_query,
            agent,
            tags,
            attributes,
            message,
        },
    )
}

fn run(layer: &AccessLogLayer, input: &Input) {
    let mut request = Request::new(());
    *request.method_mut() = input.method.clone();
    *request.uri_mut() = Uri::from(input.path_and_query.clone());
    request.headers_mut().insert("user-agent", input.agent.clone());
    for tag in &input.tags {
        request.headers_mut().append("x-tag", tag.clone());
    }
    exchange(layer, &ManualClock::new(), request, || {
        for (key, value) in &input.attributes {
            annotate(key.clone(), value.clone());
        }
        Answer::Response(Response::new(vec![]))
    });
}

/// One line of it, without a character that ends a line, drives a terminal or reorders text.
fn assert_one_line(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap();
    let control =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!line.contains(control), "{line:?}");
    line
}

fn layer() -> AccessLogLayer {
    AccessLogLayer::server().request_header("x-tag").unwrap()
}

/// The members at the top, repeated ones included.
fn members(line: &str) -> Vec<(String, Value)> {
    struct Members(Vec<(String, Value)>);
    impl<'de> serde::Deserialize<'de> for Members {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Members;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Members, A::Error> {
                    let mut all = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        all.push(member);
                    }
                    Ok(Members(all))
                }
            }
            from.deserialize_map(Visitor)
        }
    }
    serde_json::from_str::<Members>(line).unwrap().0
}

fn assert_no_key_twice(line: &str) {
    let mut keys: Vec<_> = members(line).into_iter().map(|(key, _)| key).collect();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count, "{line}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn json_lines_are_one_valid_line(input in input()) {
        for schema in [Schema::OpenTelemetry, Schema::Ecs, Schema::Gcp { project: None }] {
            let written = Written::default();
            run(&layer().json_lines(JsonLines::new(written.clone()).schema(schema.clone())), &input);
            let text = written.take();
            let line = assert_one_line(&text);
            assert_no_key_twice(line);
            let object: Value = serde_json::from_str(line).unwrap();
            if schema == Schema::OpenTelemetry {
                // nothing is lost on the way, where there is nothing to hide
                let path = object["attributes"]["url.path"].as_str().unwrap();
                let sent = input.path_and_query.path();
                prop_assert!(path == sent || path.contains("REDACTED"), "{path:?} {sent:?}");
                for (key, _) in &input.attributes {
                    prop_assert!(key.is_empty() || object["attributes"].get(key).is_some());
                }
            }
        }
    }

    #[test]
    fn events_are_one_line_in_any_format(input in input()) {
        let (json, text) = (Written::default(), Written::default());
        let (stamped_json, stamped_text) = (Written::default(), Written::default());
        let key = input.attributes.first().map(|(key, _)| key.clone()).unwrap_or_default();
        let subscriber = Registry::default()
            .with(fmt::layer().json().with_writer(json.clone()))
            .with(fmt::layer().with_ansi(false).with_writer(text.clone()))
            .with(stamp::json().with_writer(stamped_json.clone()).map_event_format({
                let key = key.clone();
                |stamp| stamp.attribute(key)
            }))
            .with(
                stamp::text()
                    .with_writer(stamped_text.clone())
                    .map_event_format(|stamp| stamp.attribute(key)),
            );
        with_default(subscriber, || run(&layer(), &input));
        for written in [json, stamped_json] {
            let text = written.take();
            let line = assert_one_line(&text);
            assert_no_key_twice(line);
            let fields = serde_json::from_str::<Value>(line).unwrap()["fields"].take();
            prop_assert_eq!(&fields["message"], "exchange ended");
            for field in ["attributes", "headers"] {
                if let Some(text) = fields[field].as_str() {
                    prop_assert!(serde_json::from_str::<Value>(text).unwrap().is_object());
                }
            }
        }
        assert_one_line(&text.take());
        assert_one_line(&stamped_text.take());
    }

    /// Whatever a program logs itself, stamped, it is one line.
    #[test]
    fn any_stamped_event_is_one_line(input in input()) {
        let (json, flat, text) = (Written::default(), Written::default(), Written::default());
        let flattened = fmt::format().json().flatten_event(true);
        let subscriber = Registry::default()
            .with(stamp::json().with_writer(json.clone()))
            .with(
                stamp::json()
                    .with_writer(flat.clone())
                    .map_event_format(|_| stamp::Stamp::json(flattened)),
            )
            .with(stamp::text().with_writer(text.clone()));
        with_default(subscriber, || {
            let quiet = layer().tracing_events(false);
            exchange(&quiet, &ManualClock::new(), Request::new(()), || {
                let id = "req-1".parse().unwrap();
                tower_observability::exchange::Facts::current().unwrap().set_request_id(id);
                let message = &input.message;
                let span = tracing::info_span!("span", value = %message, other = ?message);
                let _entered = span.enter();
                tracing::info!(value = %message, request_id = 1, "{message}");
                Answer::Response(Response::new(vec![]))
            });
        });
        for written in [json, flat] {
            let text = written.take();
            assert_no_key_twice(assert_one_line(&text));
        }
        let text = text.take();
        prop_assert!(assert_one_line(&text).ends_with(" request_id=req-1"));
    }

    #[test]
    fn seeded_secrets_are_in_no_line(
        key in prop_oneof!["token", "X-Amz-Signature", "client_secret", "pass%77ord", "sig"],
        before in "[a-z0-9=&%;/]{0,12}",
        after in "(&[a-z0-9=]{0,12})?",
        tag in "[a-z ]{0,12}",
    ) {
        const SECRET: &str = "hunter2SECRET";
        let uri = format!("https://bob:{SECRET}@example.com/in/{key}={SECRET}?{before}&{key}={SECRET}{after}");
        let Ok(uri) = uri.parse::<Uri>() else { return Ok(()) };
        let (json, text) = (Written::default(), Written::default());
        let subscriber = Registry::default()
            .with(fmt::layer().json().with_writer(json.clone()))
            .with(fmt::layer().with_ansi(false).with_writer(text.clone()));
        for schema in [Schema::OpenTelemetry, Schema::Ecs, Schema::Gcp { project: None }] {
            let lines = Written::default();
            for layer in [AccessLogLayer::server(), AccessLogLayer::client()] {
                let mut layer = layer
                    .json_lines(JsonLines::new(lines.clone()).schema(schema.clone()))
                    .log_start();
                let mut request = Request::get(uri.clone());
                for name in ["authorization", "cookie", "x-api-key", "referer", "x-tag"] {
                    layer = layer.request_header(name).unwrap();
                    let value = match name {
                        "referer" | "x-tag" => format!("{tag} https://a:{SECRET}@b/?{key}={SECRET}"),
                        _ => format!("{tag} {SECRET}"),
                    };
                    request = request.header(name, value);
                }
                let agent = format!("{tag} (https://a:{SECRET}@b/?{key}={SECRET})");
                let request = request.header("user-agent", agent).body(()).unwrap();
                exchange(&layer, &ManualClock::new(), request, || Answer::Error);
            }
            let written = lines.take();
            prop_assert_eq!(written.lines().count(), 4);
            prop_assert!(!written.contains(SECRET), "{}", written);
        }
        with_default(subscriber, || {
            let layer = AccessLogLayer::client().log_start();
            let request = Request::get(uri.clone()).header("user-agent", format!("a?{key}={SECRET}"));
            exchange(&layer, &ManualClock::new(), request.body(()).unwrap(), || Answer::Error);
        });
        for written in [json, text] {
            let written = written.take();
            prop_assert_eq!(written.lines().count(), 2);
            prop_assert!(!written.contains(SECRET), "{}", written);
        }
    }
}

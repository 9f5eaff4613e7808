use super::*;
use opentelemetry::trace::{
    Event, Link, Span as _, SpanContext, SpanId, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider,
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SimpleSpanProcessor};
use proptest::prelude::*;
use std::time::SystemTime;

fn shown(redaction: &SpanRedaction, key: &'static str, value: impl Into<Value>) -> Value {
    let mut attributes = vec![KeyValue::new(key, value)];
    redaction.attributes(&mut attributes);
    attributes.remove(0).value
}

fn default(key: &'static str, value: &'static str) -> String {
    shown(&SpanRedaction::new(), key, value).to_string()
}

/// Keys of the semantic conventions that our layers and wrappers set, or that others commonly do.
const ORDINARY: &[&str] = &[
    "http.request.method",
    "http.request.method_original",
    "http.request.resend_count",
    "http.request.body.size",
    "http.request.size",
    "http.response.status_code",
    "http.response.body.size",
    "http.response.size",
    "http.route",
    "http.connection.state",
    "http.request.header.content-type",
    "http.request.header.x-request-id",
    "http.response.header.content-length",
    "url.scheme",
    "url.path",
    "url.full",
    "url.query",
    "url.fragment",
    "url.template",
    "url.domain",
    "server.address",
    "server.port",
    "client.address",
    "client.port",
    "network.protocol.name",
    "network.protocol.version",
    "network.transport",
    "network.type",
    "network.peer.address",
    "network.peer.port",
    "network.local.address",
    "network.local.port",
    "user_agent.original",
    "user_agent.name",
    "user_agent.version",
    "user_agent.synthetic.type",
    "rpc.system",
    "rpc.system.name",
    "rpc.service",
    "rpc.method",
    "rpc.method_original",
    "rpc.response.status_code",
    "rpc.status_code",
    "rpc.grpc.status_code",
    "rpc.message.id",
    "rpc.request.metadata.x-tenant",
    "db.system.name",
    "db.namespace",
    "db.collection.name",
    "db.operation.name",
    "db.operation.batch.size",
    "db.stored_procedure.name",
    "db.query.text",
    "db.query.summary",
    "db.response.status_code",
    "db.response.returned_rows",
    "db.client.connection.pool.name",
    "messaging.system",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.destination.name",
    "messaging.destination.template",
    "messaging.destination.anonymous",
    "messaging.destination.partition.id",
    "messaging.destination.subscription.name",
    "messaging.consumer.group.name",
    "messaging.client.id",
    "messaging.message.id",
    "messaging.message.conversation_id",
    "messaging.message.body.size",
    "messaging.message.envelope.size",
    "messaging.batch.message_count",
    "messaging.kafka.message.key",
    "messaging.kafka.offset",
    "messaging.rabbitmq.destination.routing_key",
    "error.type",
    "error.message",
    "exception.type",
    "exception.message",
    "exception.stacktrace",
    "code.function.name",
    "code.file.path",
    "code.line.number",
    "code.namespace",
    "process.exit.code",
    "thread.id",
    "thread.name",
    "service.name",
    "service.instance.id",
    "enduser.id",
    "user.id",
    "feature_flag.key",
    "aws.request_id",
    "cloud.account.id",
    "k8s.pod.name",
    "peer.service",
    "tower_observability.trace.partial",
    "app.error.code",
    "gen_ai.usage.input_tokens",
    "gen_ai.token.type",
];

#[test]
fn ordinary_attributes_are_left_as_they_are() {
    let hidden: Vec<_> = ORDINARY
        .iter()
        .filter(|key| default(key, "/shelves/7 of 9") != "/shelves/7 of 9")
        .collect();
    assert_eq!(hidden, Vec::<&&str>::new());
}

#[test]
fn a_key_is_hidden_by_its_last_segment_or_by_all_its_words() {
    for key in [
        "password",
        "app.password",
        "app.user_password",
        "app.githubToken",
        "session.id",
        "db.query.parameter.secret",
        "aws.secret.access.key",
        "access.token",
        "x-api-key",
    ] {
        assert_eq!(default(key, "hunter2"), "REDACTED", "{key}");
    }
    for key in ["password.length", "token.count", "auth.method", "session.duration"] {
        assert_eq!(default(key, "hunter2"), "hunter2", "{key}");
    }
}

#[test]
fn a_long_key_is_matched_as_a_short_one_is() {
    let long = format!("{}.access.token", "namespace.".repeat(40));
    assert!(Names::new(&Redaction::default()).hide(&long));
    assert!(!Names::new(&Redaction::default()).hide(&long.replace("token", "path")));
}

#[test]
fn urls_and_queries_lose_their_secrets() {
    assert_eq!(default("url.query", "page=2&token=abc"), "page=2&token=REDACTED");
    assert_eq!(default("url.query", "code=abc"), "code=REDACTED");
    for key in ["url.full", "http.url", "app.callback"] {
        assert_eq!(
            default(key, "https://bob:pw@example.com/in?page=2&sig=abc"),
            "https://REDACTED:REDACTED@example.com/in?page=2&sig=REDACTED",
            "{key}"
        );
    }
    assert_eq!(default("http.target", "/in?token=abc"), "/in?token=REDACTED");
}

#[test]
fn headers_lose_their_secrets() {
    for key in [
        "http.request.header.authorization",
        "http.request.header.x-api-key",
        "http.response.header.set-cookie",
        "rpc.request.metadata.authorization",
        "rpc.grpc.request.metadata.x-auth-token",
    ] {
        assert_eq!(default(key, "Bearer abc"), "REDACTED", "{key}");
    }
    assert_eq!(
        default("http.request.header.referer", "https://example.com/?token=abc"),
        "https://example.com/?token=REDACTED"
    );
    assert_eq!(default("http.request.header.x-note", "no header\nhas this"), "REDACTED");
    assert_eq!(default("http.request.header.x-note", "grüße"), "grüße");
}

#[test]
fn each_text_of_a_list_is_redacted() {
    let list = |texts: &[&'static str]| {
        Value::Array(Array::String(texts.iter().map(|text| StringValue::from(*text)).collect()))
    };
    let redaction = SpanRedaction::new();
    assert_eq!(
        shown(&redaction, "http.request.header.cookie", list(&["a=1", "b=2"])),
        list(&["REDACTED", "REDACTED"])
    );
    assert_eq!(
        shown(&redaction, "app.links", list(&["/a", "http://h/?token=x"])),
        list(&["/a", "http://h/?token=REDACTED"])
    );
}

#[test]
fn a_named_key_is_hidden_whatever_its_type() {
    let redaction = SpanRedaction::new().key("user.email").unwrap().key("card").unwrap();
    assert_eq!(shown(&redaction, "user.email", "a@b.c"), Value::from("REDACTED"));
    assert_eq!(shown(&redaction, "User.Email", "a@b.c"), Value::from("REDACTED"));
    assert_eq!(shown(&redaction, "card", 4111), Value::from("REDACTED"));
    assert_eq!(shown(&redaction, "email", "a@b.c"), Value::from("a@b.c"));
    assert_eq!(shown(&redaction, "app.card", 4111), Value::from(4111));
    assert_eq!(shown(&SpanRedaction::new(), "password", 4111), Value::from(4111));
}

#[test]
fn a_policy_replaces_the_default_one() {
    let redaction = SpanRedaction::new().redaction(Redaction::none().key("tenant").unwrap());
    assert_eq!(shown(&redaction, "app.password", "x"), Value::from("x"));
    assert_eq!(shown(&redaction, "app.tenant", "x"), Value::from("REDACTED"));
    assert_eq!(
        shown(&redaction, "url.query", "token=1&tenant=2"),
        Value::from("token=1&tenant=REDACTED")
    );
}

#[test]
fn what_a_pattern_matches_is_replaced_and_nothing_is_expanded() {
    let redaction = SpanRedaction::new()
        .pattern(r"\b(\d{4}) ?\d{4} ?\d{4} ?\d{4}\b")
        .unwrap()
        .pattern(r"[\w.]+@[\w.]+")
        .unwrap();
    assert_eq!(
        shown(&redaction, "app.note", "a.b@c.de paid with 4111 1111 1111 1111, twice"),
        Value::from("REDACTED paid with REDACTED, twice")
    );
    assert_eq!(shown(&redaction, "app.note", "nothing"), Value::from("nothing"));
    assert_eq!(shown(&redaction, "url.path", "/users/a@b.c"), Value::from("/users/REDACTED"));
    let redaction = SpanRedaction::new().pattern(r"(?i)bearer \S+").unwrap();
    assert_eq!(shown(&redaction, "app.note", "BEARER abc"), Value::from("REDACTED"));
}

#[test]
fn bad_settings_are_refused_by_name() {
    let told = |refused: Result<SpanRedaction, ConfigError>| {
        let error = refused.unwrap_err();
        (error.field(), error.value().to_owned())
    };
    for (pattern, reason) in [
        ("(", " (unclosed group)"),
        ("", ""),
        ("a*", ""),
        (r"\w{1000}{1000}", " (Compiled regex exceeds size limit of 1048576 bytes.)"),
    ] {
        let refused = SpanRedaction::new().pattern(pattern);
        assert_eq!(told(refused), ("span_redaction.pattern", format!("{pattern}{reason}")));
    }
    assert_eq!(told(SpanRedaction::new().key("")), ("span_redaction.key", String::new()));
}

#[test]
fn events_links_and_the_status_are_redacted_and_the_name_is_not() {
    let exporter = InMemorySpanExporter::default();
    let redaction = SpanRedaction::new().pattern("hunter2").unwrap();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(redaction.processor(SimpleSpanProcessor::new(exporter.clone())))
        .build();
    let link = Link::new(
        SpanContext::new(
            TraceId::from(1),
            SpanId::from(1),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        vec![KeyValue::new("app.token", "abc"), KeyValue::new("app.kind", "retry")],
        0,
    );
    let tracer = provider.tracer("test");
    let mut span = tracer.span_builder("hunter2").with_links(vec![link]).start(&tracer);
    span.set_attribute(KeyValue::new("app.note", "it is hunter2"));
    span.add_event_with_timestamp(
        "exception",
        SystemTime::UNIX_EPOCH,
        vec![KeyValue::new(
            "exception.message",
            "first line\nfetching http://bob:pw@h/?token=1 failed\r\nlast line\n",
        )],
    );
    // as `tracing-opentelemetry` calls them
    for message in ["cache miss", "hunter2 asks http://bob:pw@h/?token=1"] {
        span.add_event_with_timestamp(message, SystemTime::UNIX_EPOCH, vec![]);
    }
    span.set_status(Status::error("no entry for hunter2 at https://h/?sig=1"));
    span.end();

    let span = exporter.get_finished_spans().unwrap().remove(0);
    assert_eq!(span.name, "hunter2");
    assert_eq!(span.attributes, [KeyValue::new("app.note", "it is REDACTED")]);
    assert_eq!(
        span.links.links[0].attributes,
        [KeyValue::new("app.token", "REDACTED"), KeyValue::new("app.kind", "retry")]
    );
    let message = KeyValue::new(
        "exception.message",
        "first line\nfetching http://REDACTED:REDACTED@h/?token=REDACTED\r\nlast line\n",
    );
    let event = |name, attributes| Event::new(name, SystemTime::UNIX_EPOCH, attributes, 0);
    assert_eq!(
        span.events.events,
        [
            event("exception", vec![message]),
            event("cache miss", vec![]),
            event("REDACTED asks http://REDACTED:REDACTED@h/?token=REDACTED", vec![]),
        ]
    );
    assert_eq!(span.status, Status::error("no entry for REDACTED at https://h/?sig=REDACTED"));
}

proptest! {
    #[test]
    fn no_key_and_no_text_panics_and_the_userinfo_of_a_url_never_shows(
        key in any::<String>(),
        before in "\\PC{0,20}|[ \n\r\t\u{0}]{0,3}",
        after in any::<String>(),
    ) {
        let redaction = SpanRedaction::new();
        let text = format!("{before} https://bob:hunter2@example.com/ {after}");
        let mut attributes = vec![KeyValue::new(key, text)];
        redaction.attributes(&mut attributes);
        prop_assert!(!attributes[0].value.to_string().contains("bob:hunter2@"));
    }

    #[test]
    fn redacting_twice_is_redacting_once(key in "[a-z._-]{0,20}", text in "\\PC{0,40}(://\\PC{0,40})?") {
        let redaction = SpanRedaction::new();
        let mut attributes = vec![KeyValue::new(key, text)];
        redaction.attributes(&mut attributes);
        let once = attributes.clone();
        redaction.attributes(&mut attributes);
        prop_assert_eq!(attributes, once);
    }
}

//! W3C Trace Context, levels 1 and 2, over real HTTP: what a service that was sent these headers
//! sends on, through the server layer and the client layer.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::{SpanId, SpanKind, TraceId};
use opentelemetry_sdk::trace::Sampler;
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::testing::{ScriptBody, SpanRecorder};
use tower_observability::trace::TraceLayer;
use tower_observability::trace::propagation::W3cPropagator;

use crate::support::*;

const TRACE: &str = "12345678901234567890123456789012";
const PARENT: &str = "1234567890123456";
const SAMPLED: &str = "00-12345678901234567890123456789012-1234567890123456-01";
const UNSAMPLED: &str = "00-12345678901234567890123456789012-1234567890123456-00";
const RANDOM: &str = "00-12345678901234567890123456789012-1234567890123456-02";

type Lines<'a> = &'a [(&'a str, &'a str)];

/// A service that calls another one, which keeps the headers that it is sent.
struct Chain {
    version: Http,
    spans: SpanRecorder,
    first: SocketAddr,
    received: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Chain {
    async fn new(version: Http, sampler: Sampler) -> Self {
        let spans = SpanRecorder::sampled_by(sampler);
        let received = Arc::<Mutex<Vec<HeaderMap>>>::default();
        let keeps = received.clone();
        let last = serve(
            version,
            service_fn(move |request: Request<_>| {
                keeps.lock().unwrap().push(request.headers().clone());
                async { Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end())) }
            }),
        )
        .await;

        let mut builder = Client::builder(TokioExecutor::new());
        let client = builder.http2_only(version == Http::Two).build_http::<ScriptBody>();
        let layer = |layer: TraceLayer| {
            layer.tracer_provider(spans.provider()).propagator(W3cPropagator::new())
        };
        let client = layer(TraceLayer::client()).layer(client);
        let passes_on = service_fn(move |request: Request<_>| {
            let client = client.clone();
            async move {
                let times: usize = request.uri().path().trim_matches('/').parse().unwrap();
                for _ in 0..times {
                    let mut call = get();
                    *call.uri_mut() = format!("http://{last}/").parse().unwrap();
                    text(client.clone().oneshot(call).await.unwrap().into_body()).await;
                }
                Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end()))
            }
        });
        let first = serve(version, layer(TraceLayer::server()).layer(passes_on)).await;
        Self { version, spans, first, received }
    }

    /// What the service sends on, on each of its calls.
    async fn calls(&self, lines: Lines<'_>, times: usize) -> Vec<Sent> {
        assert_eq!(self.received.lock().unwrap().len(), 0);
        let mut request = get_at(&format!("/{times}"));
        for (name, value) in lines {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let mut connection = Connection::open(self.version, self.first).await;
        let answer = bounded(connection.send(request)).await.unwrap();
        assert_eq!(answer.status(), OK);
        let received = std::mem::take(&mut *self.received.lock().unwrap());
        assert_eq!(received.len(), times);
        received.iter().map(Sent::of).collect()
    }

    async fn call(&self, lines: Lines<'_>) -> Sent {
        self.calls(lines, 1).await.remove(0)
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Sent {
    trace_id: String,
    span_id: String,
    flags: String,
    tracestate: Option<String>,
}

impl Sent {
    fn of(headers: &HeaderMap) -> Self {
        let values = |name| {
            let values = headers.get_all(name).iter();
            values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let [traceparent] = &values("traceparent")[..] else { panic!("{headers:?}") };
        let fields: Vec<_> = traceparent.split('-').collect();
        let [version, trace_id, span_id, flags] = fields[..] else { panic!("{traceparent}") };
        let lengths = [trace_id, span_id, flags].map(str::len);
        assert_eq!((version, lengths), ("00", [32, 16, 2]));
        assert_ne!(u128::from_str_radix(trace_id, 16), Ok(0));
        assert_ne!(u64::from_str_radix(span_id, 16), Ok(0));
        assert_ne!(span_id, PARENT);
        let mut states = values("tracestate");
        assert!(states.len() <= 1 && !states.contains(&String::new()), "{states:?}");
        let [trace_id, span_id, flags] = [trace_id, span_id, flags].map(String::from);
        Self { trace_id, span_id, flags, tracestate: states.pop() }
    }

    /// The flags, of a trace that goes on.
    fn continued(&self) -> Option<&str> {
        (self.trace_id == TRACE).then_some(&*self.flags)
    }
}

fn parent_based() -> Sampler {
    Sampler::ParentBased(Box::new(Sampler::AlwaysOn))
}

/// Every version of HTTP; every sampler, and whether its spans are sampled.
async fn chains() -> Vec<(Chain, Option<bool>)> {
    let mut chains = Vec::new();
    for version in BOTH {
        chains.push((Chain::new(version, parent_based()).await, None));
        chains.push((Chain::new(version, Sampler::AlwaysOn).await, Some(true)));
        chains.push((Chain::new(version, Sampler::AlwaysOff).await, Some(false)));
    }
    chains
}

#[tokio::test]
async fn a_valid_traceparent_is_continued() {
    let space_and_tab = format!("\t {SAMPLED} \t");
    let cases: &[(&str, Lines<'_>, &str)] = &[
        ("sampled", &[("traceparent", SAMPLED)], "01"),
        ("not sampled", &[("traceparent", UNSAMPLED)], "00"),
        ("level 2: a random ID", &[("traceparent", RANDOM)], "02"),
        (
            "level 2: both",
            &[("traceparent", "00-12345678901234567890123456789012-1234567890123456-03")],
            "03",
        ),
        (
            "flags that are not known",
            &[("traceparent", "00-12345678901234567890123456789012-1234567890123456-fc")],
            "00",
        ),
        (
            "a later version",
            &[("traceparent", "cc-12345678901234567890123456789012-1234567890123456-01")],
            "01",
        ),
        (
            "a later version with more fields",
            &[("traceparent", "cc-12345678901234567890123456789012-1234567890123456-01-and-more")],
            "01",
        ),
        ("whitespace around", &[("traceparent", &space_and_tab)], "01"),
    ];
    for (chain, sampled) in chains().await {
        for (what, lines, flags) in cases {
            // the sampler's word is the sampled flag; the random flag is the trace's
            let bits = u8::from_str_radix(flags, 16).unwrap();
            let bits = sampled.map_or(bits, |sampled| bits & 2 | u8::from(sampled));
            let sent = chain.call(lines).await;
            assert_eq!(sent.continued(), Some(&*format!("{bits:02x}")), "{what}");
            assert_eq!(sent.tracestate, None, "{what}");
        }
    }
}

#[tokio::test]
async fn a_traceparent_that_is_not_valid_starts_a_new_trace() {
    let cases = [
        ("none", vec![]),
        ("another name", vec![("trace-parent", SAMPLED)]),
        ("another name yet", vec![("trace.parent", SAMPLED)]),
        ("two", vec![("traceparent", RANDOM), ("traceparent", SAMPLED)]),
        ("two that are equal", vec![("traceparent", SAMPLED); 2]),
        ("empty", vec![("traceparent", "")]),
    ];
    let values = [
        ("version 00, a dot after it", "00-12345678901234567890123456789012-1234567890123456-01."),
        ("version 00, more fields", "00-12345678901234567890123456789012-1234567890123456-01-more"),
        ("later, a dot after it", "cc-12345678901234567890123456789012-1234567890123456-01.more"),
        ("version ff", "ff-12345678901234567890123456789012-1234567890123456-01"),
        ("version in upper case", "CC-12345678901234567890123456789012-1234567890123456-01"),
        ("version, dot first", ".0-12345678901234567890123456789012-1234567890123456-01"),
        ("version, dot last", "0.-12345678901234567890123456789012-1234567890123456-01"),
        ("version, 3 digits", "000-12345678901234567890123456789012-1234567890123456-01"),
        ("version, 4 digits", "0000-12345678901234567890123456789012-1234567890123456-01"),
        ("version, 1 digit", "0-12345678901234567890123456789012-1234567890123456-01"),
        ("trace ID, zeros", "00-00000000000000000000000000000000-1234567890123456-01"),
        ("trace ID, dot first", "00-.2345678901234567890123456789012-1234567890123456-01"),
        ("trace ID, dot last", "00-1234567890123456789012345678901.-1234567890123456-01"),
        ("trace ID, a sign", "00-+2345678901234567890123456789012-1234567890123456-01"),
        ("trace ID, 33 digits", "00-123456789012345678901234567890123-1234567890123456-01"),
        ("trace ID, 31 digits", "00-1234567890123456789012345678901-1234567890123456-01"),
        ("parent ID, zeros", "00-12345678901234567890123456789012-0000000000000000-01"),
        ("parent ID, dot first", "00-12345678901234567890123456789012-.234567890123456-01"),
        ("parent ID, dot last", "00-12345678901234567890123456789012-123456789012345.-01"),
        ("parent ID, 17 digits", "00-12345678901234567890123456789012-12345678901234567-01"),
        ("parent ID, 15 digits", "00-12345678901234567890123456789012-123456789012345-01"),
        ("flags, dot first", "00-12345678901234567890123456789012-1234567890123456-.0"),
        ("flags, dot last", "00-12345678901234567890123456789012-1234567890123456-0."),
        ("flags, 3 digits", "00-12345678901234567890123456789012-1234567890123456-001"),
        ("flags, 1 digit", "00-12345678901234567890123456789012-1234567890123456-1"),
    ];
    let values = values.map(|(what, value)| (what, vec![("traceparent", value)]));
    for version in BOTH {
        let chain = Chain::new(version, parent_based()).await;
        for (what, mut lines) in cases.iter().chain(&values).cloned() {
            // a tracestate is nothing without a traceparent
            lines.push(("tracestate", "foo=1,bar=2"));
            let sent = chain.call(&lines).await;
            let of_received = lines.iter().any(|(_, value)| value.contains(&*sent.trace_id));
            assert!(!of_received, "{what}");
            assert_eq!((&*sent.flags, sent.tracestate), ("01", None), "{what}");
        }
    }
}

#[tokio::test]
async fn a_tracestate_is_passed_on_whole_or_not_at_all() {
    let numbered = |numbers: std::ops::RangeInclusive<u32>| {
        numbers.map(|n| format!("bar{n:02}={n:02}")).collect::<Vec<_>>().join(",")
    };
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~').filter(|letter| !",=".contains(*letter)).collect();
    let tens = [numbered(1..=10), numbered(11..=20), numbered(21..=30)];
    let (all_letters, tenant) =
        (format!("{letters}={value}"), format!("{letters}@a-z0-9_-*/={value}"));
    let key = |length| format!("{}=1", "z".repeat(length));
    let long_tenants = [
        format!("{}@{}=1", "t".repeat(241), "v".repeat(14)),
        format!("{}@v=1", "t".repeat(242)),
        format!("t@{}=1", "v".repeat(15)),
    ];
    let with_foo = |member: &str| vec!["foo=1".to_owned(), member.to_owned()];
    let with_tens = |last: String| [&tens[..], &[last]].concat();
    let as_is = |values: &[String]| Some(values.join(","));
    let one = |value: &str| vec![value.to_owned()];
    let several = |values: &[&str]| values.iter().map(|value| value.to_string()).collect();
    let cases: Vec<(&str, Vec<String>, Option<String>)> = vec![
        ("two members", one("foo=1,bar=2"), as_is(&one("foo=1,bar=2"))),
        ("all letters of a key and a value", one(&all_letters), as_is(&one(&all_letters))),
        ("a tenant", one(&tenant), as_is(&one(&tenant))),
        ("an empty header", one(""), None),
        ("an empty one after", several(&["foo=1", ""]), as_is(&one("foo=1"))),
        ("an empty one before", several(&["", "foo=1"]), as_is(&one("foo=1"))),
        (
            "several headers",
            several(&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"]),
            as_is(&one("foo=1,bar=2,rojo=1,congo=2,baz=3")),
        ),
        ("a key twice", one("foo=1,foo=1"), as_is(&one("foo=1,foo=1"))),
        ("a key twice, two values", one("foo=1,foo=2"), as_is(&one("foo=1,foo=2"))),
        ("a key in two headers", several(&["foo=1", "foo=1"]), as_is(&one("foo=1,foo=1"))),
        ("and two values", several(&["foo=1", "foo=2"]), as_is(&one("foo=1,foo=2"))),
        ("whitespace", one("foo=1 \t , \t bar=2, \t baz=3"), as_is(&one("foo=1,bar=2,baz=3"))),
        ("tabs", one("foo=1\t \t,\t \tbar=2,\t \tbaz=3"), as_is(&one("foo=1,bar=2,baz=3"))),
        ("a space before", one(" foo=1"), as_is(&one("foo=1"))),
        ("a tab before", one("\tfoo=1"), as_is(&one("foo=1"))),
        ("a space after", one("foo=1 "), as_is(&one("foo=1"))),
        ("a tab after", one("foo=1\t"), as_is(&one("foo=1"))),
        ("around", one("\t foo=1 \t"), as_is(&one("foo=1"))),
        ("a space in a key", one("foo =1"), None),
        ("a key in upper case", one("FOO=1"), None),
        ("a dot in a key", one("foo.bar=1"), None),
        ("@ first", one("@foo=1,bar=2"), None),
        ("level 2: @ last", one("foo@=1,bar=2"), as_is(&one("foo@=1,bar=2"))),
        ("level 2: @@", one("foo@@bar=1,bar=2"), as_is(&one("foo@@bar=1,bar=2"))),
        ("level 2: @ twice", one("foo@bar@baz=1,bar=2"), as_is(&one("foo@bar@baz=1,bar=2"))),
        ("32 members", with_tens(numbered(31..=32)), Some(numbered(1..=32))),
        ("33 members", with_tens(numbered(31..=33)), None),
        ("a key of 256", with_foo(&key(256)), as_is(&with_foo(&key(256)))),
        ("a key of 257", with_foo(&key(257)), None),
        ("a tenant of 241", with_foo(&long_tenants[0]), as_is(&with_foo(&long_tenants[0]))),
        ("level 2: of 242", with_foo(&long_tenants[1]), as_is(&with_foo(&long_tenants[1]))),
        ("level 2: a system of 15", with_foo(&long_tenants[2]), as_is(&with_foo(&long_tenants[2]))),
        ("two equals signs", one("foo=bar=baz"), None),
        ("an empty value", one("foo=,bar=3"), None),
    ];
    for (chain, _) in chains().await {
        for (what, values, expected) in &cases {
            let mut lines = vec![("traceparent", UNSAMPLED)];
            lines.extend(values.iter().map(|value| ("tracestate", &**value)));
            let sent = chain.call(&lines).await;
            assert_eq!(sent.trace_id, TRACE, "{what}");
            assert_eq!(sent.tracestate, *expected, "{what}");
        }
    }
}

#[tokio::test]
async fn header_names_are_read_in_any_case_over_http_1() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let chain = Chain::new(Http::One, parent_based()).await;
    for (parent, state) in [
        ("TraceParent", "TraceState"),
        ("TrAcEpArEnT", "TrAcEsTaTe"),
        ("TRACEPARENT", "TRACESTATE"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(chain.first).await.unwrap();
        let head = format!(
            "GET /1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             {parent}: {SAMPLED}\r\n{state}: foo=1\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        bounded(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let received = std::mem::take(&mut *chain.received.lock().unwrap());
        let [headers] = &received[..] else { panic!("{received:?}") };
        let sent = Sent::of(headers);
        assert_eq!((sent.continued(), sent.tracestate.as_deref()), (Some("01"), Some("foo=1")));
    }
}

#[tokio::test]
async fn several_calls_are_of_one_trace_and_have_a_span_each() {
    let zeros = "00-00000000000000000000000000000000-1234567890123456-01";
    for (chain, _) in chains().await {
        for (parent, continued) in [(Some(SAMPLED), true), (None, false), (Some(zeros), false)] {
            let lines: Vec<_> = parent.map(|parent| ("traceparent", parent)).into_iter().collect();
            let calls = chain.calls(&lines, 3).await;
            let traces: HashSet<_> = calls.iter().map(|sent| &sent.trace_id).collect();
            let spans: HashSet<_> = calls.iter().map(|sent| &sent.span_id).collect();
            assert_eq!((traces.len(), spans.len()), (1, 3), "{parent:?}");
            assert_eq!(calls[0].trace_id == TRACE, continued, "{parent:?}");
        }
    }
}

#[tokio::test]
async fn what_is_sent_is_the_clients_span_below_the_servers() {
    for version in BOTH {
        let chain = Chain::new(version, parent_based()).await;
        assert_eq!(chain.spans.spans().len(), 0);
        let sent = chain.call(&[("traceparent", SAMPLED), ("tracestate", "foo@@bar=1")]).await;
        until(|| chain.spans.spans().len() == 2).await;
        settle().await;
        let mut spans = chain.spans.spans();
        spans.sort_by_key(|span| span.kind == SpanKind::Client);
        let [server, client] = &spans[..] else { panic!("{spans:?}") };
        let trace_id = TraceId::from_hex(TRACE).unwrap();
        assert_eq!(
            [server.kind.clone(), client.kind.clone()],
            [SpanKind::Server, SpanKind::Client]
        );
        assert_eq!([server.trace_id, client.trace_id], [trace_id; 2]);
        let parents =
            [(server.parent, server.parent_is_remote), (client.parent, client.parent_is_remote)];
        let received = SpanId::from_hex(PARENT).unwrap();
        assert_eq!(parents, [(Some(received), true), (Some(server.span_id), false)]);
        assert_eq!(sent.span_id, client.span_id.to_string());
        assert_eq!(sent.tracestate.as_deref(), Some("foo@@bar=1"));
    }
}

//! The IDs on every line that is logged while an exchange runs.

use std::sync::Arc;
use std::task::Poll;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::access_log::stamp::{self, Stamp};
use tower_observability::access_log::{AccessLogLayer, TARGET};
use tower_observability::exchange::{Facts, InExchangeExt, annotate};
use tower_observability::id::TraceIdentity;
use tracing_subscriber::fmt::format;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, fmt};

use crate::kit::{Answer, ManualClock, Written, ask_every_subscriber, exchange, with_default};

fn identify(id: &str) {
    let facts = Facts::current().unwrap();
    facts.set_request_id(id.parse().unwrap());
    facts.set_trace(TraceIdentity::new(1, 2, true).unwrap());
}

fn get() -> Request<()> {
    Request::get("http://host/").body(()).unwrap()
}

fn ok() -> Answer {
    Answer::Response(Response::new(vec![]))
}

const IDS: &str =
    " request_id=req-1 trace_id=00000000000000000000000000000001 span_id=0000000000000002";

#[test]
fn lines_of_text_end_in_the_ids() {
    let written = Written::default();
    let layer = stamp::text()
        .with_writer(written.clone())
        .map_event_format(|_| Stamp::text(fmt::format().without_time()).attribute("user.id"));
    with_default(Registry::default().with(layer), || {
        tracing::info!("outside");
        exchange(&AccessLogLayer::server(), &ManualClock::new(), get(), || {
            tracing::info!("before");
            identify("req-1");
            annotate("user.id", "a\nda \"x\"");
            annotate("unasked", 1);
            tracing::info!(evil = %"two\nlines\u{1b}[31m", "with\u{9b}\u{202e}control");
            exchange(&AccessLogLayer::client(), &ManualClock::new(), get(), || {
                tracing::warn!("in a client's call");
                ok()
            });
            ok()
        });
    });
    let text = written.take();
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    let here = module_path!();
    let user = r#" user.id="a\nda \"x\"""#;
    assert_eq!(lines[0], format!("INFO {here}: outside"));
    assert_eq!(lines[1], format!("INFO {here}: before"));
    let clean = r"with\u{9b}\u{202e}control evil=two\nlines\u{1b}[31m";
    // the formatter may escape some of it itself
    let line = lines[2].replace(r"\x1b", r"\u{1b}");
    assert_eq!(line, format!("INFO {here}: {clean}{IDS}{user}"));
    assert_eq!(lines[3], format!("WARN {here}: in a client's call{IDS}{user}"));
    for line in &lines[4..] {
        assert!(line.starts_with(&format!("INFO {TARGET}: exchange ended")), "{line}");
        assert_eq!(line.matches("request_id=").count(), 1, "{line}");
        assert!(line.ends_with(user), "{line}");
    }
    assert_eq!(lines.len(), 6);
}

#[test]
fn objects_start_with_the_ids_and_have_no_key_twice() {
    for flatten in [false, true] {
        let written = Written::default();
        let layer = stamp::json().with_writer(written.clone()).map_event_format(|_| {
            let json = fmt::format().json().without_time().flatten_event(flatten);
            Stamp::json(json).attribute("user.id").attribute("request_id")
        });
        with_default(Registry::default().with(layer), || {
            tracing::info!("outside");
            exchange(&AccessLogLayer::server(), &ManualClock::new(), get(), || {
                identify("req-1");
                annotate("user.id", 7);
                tracing::info!(user.id = 8, "in\u{7f}side");
                ok()
            });
        });
        let text = written.take();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let objects: Vec<Value> = lines.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
        let ids = r#"{"request_id":"req-1","trace_id":"00000000000000000000000000000001","span_id":"0000000000000002","#;
        if flatten {
            assert_eq!(
                lines[1],
                format!(
                    r#"{ids}"level":"INFO","message":"in\u007fside","user.id":8,"target":"{}"}}"#,
                    module_path!()
                )
            );
            for key in ["request_id", "trace_id", "span_id", "user.id"] {
                assert_eq!(lines[2].matches(&format!("\"{key}\":")).count(), 1, "{key}");
            }
        } else {
            let outside = json!({
                "level": "INFO", "target": module_path!(), "fields": {"message": "outside"},
            });
            assert_eq!(objects[0], outside);
            assert_eq!(
                lines[1],
                format!(
                    r#"{ids}"user.id":7,"level":"INFO","fields":{{"message":"in\u007fside","user.id":8}},"target":"{}"}}"#,
                    module_path!()
                )
            );
            assert!(lines[2].starts_with(ids), "the access log's line too: {}", lines[2]);
        }
        assert_eq!(objects[2]["request_id"], "req-1");
        assert_eq!(objects[2]["user.id"], 7);
    }
}

/// What formats an event by writing `self.0`.
struct Writes(&'static str);

impl<S, N> fmt::FormatEvent<S, N> for Writes
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    N: for<'a> fmt::FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &fmt::FmtContext<'_, S, N>,
        mut writer: format::Writer<'_>,
        _: &tracing::Event<'_>,
    ) -> std::fmt::Result {
        writer.write_str(self.0)
    }
}

#[test]
fn any_formatter_can_be_stamped() {
    let stamped = |stamp: Stamp<Writes>| {
        let written = Written::default();
        let layer = fmt::layer().event_format(stamp).with_writer(written.clone());
        with_default(Registry::default().with(layer), || {
            let silent = AccessLogLayer::server().tracing_events(false);
            exchange(&silent, &ManualClock::new(), get(), || {
                identify("req-1");
                tracing::info!("");
                ok()
            });
        });
        written.take()
    };
    assert_eq!(stamped(Stamp::text(Writes(""))), "", "an event left out stays out");
    assert_eq!(stamped(Stamp::text(Writes("a\nb\n"))), format!("a\\nb{IDS}\n"));
    assert_eq!(stamped(Stamp::text(Writes("a"))), format!("a{IDS}\n"));
    assert_eq!(stamped(Stamp::json(Writes("no object\n"))), format!("no object{IDS}\n"));
    let empty: Value = serde_json::from_str(&stamped(Stamp::json(Writes("{}\n")))).unwrap();
    let ids = json!({
        "request_id": "req-1",
        "trace_id": "00000000000000000000000000000001",
        "span_id": "0000000000000002",
    });
    assert_eq!(empty, ids);
    let spaced = Writes(r#"{ "request_id" : "its own", "trace_id": 1, "span_id": 2 }"#);
    let object: Value = serde_json::from_str(&stamped(Stamp::json(spaced))).unwrap();
    assert_eq!(object, json!({"request_id": "its own", "trace_id": 1, "span_id": 2}));
}

#[test]
fn body_polls_and_drops_are_in_the_exchange() {
    /// Logs as it is polled and dropped.
    struct Logging(Full<&'static [u8]>);
    impl http_body::Body for Logging {
        type Data = &'static [u8];
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
            tracing::info!("polled");
            std::pin::Pin::new(&mut self.0).poll_frame(cx)
        }
    }
    impl Drop for Logging {
        fn drop(&mut self) {
            tracing::info!("dropped");
        }
    }
    let written = Written::default();
    let layer = stamp::json().with_writer(written.clone());
    with_default(Registry::default().with(layer), || {
        let service = AccessLogLayer::server().layer(service_fn(async |_: Request<()>| {
            identify("req-1");
            Ok::<_, std::io::Error>(Response::new(Logging(Full::new(b"body"))))
        }));
        let response = futures_util::FutureExt::now_or_never(service.oneshot(get()));
        let response = response.unwrap().unwrap();
        drop(futures_util::FutureExt::now_or_never(response.into_body().collect()));
    });
    let text = written.take();
    assert!(text.contains("polled") && text.contains("dropped"));
    assert!(text.lines().all(|line| line.starts_with(r#"{"request_id":"req-1""#)), "{text}");
}

/// Whoever reads the attributes holds their lock.
#[test]
fn a_line_that_is_logged_while_attributes_are_read_goes_without_them() {
    let written = Written::default();
    let layer = stamp::json()
        .with_writer(written.clone())
        .map_event_format(|stamp| stamp.attribute("user.id"));
    with_default(Registry::default().with(layer), || {
        let silent = AccessLogLayer::server().tracing_events(false);
        exchange(&silent, &ManualClock::new(), get(), || {
            annotate("user.id", "ada");
            let facts = Facts::current().unwrap();
            assert!(facts.set_request_id("req-1".parse().unwrap()));
            facts.with_attributes(|_| tracing::info!("inside"));
            tracing::info!("outside");
            ok()
        });
    });
    let stamped = |line: &str| -> (Value, Value) {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["request_id"].clone(), line["user.id"].clone())
    };
    let lines: Vec<_> = written.take().lines().map(stamped).collect();
    assert_eq!(lines, [(json!("req-1"), json!(null)), (json!("req-1"), json!("ada"))]);
}

/// 1000 tasks on several threads, each with a task that it spawned.
#[test]
fn tasks_keep_to_their_own_ids() {
    let written = Written::default();
    let subscriber = Registry::default().with(stamp::json().with_writer(written.clone()));
    ask_every_subscriber();
    let dispatch = tracing::Dispatch::new(subscriber);
    let enter = dispatch.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .on_thread_start(move || {
            // for as long as the thread lives
            std::mem::forget(tracing::dispatcher::set_default(&enter));
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        let barrier = Arc::new(tokio::sync::Barrier::new(1000));
        let tasks: Vec<_> = (0..1000)
            .map(|n| {
                let barrier = Arc::clone(&barrier);
                let service = AccessLogLayer::server().tracing_events(false).layer(service_fn(
                    move |_: Request<()>| {
                        let barrier = Arc::clone(&barrier);
                        async move {
                            identify(&format!("req-{n}"));
                            barrier.wait().await;
                            tracing::info!(n, "handler");
                            let spawned = async move { tracing::info!(n, "spawned") };
                            tokio::spawn(spawned.in_exchange()).await.unwrap();
                            Ok::<_, std::io::Error>(Response::new(Full::new(&b""[..])))
                        }
                    },
                ));
                tokio::spawn(async move { service.oneshot(get()).await.unwrap() })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    drop(runtime);
    let text = written.take();
    assert_eq!(text.lines().count(), 2000);
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["request_id"], format!("req-{}", line["fields"]["n"]), "{line}");
    }
}

#[cfg(feature = "trace")]
#[test]
fn a_span_inside_of_the_exchange_and_one_outside_of_any_are_told() {
    use opentelemetry::Context;
    use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceState};

    let current = |trace: u128, span: u64| {
        let state = TraceState::default();
        let span = SpanContext::new(trace.into(), span.into(), TraceFlags::SAMPLED, false, state);
        Context::new().with_remote_span_context(span).attach()
    };
    let written = Written::default();
    let layer = stamp::text()
        .with_writer(written.clone())
        .map_event_format(|_| Stamp::text(fmt::format().without_time().with_target(false)));
    with_default(Registry::default().with(layer), || {
        tracing::info!("nowhere");
        {
            let _job = current(7, 8);
            tracing::info!("in a job");
        }
        exchange(
            &AccessLogLayer::client().tracing_events(false),
            &ManualClock::new(),
            get(),
            || {
                identify("req-1");
                tracing::info!("in the exchange");
                let _query = current(1, 3);
                tracing::info!("in a query");
                ok()
            },
        );
    });
    let ids = |trace, span| format!("trace_id={trace:032x} span_id={span:016x}");
    let text = written.take();
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    let expected = [
        "INFO nowhere".to_owned(),
        format!("INFO in a job {}", ids(7, 8)),
        format!("INFO in the exchange request_id=req-1 {}", ids(1, 2)),
        format!("INFO in a query request_id=req-1 {}", ids(1, 3)),
    ];
    assert_eq!(lines, expected);
}

//! What the access log, the spans and Sentry are to tell of each cell of the table.

use std::time::{Duration, SystemTime};

use opentelemetry::Value as Attribute;
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use serde_json::{Value, json};
use tower_observability::testing::{ManualClock, SpanEvent, SpanRecord};

use crate::calls::Over;
use crate::expected::{Cell, Fate};
use crate::mines::{LINE, TOLD};

impl Cell {
    pub(crate) fn line(&self) -> Value {
        let has_panicked = self.fate() != Fate::Whole;
        let (severity, number) = if has_panicked { ("ERROR", 17) } else { ("INFO", 9) };
        let mut said = json!({
            "side": "server",
            "request_id": self.id(),
            "network.protocol.version": self.version(),
            "server.address": "localhost",
            "outcome": if has_panicked { "panicked" } else { "completed" },
            "http.response.status_code": self.status(),
            "http.response.body.size": self.bytes(),
            "duration": 0.0,
            "time_to_headers": 0.0,
        });
        let mut say = |key: &str, value: Value| said[key] = value;
        match self.method() {
            Some(method) => {
                say("http.request.method", "POST".into());
                say("url.path", format!("/{method}").into());
                say("rpc.method", method.into());
                say("rpc.response.status_code", "INTERNAL".into());
                say("client.address", "127.0.0.1".into());
                say("user_agent.original", "tonic/0.14.9".into());
            }
            None => {
                say("http.request.method", "GET".into());
                say("http.route", "/orders/{id}".into());
                say("url.path", "/orders/7".into());
                say("url.query", "page=2&token=REDACTED".into());
            }
        }
        if self.over.has_streams() {
            // HTTP/2 has the whole target
            say("server.port", 80.into());
            say("url.scheme", "http".into());
        }
        if has_panicked {
            say("error.type", "panic".into());
            say("code.file.path", "tests/panics/mines.rs".into());
            say("code.line.number", LINE.into());
        }
        json!({
            "timestamp": "2026-01-01T00:00:00.000000000Z",
            "severity_text": severity,
            "severity_number": number,
            "body": "exchange ended",
            "trace_id": self.trace_id(),
            "span_id": format!("{:016x}", self.number()),
            "attributes": said,
        })
    }

    pub(crate) fn span(&self) -> SpanRecord {
        let has_panicked = self.fate() != Fate::Whole;
        let mut attributes: Vec<(&str, Attribute)> = vec![
            ("request_id", self.id().into()),
            ("network.protocol.version", self.version().into()),
            ("server.address", "localhost".into()),
        ];
        let name = match self.method() {
            Some(method) => {
                attributes.extend([
                    ("client.address", "127.0.0.1".into()),
                    ("network.peer.address", "127.0.0.1".into()),
                    ("rpc.method", method.into()),
                    ("rpc.response.status_code", "INTERNAL".into()),
                    ("rpc.system.name", "grpc".into()),
                    ("url.path", format!("/{method}").into()),
                    ("user_agent.original", "tonic/0.14.9".into()),
                ]);
                method.to_owned()
            }
            None => {
                attributes.extend([
                    ("http.request.method", "GET".into()),
                    ("http.response.status_code", i64::from(self.status()).into()),
                    ("http.route", "/orders/{id}".into()),
                    ("url.path", "/orders/7".into()),
                    ("url.scheme", "http".into()),
                    ("url.query", "page=2&token=REDACTED".into()),
                ]);
                "GET /orders/{id}".to_owned()
            }
        };
        if self.over.has_streams() {
            attributes.push(("server.port", 80.into()));
        }
        if has_panicked {
            attributes.push(("error.type", "panic".into()));
        }
        attributes.sort_by_key(|(key, _)| *key);
        let exception = SpanEvent {
            name: "exception".into(),
            after: Duration::ZERO,
            attributes: [
                ("code.column.number".to_owned(), Attribute::I64(5)),
                ("code.file.path".to_owned(), "tests/panics/mines.rs".into()),
                ("code.line.number".to_owned(), i64::from(LINE).into()),
                ("exception.type".to_owned(), "panic".into()),
            ]
            .into(),
        };
        SpanRecord {
            name,
            kind: SpanKind::Server,
            trace_id: TraceId::from(u128::from(self.number())),
            span_id: SpanId::from(self.number()),
            parent: None,
            parent_is_remote: false,
            start: SystemTime::UNIX_EPOCH + ManualClock::START,
            duration: Duration::ZERO,
            status: if has_panicked { Status::error("") } else { Status::Unset },
            attributes: attributes.into_iter().map(|(key, value)| (key.into(), value)).collect(),
            events: has_panicked.then_some(exception).into_iter().collect(),
            links: Vec::new(),
        }
    }

    /// What Sentry gets.
    pub(crate) fn events(&self) -> Vec<Value> {
        if self.fate() == Fate::Whole {
            return Vec::new();
        }
        let mut tags = json!({
            "error_type": "panic",
            "outcome": "panicked",
            "request_id": self.id(),
            "route": self.method().unwrap_or("/orders/{id}"),
            "status_code": self.status().to_string(),
            "trace_id": self.trace_id(),
        });
        let mut headers = json!({
            "referer": "http://shop.example/cart?sig=REDACTED",
            "x-panic": self.place.name(),
            "x-request-id": self.id(),
        });
        let url = match self.method() {
            Some(method) => {
                tags["grpc_status"] = "INTERNAL".into();
                for (name, value) in [
                    ("content-type", "application/grpc"),
                    ("te", "trailers"),
                    ("user-agent", "tonic/0.14.9"),
                ] {
                    headers[name] = value.into();
                }
                format!("http://localhost/{method}")
            }
            None => {
                if !self.over.has_streams() {
                    headers["host"] = "localhost".into();
                }
                if self.over == Over::Length {
                    headers["x-length"] = "1".into();
                }
                "http://localhost/orders/7?page=2&token=REDACTED".into()
            }
        };
        let method = if self.over.is_grpc() { "POST" } else { "GET" };
        let frame = json!({
            "filename": "tests/panics/mines.rs",
            "lineno": LINE,
            "colno": 5,
            "in_app": true,
        });
        vec![json!({
            "platform": "native",
            "environment": "test",
            "transaction": format!("{method} {}", self.method().unwrap_or("/orders/{id}")),
            "tags": tags,
            "extra": { "location": format!("tests/panics/mines.rs:{LINE}:5") },
            "request": { "url": url, "method": method, "headers": headers },
            "exception": { "values": [{
                "type": "panic",
                "value": TOLD,
                "mechanism": { "type": "panic", "handled": true },
                "stacktrace": { "frames": [frame] },
            }]},
            "contexts": {
                "response": {
                    "type": "response",
                    "status_code": self.status(),
                    "body_size": self.bytes(),
                },
                "trace": {
                    "type": "trace",
                    "trace_id": self.trace_id(),
                    "span_id": format!("{:016x}", self.number()),
                },
            },
        })]
    }
}

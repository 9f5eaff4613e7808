//! What is expected of each cell of the table: what the client sees, and what is counted.

use std::collections::BTreeMap;

use crate::calls::{Over, Seen};
use crate::gathered::Series;
use crate::mines::Place;

/// A panic in one place over one transport.
pub(crate) struct Cell {
    pub(crate) over: Over,
    pub(crate) place: Place,
}

/// What becomes of an exchange.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    /// It is answered in place of the service.
    Answered,
    /// It breaks off after its headers.
    Broken,
    /// Nothing panics: with the last byte of its length, the server is done.
    Whole,
    /// It panics when all is sent, which the client does not see.
    Late,
}

impl Cell {
    pub(crate) fn new(over: Over, place: Place) -> Self {
        Self { over, place }
    }

    pub(crate) fn fate(&self) -> Fate {
        match self.place {
            Place::Trailers if self.over == Over::Length => Fate::Whole,
            Place::BodyDrop if self.over == Over::Length => Fate::Late,
            place if place.is_after_headers() => Fate::Broken,
            _ => Fate::Answered,
        }
    }

    /// Which exchange of the server panics: the first one is whole, and one may be under way.
    pub(crate) fn number(&self) -> u64 {
        if self.over.has_streams() { 3 } else { 2 }
    }

    pub(crate) fn id(&self) -> String {
        format!("req-{}", self.number())
    }

    pub(crate) fn trace_id(&self) -> String {
        format!("{:032x}", self.number())
    }

    pub(crate) fn method(&self) -> Option<&'static str> {
        match self.over {
            Over::Unary => Some("tests.echo.v1.Echo/Unary"),
            Over::Streaming => Some("tests.echo.v1.Echo/Expand"),
            _ => None,
        }
    }

    pub(crate) fn version(&self) -> &'static str {
        if self.over.has_streams() { "2" } else { "1.1" }
    }

    pub(crate) fn status(&self) -> u16 {
        match self.fate() {
            // gRPC has its status elsewhere
            Fate::Answered if !self.over.is_grpc() => 500,
            _ => 200,
        }
    }

    /// What a client sees of an exchange that nothing happens to.
    pub(crate) fn whole(&self, number: u64) -> Seen {
        let head = match self.over.is_grpc() {
            true => String::new(),
            false => format!("200 text/plain req-{number}"),
        };
        Seen { head, data: "onetwo".into(), end: "whole".into() }
    }

    /// What a client sees of the one that panics.
    pub(crate) fn seen(&self) -> Seen {
        let (id, trace_id) = (self.id(), self.trace_id());
        if matches!(self.fate(), Fate::Whole | Fate::Late) {
            return self.whole(self.number());
        }
        let seen =
            |head: String, data: &str, end: &str| Seen { head, data: data.into(), end: end.into() };
        let is_last = self.place != Place::Body;
        match (self.over, self.fate()) {
            (Over::Unary | Over::Streaming, fate) => {
                let data = match (self.over, fate) {
                    (Over::Streaming, Fate::Broken) if is_last => "onetwo",
                    (Over::Streaming, Fate::Broken) => "one",
                    _ => "",
                };
                seen(String::new(), data, "Internal: internal error")
            }
            (_, Fate::Answered) => {
                let problem = format!(
                    r#"{{"type":"about:blank","title":"Internal Server Error","status":500,"request_id":"{id}","trace_id":"{trace_id}"}}"#
                );
                seen(format!("500 application/problem+json {id}"), &problem, "whole")
            }
            (over, _) => {
                let end = match over {
                    Over::Two => "stream error received: unexpected internal error encountered",
                    Over::Length => "end of file before message length reached",
                    _ => "unexpected EOF during chunk size line",
                };
                seen(format!("200 text/plain {id}"), if is_last { "onetwo" } else { "one" }, end)
            }
        }
    }

    /// Only over HTTP/1 the connection ends with what breaks off.
    pub(crate) fn connection_lives(&self) -> bool {
        self.over.has_streams() || self.fate() != Fate::Broken
    }

    /// The bytes of the response body that were handed over.
    pub(crate) fn bytes(&self) -> u64 {
        match (self.over, self.fate(), self.place) {
            (Over::Unary | Over::Streaming, Fate::Answered, _) => 0,
            (_, Fate::Answered, _) => self.seen().data.len() as u64,
            (_, Fate::Whole | Fate::Late, _) => 6,
            // five bytes and two before each text
            (Over::Unary, _, Place::Body) => (7 + 6) / 2,
            (Over::Unary, ..) => 7 + 6,
            (Over::Streaming, _, Place::Body) => 7 + 3,
            (Over::Streaming, ..) => 2 * (7 + 3),
            (_, _, Place::Body) => 3,
            _ => 6,
        }
    }

    /// The series after so many whole exchanges, panics, and exchanges under way.
    pub(crate) fn counts(&self, whole: u64, panics: u64, held: u64) -> BTreeMap<Series, u64> {
        let mut counts = BTreeMap::new();
        let mut count = |name: &str, labels: &[(&str, &str)], count| {
            if count > 0 || name.contains("active") {
                *counts.entry(Series::new(name, labels)).or_default() += count;
            }
        };
        if let Some(method) = self.method() {
            let (duration, system) =
                ("rpc_server_call_duration_seconds", ("rpc_system_name", "grpc"));
            let status =
                |code| [system, ("rpc_method", method), ("rpc_response_status_code", code)];
            count(duration, &status("OK"), whole);
            let error = [&status("INTERNAL")[..], &[("error_type", "panic")]].concat();
            count(duration, &error, panics);
            count("rpc_server_active_calls", &[system], held);
            return counts;
        }
        let duration = "http_server_request_duration_seconds";
        let (method, scheme) = (("http_request_method", "GET"), ("url_scheme", "http"));
        let labels = [method, scheme, ("http_route", "/orders/{id}")];
        let status = |code| [&labels[..], &[("http_response_status_code", code)]].concat();
        let has_panicked = self.fate() != Fate::Whole;
        count(duration, &status("200"), whole + if has_panicked { 0 } else { panics });
        let code = self.status().to_string();
        let error = [&status(&code)[..], &[("error_type", "panic")]].concat();
        count(duration, &error, if has_panicked { panics } else { 0 });
        count("http_server_active_requests", &[method, scheme], held);
        counts
    }

    /// The series in the end, when so many exchanges and the one that was held were whole.
    pub(crate) fn counts_at_end(&self, whole: u64) -> BTreeMap<Series, u64> {
        match self.over {
            // what is held there is of another method
            Over::Unary => {
                let mut counts = self.counts(whole, 1, 0);
                counts.extend(Self::new(Over::Streaming, self.place).counts(1, 0, 0));
                counts
            }
            over => self.counts(whole + u64::from(over.has_streams()), 1, 0),
        }
    }
}

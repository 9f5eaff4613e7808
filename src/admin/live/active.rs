//! What is under way.

use std::time::Duration;

use super::Now;
use super::text::span;
use crate::admin::page::{Column, Content, Phrase, Table, Tone};
use crate::live::{ActiveExchange, Stage};

const ACTIVE: &[Column] = &[
    Column::Text("Request"),
    Column::Number("Age"),
    Column::Text("Where"),
    Column::Text("Family"),
    Column::Text("Side"),
    Column::Text("Request ID"),
    Column::Text("Trace"),
];

/// From which age on an exchange is one to look at, and to worry about.
const SLOW: Duration = Duration::from_secs(1);
const STUCK: Duration = Duration::from_secs(10);

pub(super) fn active(content: &mut Content, now: &Now) {
    let active = &now.active;
    if active.count() == 0 {
        content.paragraph("None.");
        return;
    }
    content.paragraph(match active.unlisted {
        0 => format!("{}, the oldest first.", active.count()),
        more => format!("{}, the oldest first; {more} of them had no place.", active.count()),
    });
    let mut table = Table::new("Active requests", ACTIVE);
    for exchange in &active.exchanges {
        let id = exchange.request_id.as_ref().map_or(Phrase::new(), |id| code(id.as_str()));
        let trace = exchange.trace.map_or(Phrase::new(), |it| code(&it.trace_id_hex()));
        table.row([
            code(&format!("{} {}", exchange.method, exchange.path)),
            age(exchange.age),
            place(exchange).into(),
            code(&exchange.family),
            exchange.side.as_str().into(),
            id,
            trace,
        ]);
    }
    content.table(&table);
}

pub(super) fn code(text: &str) -> Phrase {
    Phrase::new().code(text)
}

fn age(of: Duration) -> Phrase {
    let text = span(of);
    match of {
        _ if of >= STUCK => Phrase::new().badge(Tone::Bad, &text),
        _ if of >= SLOW => Phrase::new().badge(Tone::Warning, &text),
        _ => text.into(),
    }
}

fn place(of: &ActiveExchange) -> String {
    let place = match of.stage {
        Stage::Body { bytes } => format!("response body, {bytes} bytes so far"),
        _ => "handler".to_owned(),
    };
    match of.waited {
        Duration::ZERO => place,
        waited => format!("{place}; had waited {}", span(waited)),
    }
}

//! What stands within a line.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::chart::LineChart;
use super::href::Href;
use crate::escape;
use crate::message::timestamp;

/// Text, with what may stand in it. All of it is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::admin) struct Phrase(String);

/// How good what a badge says is; that is said by its text, and shown by a colour beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Tone {
    Good,
    Warning,
    Bad,
    Neutral,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Neutral => "neutral",
        }
    }
}

impl Phrase {
    pub(in crate::admin) fn new() -> Self {
        Self::default()
    }

    pub(in crate::admin) fn text(mut self, text: &str) -> Self {
        escape::html(&mut self.0, text);
        self
    }

    /// A name, or whatever else a program wrote.
    pub(in crate::admin) fn code(mut self, text: &str) -> Self {
        self.0.push_str("<code>");
        escape::html(&mut self.0, text);
        self.0.push_str("</code>");
        self
    }

    /// A state.
    pub(in crate::admin) fn badge(mut self, tone: Tone, text: &str) -> Self {
        self.0.push_str("<span class=\"badge ");
        self.0.push_str(tone.class());
        self.0.push_str("\">");
        escape::html(&mut self.0, text);
        self.0.push_str("</span>");
        self
    }

    /// A link to elsewhere, or to a place in the page.
    pub(in crate::admin) fn link(mut self, to: &Href, text: &str) -> Self {
        self.0.push_str("<a href=\"");
        escape::html(&mut self.0, to.as_str());
        self.0.push_str("\">");
        escape::html(&mut self.0, text);
        self.0.push_str("</a>");
        self
    }

    /// A time of day, as RFC 3339 writes it, to the millisecond: HTML knows no finer one ([HTML, section 2.3.5]).
    ///
    /// [HTML, section 2.3.5]: https://html.spec.whatwg.org/multipage/common-microsyntaxes.html#times
    pub(in crate::admin) fn time(mut self, at: SystemTime) -> Self {
        let finer = at.duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos() % 1_000_000;
        let at = at.checked_sub(Duration::from_nanos(finer.into())).unwrap_or(at);
        self.0.push_str("<time>");
        escape::html(&mut self.0, &timestamp::short(at));
        self.0.push_str("</time>");
        self
    }

    /// A line of the height of a text.
    pub(in crate::admin) fn sparkline(mut self, chart: &LineChart) -> Self {
        chart.write(&mut self.0, "spark");
        self
    }

    pub(super) fn html(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Phrase {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        Self::new().text(&text)
    }
}

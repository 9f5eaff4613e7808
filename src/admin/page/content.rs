//! What stands below one another.

use super::chart::{Bars, LineChart};
use super::href::Anchor;
use super::phrase::Phrase;
use super::table::Table;

/// The content of a page, or of a section of it.
#[derive(Debug)]
pub(in crate::admin) struct Content {
    html: String,
    /// That of the headings in it.
    level: u8,
}

impl Content {
    pub(super) fn new(level: u8) -> Self {
        Self { html: String::new(), level }
    }

    pub(super) fn html(&self) -> &str {
        &self.html
    }

    /// A heading, and what is below it. Sections in it have headings of the next level.
    pub(in crate::admin) fn section(
        &mut self,
        at: Option<&Anchor>,
        title: impl Into<Phrase>,
        write: impl FnOnce(&mut Self),
    ) {
        self.html.push_str("<section");
        if let Some(at) = at {
            self.html.push_str(" id=\"");
            self.html.push_str(at.id());
            self.html.push('"');
        }
        let heading = format!("h{}", self.level);
        self.html.push('>');
        self.element(&heading, &title.into());
        let level = self.level;
        self.level = (level + 1).min(6);
        write(self);
        self.level = level;
        self.html.push_str("</section>\n");
    }

    pub(in crate::admin) fn paragraph(&mut self, text: impl Into<Phrase>) {
        self.element("p", &text.into());
    }

    /// Names with their values.
    pub(in crate::admin) fn facts<'a>(
        &mut self,
        facts: impl IntoIterator<Item = (&'a str, Phrase)>,
    ) {
        self.html.push_str("<dl class=\"facts\">\n");
        for (name, value) in facts {
            self.html.push_str("<div>");
            self.element("dt", &name.into());
            self.element("dd", &value);
            self.html.push_str("</div>\n");
        }
        self.html.push_str("</dl>\n");
    }

    pub(in crate::admin) fn table(&mut self, table: &Table) {
        table.write(&mut self.html);
    }

    pub(in crate::admin) fn line_chart(&mut self, chart: &LineChart) {
        chart.write_figure(&mut self.html);
    }

    pub(in crate::admin) fn bars(&mut self, bars: &Bars) {
        bars.write(&mut self.html);
    }

    /// What is shown on demand.
    pub(in crate::admin) fn details(
        &mut self,
        summary: impl Into<Phrase>,
        write: impl FnOnce(&mut Self),
    ) {
        self.html.push_str("<details>");
        self.element("summary", &summary.into());
        write(self);
        self.html.push_str("</details>\n");
    }

    fn element(&mut self, name: &str, phrase: &Phrase) {
        for piece in ["<", name, ">", phrase.html(), "</", name, ">"] {
            self.html.push_str(piece);
        }
    }
}

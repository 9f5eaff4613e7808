//! Tables.

use super::phrase::Phrase;
use crate::escape;

/// What a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Column {
    Text(&'static str),
    /// Set flush at its end.
    Number(&'static str),
}

impl Column {
    const fn title(self) -> &'static str {
        match self {
            Self::Text(title) | Self::Number(title) => title,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Text(_) => "",
            Self::Number(_) => " class=\"number\"",
        }
    }
}

/// A table, whose first column is what its rows are called.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Table {
    caption: String,
    columns: &'static [Column],
    rows: Vec<Vec<Phrase>>,
}

impl Table {
    pub(in crate::admin) fn new(caption: impl Into<String>, columns: &'static [Column]) -> Self {
        Self { caption: caption.into(), columns, rows: Vec::new() }
    }

    /// One more row; a cell too many is left out, and one that is missing is empty.
    pub(in crate::admin) fn row(&mut self, cells: impl IntoIterator<Item = Phrase>) {
        let mut row: Vec<_> = cells.into_iter().take(self.columns.len()).collect();
        row.resize(self.columns.len(), Phrase::new());
        self.rows.push(row);
    }

    /// In a box of its own, which scrolls, also by keyboard, where the table is wider than the page.
    pub(super) fn write(&self, html: &mut String) {
        html.push_str("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"");
        escape::html(html, &self.caption);
        html.push_str("\"><table><caption>");
        escape::html(html, &self.caption);
        html.push_str("</caption><thead><tr>");
        for column in self.columns {
            html.push_str("<th scope=\"col\"");
            html.push_str(column.class());
            html.push('>');
            escape::html(html, column.title());
            html.push_str("</th>");
        }
        html.push_str("</tr></thead><tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (at, (cell, column)) in row.iter().zip(self.columns).enumerate() {
                let (begin, end) =
                    if at == 0 { ("<th scope=\"row\"", "</th>") } else { ("<td", "</td>") };
                html.push_str(begin);
                html.push_str(column.class());
                html.push('>');
                html.push_str(cell.html());
                html.push_str(end);
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody></table></div>\n");
    }
}

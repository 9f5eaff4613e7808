//! The little of YAML that is written here: blocks of maps and lists, whose strings are all quoted, so
//! that none of them is taken for a number, a date or a comment.

use std::fmt::Write;

use crate::escape::is_control;

/// A node of a document.
pub(super) enum Yaml {
    Text(String),
    /// A number as it is to stand there.
    Number(String),
    Bool(bool),
    List(Vec<Yaml>),
    Map(Vec<(&'static str, Yaml)>),
    /// A node of a list with comments before it.
    Commented(Vec<String>, Box<Yaml>),
}

impl Yaml {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A document, with a newline at its end.
    pub(super) fn document(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }

    /// Writes a node whose first line is begun already, but for a map's or a list's.
    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Self::Text(text) => quoted(out, text),
            Self::Number(number) => out.push_str(number),
            Self::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Self::List(nodes) if nodes.is_empty() => out.push_str("[]"),
            Self::List(nodes) => nodes.iter().for_each(|node| node.write_item(out, indent)),
            Self::Map(members) if members.is_empty() => out.push_str("{}"),
            Self::Map(members) => {
                for (at, (key, node)) in members.iter().enumerate() {
                    if at > 0 || !out.ends_with("- ") {
                        margin(out, indent);
                    }
                    let _ = write!(out, "{key}:");
                    if node.is_block() {
                        out.push('\n');
                        node.write(out, indent + 2);
                    } else {
                        out.push(' ');
                        node.write(out, indent);
                        out.push('\n');
                    }
                }
            }
            Self::Commented(_, node) => node.write(out, indent),
        }
    }

    fn write_item(&self, out: &mut String, indent: usize) {
        if let Self::Commented(comments, _) = self {
            for text in comments {
                margin(out, indent);
                out.push_str(&comment(text));
            }
        }
        margin(out, indent);
        out.push_str("- ");
        self.write(out, indent + 2);
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }

    fn is_block(&self) -> bool {
        match self {
            Self::List(nodes) => !nodes.is_empty(),
            Self::Map(members) => !members.is_empty(),
            _ => false,
        }
    }
}

/// A line of comment.
pub(super) fn comment(text: &str) -> String {
    format!("# {}\n", one_line(text))
}

/// A text without what would end its line.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|character| if is_unprintable(character) { ' ' } else { character }).collect()
}

fn margin(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// A double-quoted scalar of YAML 1.2 (7.3.1), which is JSON's but for `\U`.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            character if is_unprintable(character) => {
                let code = u32::from(character);
                let _ = match code {
                    0..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
            character => out.push(character),
        }
    }
    out.push('"');
}

/// What a reader of YAML may refuse, or an editor would not show.
fn is_unprintable(character: char) -> bool {
    is_control(character) || matches!(character, '\u{fffe}' | '\u{ffff}')
}

//! Where links lead.

use std::fmt::Write;

use crate::escape;

/// A URL that a link may have: of `http` or `https`, or relative to the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::admin) struct Href(String);

impl Href {
    /// `None` of any other URL, and of one that browsers read otherwise than it looks: with space, controls
    /// or `\` in it.
    pub(in crate::admin) fn new(url: &str) -> Option<Self> {
        let is_odd = |it: char| it == '\\' || it.is_whitespace() || escape::is_control(it);
        if url.is_empty() || url.contains(is_odd) {
            return None;
        }
        let is_allowed = match url.find([':', '/', '?', '#']).map(|at| url.split_at(at)) {
            Some((scheme, rest)) if rest.starts_with(':') => {
                let is_known = ["http", "https"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
                let host =
                    rest.strip_prefix("://").and_then(|rest| rest.split(['/', '?', '#']).next());
                is_known && host.is_some_and(|host| !host.is_empty())
            }
            // another host's
            _ => !url.starts_with("//"),
        };
        is_allowed.then(|| Self(url.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A place in a page that a link leads to: different names are different places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::admin) struct Anchor(String);

impl Anchor {
    pub(in crate::admin) fn new(name: &str) -> Self {
        // so that it is no other element's
        let mut id = String::from("at-");
        for byte in name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => id.push(char::from(byte)),
                // writing into a String cannot fail
                other => drop(write!(id, "_{other:02x}")),
            }
        }
        Self(id)
    }

    pub(in crate::admin) fn href(&self) -> Href {
        Href(format!("#{}", self.0))
    }

    pub(super) fn id(&self) -> &str {
        &self.0
    }
}

//! Pages for people: server-rendered, with no script and nothing to fetch.
//!
//! A page is built from its parts ([`Content`], [`Phrase`]), which escape all that they are given: there
//! is no way to put markup in. Where a URL is no link that is harmless, there is no [`Href`] of it.

mod chart;
mod content;
mod href;
mod phrase;
mod table;
#[cfg(test)]
pub(in crate::admin) mod tests;

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::{HeaderValue, Response};

pub(in crate::admin) use self::chart::{Bars, LineChart};
pub(in crate::admin) use self::content::Content;
pub(in crate::admin) use self::href::{Anchor, Href};
pub(in crate::admin) use self::phrase::{Phrase, Tone};
pub(in crate::admin) use self::table::{Column, Table};
use super::answer::{self, AdminBody};
use crate::escape;

/// The one stylesheet, which stands in every page.
const STYLE: &str = include_str!("style.css");

/// Nothing but the stylesheet, which is known by its hash ([CSP 3]).
///
/// [CSP 3]: https://www.w3.org/TR/CSP3/
const POLICY: &str = "default-src 'none'; \
     style-src 'sha256-NSATVc6cI87dzZp0K5JHSpsr5XXeiw17hjRVG4rlbEU='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A whole page.
pub(in crate::admin) struct Page {
    title: String,
    content: Content,
}

impl Page {
    /// A page of this title, which is its one first-level heading, too.
    pub(in crate::admin) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), content: Content::new(2) }
    }

    /// What stands below the title.
    pub(in crate::admin) fn content(&mut self) -> &mut Content {
        &mut self.content
    }

    /// The document.
    pub(in crate::admin) fn html(&self) -> String {
        let mut html = String::from(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>",
        );
        escape::html(&mut html, &self.title);
        html.push_str("</title><style>");
        html.push_str(STYLE);
        html.push_str("</style></head>\n<body><main><h1>");
        escape::html(&mut html, &self.title);
        html.push_str("</h1>\n");
        html.push_str(self.content.html());
        html.push_str("</main></body></html>\n");
        html
    }

    /// 200, with the page. That its type is not to be guessed is said of every answer.
    pub(in crate::admin) fn answer(&self) -> Response<AdminBody> {
        let mut response = Response::new(Bytes::from(self.html()));
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (REFERRER_POLICY, "no-referrer"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer::whole(response)
    }
}

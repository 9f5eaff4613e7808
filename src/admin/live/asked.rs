//! What is asked of the page.

use http::header::ACCEPT;
use http::request::Parts;

use crate::admin::answer::Refusal;
use crate::message::accept::{self, Media};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Html,
}

impl Media for Format {
    fn media_type(&self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::Html => ("text", "html"),
        }
    }
}

/// Over which window the table of families tells its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Window {
    #[default]
    Minute,
    Hour,
    Day,
}

impl Window {
    pub(super) const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// The parameters, which hold for all pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) format: Format,
    pub(super) window: Window,
    /// Every so many seconds the page asks for itself.
    pub(super) refresh: Option<u8>,
}

impl Query {
    pub(super) fn of(head: &Parts) -> Result<Self, Refusal> {
        let (mut format, mut window, mut refresh) = (None, None, None);
        let query = head.uri.query().unwrap_or_default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_again = match name {
                "format" => format.replace(value).is_some(),
                "window" => window.replace(value).is_some(),
                "refresh" => refresh.replace(value).is_some(),
                other => return Err(Refusal::unknown(other)),
            };
            if is_again {
                return Err(Refusal::field(name, "is there twice"));
            }
        }
        let format = match format {
            Some("json") => Format::Json,
            Some("html") => Format::Html,
            Some(_) => return Err(Refusal::field("format", "takes json or html")),
            None => Self::accepted(head),
        };
        let window = match window {
            None => Window::default(),
            Some(asked) => {
                let found = Window::ALL.into_iter().find(|it| it.as_str() == asked);
                found.ok_or_else(|| Refusal::field("window", "takes minute, hour or day"))?
            }
        };
        let refresh = match refresh {
            None => None,
            Some(asked) => {
                let seconds = asked.parse().ok().filter(|seconds| (1..=60).contains(seconds));
                Some(seconds.ok_or_else(|| Refusal::field("refresh", "takes 1 to 60 seconds"))?)
            }
        };
        Ok(Self { format, window, refresh })
    }

    /// What the caller wants most; JSON where that is neither.
    fn accepted(head: &Parts) -> Format {
        let values = head.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accept::choose(values, &[Format::Json, Format::Html]).unwrap_or(Format::Json)
    }

    /// The same page with other parameters, as a link has them.
    pub(super) fn link(window: Window, refresh: Option<u8>) -> String {
        match refresh {
            None => format!("?format=html&window={}", window.as_str()),
            Some(seconds) => format!("?format=html&window={}&refresh={seconds}", window.as_str()),
        }
    }
}

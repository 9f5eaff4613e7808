//! What a request asks for.

use std::borrow::Cow;

use http::Uri;

use crate::health::Group;

/// The most names that are told back.
const MOST_NAMES: usize = 64;

/// What a probe asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    /// Nothing for everything.
    pub(super) group: Option<Group>,
    /// As the last segment of the path has it.
    pub(super) endpoint: &'static str,
    pub(super) is_verbose: bool,
    pub(super) excluded: Vec<Cow<'a, str>>,
}

impl<'a> Asked<'a> {
    /// What the path and the query ask for; `None` where the path names no endpoint.
    pub(super) fn of(uri: &'a Uri) -> Option<Self> {
        let (endpoint, group) = match uri.path().rsplit('/').next()? {
            "livez" => ("livez", Some(Group::Live)),
            "readyz" => ("readyz", Some(Group::Ready)),
            "startupz" => ("startupz", Some(Group::Startup)),
            "health" => ("health", None),
            _ => return None,
        };
        let mut asked = Self { group, endpoint, is_verbose: false, excluded: Vec::new() };
        let query = uri.query().unwrap_or_default().as_bytes();
        for (name, value) in form_urlencoded::parse(query) {
            match &*name {
                "verbose" => asked.is_verbose = true,
                "exclude"
                    if asked.excluded.len() < MOST_NAMES && !asked.excluded.contains(&value) =>
                {
                    asked.excluded.push(value);
                }
                _ => {}
            }
        }
        Some(asked)
    }

    pub(super) fn excludes(&self, name: &str) -> bool {
        self.excluded.iter().any(|excluded| excluded == name)
    }
}

//! Which requests are not logged.

use std::sync::Arc;

use http::request;

use crate::classify::Side;
use crate::exchange::isolated;
use crate::message::asked::whole_uri;

type Rule = dyn Fn(&request::Parts) -> bool + Send + Sync;

/// What is skipped: what any of these picks.
#[derive(Clone, Default)]
pub(super) struct Skips {
    pub(super) paths: Vec<Box<str>>,
    pub(super) prefixes: Vec<Box<str>>,
    pub(super) rules: Vec<Arc<Rule>>,
}

impl Skips {
    #[inline]
    pub(super) fn pick(&self, head: &request::Parts, side: Side) -> bool {
        let has_paths = !self.paths.is_empty() || !self.prefixes.is_empty();
        (has_paths && self.pick_path(whole_uri(head, side).path()))
            || self.rules.iter().any(|rule| isolated(|| rule(head)).unwrap_or(false))
    }

    fn pick_path(&self, path: &str) -> bool {
        self.paths.iter().any(|skipped| **skipped == *path)
            || self.prefixes.iter().any(|prefix| path.starts_with(&**prefix))
    }
}

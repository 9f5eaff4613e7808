//! Rules of Prometheus, and the file they stand in.

use std::time::Duration;

use super::yaml::Yaml;
use crate::slo::window::duration_text;

/// Rules that are evaluated one after the other, at one interval.
pub(super) struct Group {
    pub(super) name: String,
    /// Prometheus' own where none is told.
    pub(super) interval: Option<Duration>,
    pub(super) comments: Vec<String>,
    pub(super) rules: Vec<Rule>,
}

pub(super) struct Rule {
    pub(super) kind: Kind,
    pub(super) expr: String,
    pub(super) labels: Vec<(&'static str, String)>,
}

pub(super) enum Kind {
    Record(String),
    Alert(Alert),
}

pub(super) struct Alert {
    pub(super) name: &'static str,
    /// For how long it must hold.
    pub(super) pending: Duration,
    /// For how long it must stay away.
    pub(super) keep_firing: Duration,
    pub(super) annotations: Vec<(&'static str, String)>,
}

impl Group {
    pub(super) fn yaml(&self) -> Yaml {
        let mut members = vec![("name", Yaml::text(&self.name))];
        members.extend(self.interval.map(|interval| ("interval", duration(interval))));
        members.push(("rules", Yaml::List(self.rules.iter().map(Rule::yaml).collect())));
        Yaml::Commented(self.comments.clone(), Box::new(Yaml::Map(members)))
    }
}

impl Rule {
    fn yaml(&self) -> Yaml {
        let mut members = match &self.kind {
            Kind::Record(name) => vec![("record", Yaml::text(name))],
            Kind::Alert(alert) => vec![("alert", Yaml::text(alert.name))],
        };
        members.push(("expr", Yaml::text(&self.expr)));
        if let Kind::Alert(alert) = &self.kind {
            members.push(("for", duration(alert.pending)));
            members.push(("keep_firing_for", duration(alert.keep_firing)));
        }
        members.push(("labels", map(&self.labels)));
        if let Kind::Alert(alert) = &self.kind {
            members.push(("annotations", map(&alert.annotations)));
        }
        Yaml::Map(members)
    }
}

fn duration(duration: Duration) -> Yaml {
    Yaml::text(duration_text(duration))
}

fn map(members: &[(&'static str, String)]) -> Yaml {
    Yaml::Map(members.iter().map(|(key, value)| (*key, Yaml::text(value))).collect())
}

/// A text that stands in a template of Prometheus as it is.
pub(super) fn untemplated(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

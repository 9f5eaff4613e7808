//! What is generated from objectives: rules of Prometheus, a dashboard, runbooks, OpenSLO.

mod beside;
mod burn;
mod dashboard;
mod exact;
mod openslo;
mod queries;
mod rule;
mod runbook;
#[cfg(test)]
mod tests;
mod write;
mod yaml;

use std::path::Path;

use self::queries::Queries;
use self::yaml::{Yaml, comment};
use super::builder::is_page;
use super::objective::Objective;
use crate::config::ConfigError;
use crate::metric_name;

pub use self::runbook::RunbookCommand;
pub use self::write::WriteError;

/// The files that objectives make, for those who watch the service.
///
/// | file | what it is |
/// |---|---|
/// | `rules.yml` | recording and alerting rules, for Prometheus 2.42 and later |
/// | `dashboard.json` | a dashboard of Grafana, in the classic model |
/// | `openslo.yaml` | the objectives as documents of OpenSLO v1 |
/// | `runbooks/<alert>.md` | what to do about each alert |
///
/// ```
/// use tower_observability::slo::{Artefacts, Objective, Target};
///
/// let available =
///     Objective::availability("checkout-availability", Target::percent("99.9")?).build()?;
/// let artefacts = Artefacts::builder("checkout")
///     .objective(available)
///     .runbooks_url("https://runbooks.example/checkout")
///     .build()?;
/// assert!(artefacts.rules().contains("slo:error_budget_remaining:ratio"));
/// # Ok::<(), tower_observability::config::ConfigError>(())
/// ```
///
/// # The rules
///
/// They read [the fleet's counters](Objective), `slo_events_total`, of one `job`, and sum over its
/// instances. For each window of an objective they record `slo:events:increase5m` and
/// `slo:events_bad:increase5m` and divide last: `slo:burn_rate:ratio5m`. That, and
/// `slo:error_budget_remaining:ratio`, is absent where there was no event: there is nothing to tell,
/// and no alert fires or ends for it.
///
/// The budget is of all samples of the period, so that Prometheus must keep them as long
/// (`--storage.tsdb.retention.time`; 15 days by default), and no gap between two evaluations is lost.
/// Each evaluation, once in two minutes (of a period that is [scaled](super::Window::scaled) as much more
/// often, at most once in a second), costs about 50 ms for each instance that is scraped every 15 s.
///
/// `ErrorBudgetBurn` fires for each [`Severity`](super::Severity) that can be reached, with the labels
/// `severity`, `slo` and `window`; beside it there are `ServiceDown`, `HighErrorRate` and
/// `TelemetryLoss`, which need no objective.
///
/// # What they cannot do
///
/// - `increase()` extrapolates to the ends of its window: within the first minute of an instance, few
///   bad events may count as up to twice as many. Ratios are not touched by that.
/// - Events before the first scrape of an instance are not seen.
#[derive(Clone, Debug)]
pub struct Artefacts {
    service: String,
    job: String,
    prefix: String,
    runbooks_url: Option<String>,
    objectives: Vec<Objective>,
}

/// Sets up [`Artefacts`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ArtefactsBuilder {
    artefacts: Artefacts,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefact {
    /// Where it goes, below a directory, with `/` between: `runbooks/ServiceDown.md`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl Artefacts {
    /// Artefacts of a service by this name.
    pub fn builder(service: impl Into<String>) -> ArtefactsBuilder {
        let service = service.into();
        ArtefactsBuilder {
            artefacts: Self {
                job: service.clone(),
                service,
                prefix: String::new(),
                runbooks_url: None,
                objectives: Vec::new(),
            },
        }
    }

    /// The recording and alerting rules: `rules.yml`.
    pub fn rules(&self) -> String {
        let mut text =
            comment(&format!("Rules of {}, for Prometheus 2.42 and later.", self.service));
        if let Some(longest) =
            self.objectives.iter().map(Objective::window).max_by_key(|w| w.period())
        {
            text.push_str(&comment(&format!(
                "The budgets need samples of {longest}: --storage.tsdb.retention.time."
            )));
        }
        let groups = self.objectives.iter().flat_map(|objective| burn::groups(self, objective));
        let groups = groups.chain([beside::group(self)]).map(|group| group.yaml());
        text.push_str(&Yaml::Map(vec![("groups", Yaml::List(groups.collect()))]).document());
        text
    }

    /// The objectives as documents of OpenSLO v1: `openslo.yaml`.
    pub fn openslo(&self) -> String {
        openslo::documents(self)
    }

    /// The dashboard of Grafana, in the classic model: `dashboard.json`.
    pub fn dashboard(&self) -> String {
        dashboard::json(self)
    }

    /// A page for each alert, in Markdown: `runbooks/<alert>.md`.
    pub fn runbooks(&self) -> Vec<Artefact> {
        runbook::pages(self)
    }

    /// The commands of the runbooks. In them, `$ADMIN` and `$PROMETHEUS` stand for URLs and `$TOKEN` for
    /// what the admin service's authoriser asks for.
    pub fn runbook_commands(&self) -> Vec<RunbookCommand> {
        runbook::commands(self)
    }

    /// All files.
    pub fn files(&self) -> Vec<Artefact> {
        let file = |path: &str, text| Artefact { path: path.to_owned(), text };
        let mut files = vec![
            file("rules.yml", self.rules()),
            file("openslo.yaml", self.openslo()),
            file("dashboard.json", self.dashboard()),
        ];
        files.extend(self.runbooks());
        files
    }

    /// Writes all files below a directory, which is made if need be. Each is there whole at any time;
    /// one that was there is replaced.
    ///
    /// # Errors
    /// Names the first path that could not be written; what was written before stays.
    pub fn write_to(&self, directory: impl AsRef<Path>) -> Result<(), WriteError> {
        let directory = directory.as_ref();
        let mut files = self.files().into_iter();
        files.try_for_each(|file| write::atomically(&directory.join(file.path), &file.text))
    }

    fn service(&self) -> &str {
        &self.service
    }

    fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    fn queries(&self) -> Queries<'_> {
        Queries { job: &self.job, prefix: &self.prefix }
    }

    fn runbook_url(&self, alert: &str) -> Option<String> {
        let base = self.runbooks_url.as_deref()?.trim_end_matches('/');
        Some(rule::untemplated(&format!("{base}/{alert}.md")))
    }
}

impl ArtefactsBuilder {
    /// Adds an objective.
    pub fn objective(mut self, objective: Objective) -> Self {
        self.artefacts.objectives.push(objective);
        self
    }

    /// Adds objectives.
    pub fn objectives(mut self, objectives: impl IntoIterator<Item = Objective>) -> Self {
        self.artefacts.objectives.extend(objectives);
        self
    }

    /// The label `job` that Prometheus gives the service's targets; the service's name unless told.
    pub fn job(mut self, job: impl Into<String>) -> Self {
        self.artefacts.job = job.into();
        self
    }

    /// The prefix of the metrics of layers and collectors, as they were told; none unless told.
    /// `slo_events_total` has none.
    pub fn metric_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.artefacts.prefix = prefix.into();
        self
    }

    /// Where the runbooks are published: an absolute URL, to which `/ServiceDown.md` is added. Without it
    /// only the alerts of objectives that have [their own](super::ObjectiveBuilder::runbook_url) tell one.
    pub fn runbooks_url(mut self, url: impl Into<String>) -> Self {
        self.artefacts.runbooks_url = Some(url.into());
        self
    }

    /// The artefacts.
    ///
    /// # Errors
    /// Names the first setting that cannot be used: a service or job that is not made of letters, digits
    /// and `-_./:`, a prefix that is none of a metric's, a URL that is not absolute, two objectives of one
    /// name.
    pub fn build(self) -> Result<Artefacts, ConfigError> {
        let artefacts = self.artefacts;
        for (field, name) in [("service", &artefacts.service), ("job", &artefacts.job)] {
            if !is_plain(name) {
                return Err(ConfigError::new(field, name, "1 to 63 of letters, digits and -_./:"));
            }
        }
        metric_name::prefix(&artefacts.prefix)?;
        if let Some(url) = &artefacts.runbooks_url
            && !is_page(url)
        {
            return Err(ConfigError::new("runbooks_url", url, "an absolute URL of http or https"));
        }
        let mut names: Vec<_> = artefacts.objectives.iter().map(Objective::name).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.array_windows().find(|[name, next]| name == next) {
            return Err(ConfigError::new("objectives", *name, "each name once"));
        }
        Ok(artefacts)
    }
}

/// Whether a name stands for itself in PromQL, YAML, a shell and Markdown.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    (1..=63).contains(&name.len()) && name.bytes().all(is_plain)
}

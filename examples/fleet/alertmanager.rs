//! Posts what one instance sees of its objectives to [Alertmanager's v2 API]: a recipe to copy.
//!
//! Alertmanager takes an alert for over at its `endsAt`. So one that fires is posted again and again,
//! each time with an `endsAt` a little later: where the process dies, its alerts end by themselves.
//!
//! [Alertmanager's v2 API]: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use reqwest::{Client, Url};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::interval;
use tower::BoxError;
use tower_observability::slo::{AlertChange, AlertState, SloTracker};

use crate::objectives::{RUNBOOKS, SERVICE};

/// How often what fires is posted again; a minute does where windows are not scaled.
const AGAIN: Duration = Duration::from_secs(5);
/// For how long a post holds: longer than a few that are lost.
const HOLDS: Duration = Duration::from_secs(20);

/// Posts the alerts of this instance.
pub struct Poster {
    http: Client,
    alerts: Url,
    instance: SocketAddr,
    /// Those that fire, and those of which Alertmanager does not know yet that they are over.
    known: Vec<Alert>,
}

struct Alert {
    change: AlertChange,
    /// Since when it is over.
    over: Option<SystemTime>,
}

impl Poster {
    /// To the Alertmanager at this URL, in the name of the instance that Prometheus scrapes at this
    /// address.
    pub fn new(alertmanager: &str, instance: SocketAddr) -> Result<Self, BoxError> {
        let mut alerts = Url::parse(alertmanager)?;
        alerts
            .path_segments_mut()
            .map_err(|()| format!("{alertmanager} is no URL to post to"))?
            .pop_if_empty()
            .extend(["api", "v2", "alerts"]);
        let http = Client::builder().timeout(AGAIN).build()?;
        Ok(Self { http, alerts, instance, known: Vec::new() })
    }

    /// Posts whatever [`on_change`](tower_observability::slo::SloTrackerBuilder::on_change) sends.
    pub async fn run(mut self, tracker: SloTracker, mut changes: UnboundedReceiver<AlertChange>) {
        let mut again = interval(AGAIN);
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => self.learn(change),
                    None => return,
                },
                // where nothing is asked of the service, nothing else ends an alarm
                _ = again.tick() => tracker.look(),
            }
            while let Ok(change) = changes.try_recv() {
                self.learn(change);
            }
            if let Err(error) = self.post().await {
                tracing::warn!(%error, "Alertmanager was not told; it is tried again");
            }
        }
    }

    fn learn(&mut self, change: AlertChange) {
        let is_same = |alert: &&mut Alert| labels_of(&alert.change) == labels_of(&change);
        match (self.known.iter_mut().find(is_same), change.to) {
            (Some(alert), AlertState::Firing) => *alert = Alert { change, over: None },
            (None, AlertState::Firing) => self.known.push(Alert { change, over: None }),
            (Some(alert), _) if alert.over.is_none() => alert.over = Some(change.at),
            (_, _) => {}
        }
    }

    async fn post(&mut self) -> Result<(), BoxError> {
        if self.known.is_empty() {
            return Ok(());
        }
        let now = SystemTime::now();
        let alerts = self.known.iter().map(|alert| self.json(alert, now));
        let alerts = alerts.collect::<Result<Vec<_>, _>>()?;
        let posted = self.http.post(self.alerts.clone()).json(&alerts).send().await?;
        posted.error_for_status()?;
        self.known.retain(|alert| alert.over.is_none());
        Ok(())
    }

    /// A `postableAlert`.
    fn json(&self, alert: &Alert, now: SystemTime) -> Result<Value, BoxError> {
        let Alert { change, over } = alert;
        let [slo, severity, window] = labels_of(change);
        let remarks = change.objective.description();
        Ok(json!({
            "labels": {
                // its own name: that of the fleet is what Prometheus knows
                "alertname": "InstanceErrorBudgetBurn",
                "job": SERVICE,
                "instance": self.instance.to_string(),
                "slo": slo,
                "severity": severity,
                "window": window,
            },
            "annotations": {
                "summary": format!("{SERVICE}: {} burns the error budget of {slo} too fast", self.instance),
                "description": format!("{remarks} This is the view of one instance alone."),
                "runbook_url": format!("{RUNBOOKS}/ErrorBudgetBurn.md#{slo}"),
            },
            "startsAt": rfc3339(change.at)?,
            "endsAt": rfc3339(over.unwrap_or(now + HOLDS))?,
            "generatorURL": format!("http://{}/slo", self.instance),
        }))
    }
}

/// What tells its alerts apart: slo, severity and window.
fn labels_of(change: &AlertChange) -> [String; 3] {
    let AlertChange { objective, severity, .. } = change;
    [
        objective.name().to_owned(),
        severity.urgency().as_str().to_owned(),
        severity.window_text(objective.window()),
    ]
}

fn rfc3339(at: SystemTime) -> Result<String, time::error::Format> {
    OffsetDateTime::from(at).format(&Rfc3339)
}

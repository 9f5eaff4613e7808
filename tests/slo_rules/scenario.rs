//! One scenario: what the counters tell over time, and what is to fire when.

use serde_json::{Value, json};

use crate::variants::Variant;

pub(crate) struct Scenario {
    /// Why it is tried.
    pub(crate) name: &'static str,
    pub(crate) variant: Variant,
    /// From one sample and one evaluation to the next.
    interval: &'static str,
    series: Vec<Value>,
    looks: Vec<Value>,
    alerts: Vec<Value>,
    fires: bool,
    is_quiet: bool,
}

/// The windows of the severities of 30 days.
pub(crate) const PAGE_1H: (&str, &str) = ("page", "5m/1h");
pub(crate) const PAGE_6H: (&str, &str) = ("page", "30m/6h");
pub(crate) const TICKET_1D: (&str, &str) = ("ticket", "2h/1d");
pub(crate) const TICKET_3D: (&str, &str) = ("ticket", "6h/3d");

const AVAILABILITY: &str = "checkout-availability";

impl Scenario {
    pub(crate) fn new(name: &'static str, interval: &'static str) -> Self {
        Self {
            name,
            variant: Variant::Checkout,
            interval,
            series: Vec::new(),
            looks: Vec::new(),
            alerts: Vec::new(),
            fires: false,
            is_quiet: false,
        }
    }

    pub(crate) fn of(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    /// What a metric tells, in promtool's notation.
    pub(crate) fn series(mut self, series: &str, values: &str) -> Self {
        self.series.push(json!({ "series": series, "values": values }));
        self
    }

    /// What the counters of one instance tell.
    pub(crate) fn events(self, slo: &str, instance: &str, good: &str, bad: &str) -> Self {
        let name = |outcome| {
            format!(
                r#"slo_events_total{{job="checkout",instance="{instance}",slo="{slo}",outcome="{outcome}"}}"#
            )
        };
        self.series(&name("good"), good).series(&name("bad"), bad)
    }

    /// What the counters of the one instance tell of the availability.
    pub(crate) fn counts(self, good: &str, bad: &str) -> Self {
        self.events(AVAILABILITY, "a", good, bad)
    }

    /// Only these conditions of the availability fire then.
    pub(crate) fn burns(self, at: &str, fire: &[(&str, &str)]) -> Self {
        self.burns_of(AVAILABILITY, at, fire)
    }

    pub(crate) fn burns_of(self, slo: &str, at: &str, fire: &[(&str, &str)]) -> Self {
        let labels: Vec<_> = fire
            .iter()
            .map(|(severity, window)| {
                format!(r#"job="checkout",severity="{severity}",slo="{slo}",window="{window}""#)
            })
            .collect();
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        self.fires("ErrorBudgetBurn", &format!(r#",slo="{slo}""#), at, &labels)
    }

    /// Whether this one condition fires then, whatever the others do.
    pub(crate) fn one(self, (severity, window): (&str, &str), at: &str, fires: bool) -> Self {
        let labels = format!(
            r#"job="checkout",severity="{severity}",slo="{AVAILABILITY}",window="{window}""#
        );
        let only = format!(r#",slo="{AVAILABILITY}",window="{window}""#);
        let both: [&str; 1] = [&labels];
        self.fires("ErrorBudgetBurn", &only, at, if fires { &both } else { &[] })
    }

    /// Only alerts with these labels fire then, of those that the matchers pick.
    pub(crate) fn fires(mut self, alert: &str, matchers: &str, at: &str, labels: &[&str]) -> Self {
        self.fires |= !labels.is_empty();
        self.is_quiet |= labels.is_empty();
        let samples = labels.iter().map(|labels| {
            let labels = format!(r#"ALERTS{{alertname="{alert}",alertstate="firing",{labels}}}"#);
            json!({ "labels": labels, "value": 1 })
        });
        let samples: Vec<_> = samples.collect();
        self.looks.push(json!({
            "expr": format!(r#"ALERTS{{alertname="{alert}",alertstate="firing"{matchers}}}"#),
            "eval_time": at,
            "exp_samples": samples,
        }));
        self
    }

    /// An expression has this value then, without labels; `None` where it has none.
    pub(crate) fn value(mut self, at: &str, expr: &str, value: Option<f64>) -> Self {
        let samples: Vec<_> = value.iter().map(|value| json!({ "value": value })).collect();
        self.looks.push(json!({ "expr": expr, "eval_time": at, "exp_samples": samples }));
        self
    }

    /// All that fires by this name then, with annotations.
    pub(crate) fn tells(mut self, alert: &str, at: &str, alerts: Value) -> Self {
        self.alerts.push(json!({ "alertname": alert, "eval_time": at, "exp_alerts": alerts }));
        self
    }

    /// Whether something is to fire in it and, at another time, not to.
    pub(crate) fn can_fail(&self) -> bool {
        self.fires && self.is_quiet
    }

    pub(crate) fn file_name(&self) -> String {
        format!("{}.json", self.name.replace(' ', "-"))
    }

    /// What `promtool test rules` reads: JSON is YAML.
    pub(crate) fn document(&self) -> Value {
        json!({
            "rule_files": [format!("{}/rules.yml", self.variant.name())],
            "evaluation_interval": self.interval,
            "tests": [{
                "interval": self.interval,
                "input_series": self.series,
                "promql_expr_test": self.looks,
                "alert_rule_test": self.alerts,
            }],
        })
    }
}

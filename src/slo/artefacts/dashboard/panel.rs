//! One panel.

use serde_json::{Value, json};

use super::datasource;

pub(super) struct Panel {
    pub(super) title: String,
    pub(super) description: &'static str,
    pub(super) unit: Unit,
    pub(super) shape: Shape,
    pub(super) queries: Vec<Query>,
}

pub(super) struct Query {
    pub(super) expr: String,
    pub(super) legend: String,
}

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Graph,
    /// One number, red below nothing, green from so much on.
    Number,
}

/// What is measured, by Grafana's names.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    RequestsPerSecond,
    EventsPerSecond,
    Ratio,
    Seconds,
    Bytes,
    Count,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerSecond => "reqps",
            Self::EventsPerSecond => "cps",
            Self::Ratio => "percentunit",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Count => "short",
        }
    }
}

impl Panel {
    pub(super) fn graph(
        title: impl Into<String>,
        description: &'static str,
        unit: Unit,
        queries: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let query = |(expr, legend)| Query { expr, legend };
        let queries = queries.into_iter().map(query).collect();
        Self { title: title.into(), description, unit, shape: Shape::Graph, queries }
    }

    pub(super) fn json(&self, id: usize, place: &Value) -> Value {
        let targets = self.queries.iter().enumerate().map(|(at, query)| {
            json!({
                "refId": ref_id(at),
                "datasource": datasource(),
                "expr": query.expr,
                "legendFormat": query.legend,
                "editorMode": "code",
                "range": matches!(self.shape, Shape::Graph),
                "instant": matches!(self.shape, Shape::Number),
            })
        });
        let targets: Vec<_> = targets.collect();
        json!({
            "id": id,
            "type": match self.shape { Shape::Graph => "timeseries", Shape::Number => "stat" },
            "title": self.title,
            "description": self.description,
            "datasource": datasource(),
            "gridPos": place,
            "targets": targets,
            "fieldConfig": { "defaults": self.defaults(), "overrides": [] },
            "options": self.options(),
        })
    }

    fn defaults(&self) -> Value {
        match self.shape {
            Shape::Graph => json!({
                "unit": self.unit.as_str(),
                "color": { "mode": "palette-classic" },
                "custom": { "drawStyle": "line", "fillOpacity": 10, "showPoints": "never" },
            }),
            Shape::Number => json!({
                "unit": self.unit.as_str(),
                "decimals": 2,
                "noValue": "nothing counted",
                "color": { "mode": "thresholds" },
                "thresholds": { "mode": "absolute", "steps": [
                    // the first step has no lower bound
                    { "color": "red", "value": null },
                    { "color": "orange", "value": 0 },
                    { "color": "green", "value": 0.25 },
                ]},
            }),
        }
    }

    fn options(&self) -> Value {
        match self.shape {
            Shape::Graph => json!({
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Shape::Number => json!({
                "colorMode": "value",
                "graphMode": "none",
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            }),
        }
    }
}

/// `A`, `B` and so on: no panel has more than 26 queries.
fn ref_id(at: usize) -> String {
    let letter = u8::try_from(at).ok().and_then(|at| b'A'.checked_add(at));
    letter.map_or_else(|| at.to_string(), |letter| char::from(letter).to_string())
}

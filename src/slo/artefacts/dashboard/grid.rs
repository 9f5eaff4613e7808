//! Where panels stand: three beside one another, in rows of 24 columns.

use serde_json::{Value, json};

use super::panel::Panel;

/// Panels under a title.
pub(super) struct Row {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
}

const BESIDE: usize = 3;
const WIDTH: usize = 24 / BESIDE;
const HEIGHT: usize = 8;

pub(super) fn laid_out(rows: Vec<Row>) -> Vec<Value> {
    let (mut all, mut top) = (Vec::new(), 0);
    for row in rows {
        all.push(json!({
            "id": all.len() + 1,
            "type": "row",
            "title": row.title,
            "collapsed": false,
            "panels": [],
            "gridPos": { "h": 1, "w": 24, "x": 0, "y": top },
        }));
        top += 1;
        for panels in row.panels.chunks(BESIDE) {
            for (at, panel) in panels.iter().enumerate() {
                let place = json!({ "h": HEIGHT, "w": WIDTH, "x": at * WIDTH, "y": top });
                all.push(panel.json(all.len() + 1, &place));
            }
            top += HEIGHT;
        }
    }
    all
}

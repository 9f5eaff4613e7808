//! Plots, as SVG without a text in it: texts stand beside, in the size of all others.

use std::fmt::Write;

use super::phrase::Phrase;
use crate::escape;

/// What a plot is drawn on.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;

/// The largest number that is drawn as it is, so that differences are finite.
const MOST: f64 = 1e15;

/// A line through values over time; it stops where there are none.
#[derive(Clone, Debug)]
pub(in crate::admin) struct LineChart {
    title: String,
    points: Vec<(f64, Option<f64>)>,
    range: [f64; 2],
    baseline: Option<f64>,
    shown: fn(f64) -> String,
    ends: [Phrase; 2],
}

impl LineChart {
    /// Through these points, ordered by time. The title tells what is to be seen to whoever does not see it.
    /// The range is at least that of the numbers given, and all points are in it.
    pub(in crate::admin) fn new(
        title: impl Into<String>,
        points: impl IntoIterator<Item = (f64, Option<f64>)>,
        [least, most]: [f64; 2],
    ) -> Self {
        let drawn = |value: f64| value.clamp(-MOST, MOST);
        let points: Vec<_> = points
            .into_iter()
            .filter(|(at, _)| at.is_finite())
            .map(|(at, value)| (drawn(at), value.filter(|value| !value.is_nan()).map(drawn)))
            .collect();
        let values = points.iter().filter_map(|(_, value)| *value);
        let range = values.fold([drawn(least), drawn(most)], |[least, most], value| {
            [least.min(value), most.max(value)]
        });
        Self {
            title: title.into(),
            points,
            range,
            baseline: None,
            shown: |value| value.to_string(),
            ends: Default::default(),
        }
    }

    /// A line across, at this value.
    pub(in crate::admin) fn baseline(self, value: f64) -> Self {
        Self { baseline: Some(value), ..self }
    }

    /// How values are told, and what is said at the beginning and the end of the line.
    pub(in crate::admin) fn labels(self, shown: fn(f64) -> String, ends: [Phrase; 2]) -> Self {
        Self { shown, ends, ..self }
    }

    pub(super) fn write(&self, html: &mut String, class: &'static str) {
        begin_svg(html, class, &self.title);
        if let Some(baseline) = self.baseline {
            let y = place(baseline, self.range, [HEIGHT, 0.0]);
            // writing into a String cannot fail
            let _ = write!(html, "<path class=\"base\" d=\"M0 {y:.2}H{WIDTH}\"/>");
        }
        html.push_str("<path class=\"curve\" d=\"");
        self.write_line(html);
        html.push_str("\"/></svg>");
    }

    fn write_line(&self, html: &mut String) {
        let at = |of: Option<&(f64, _)>| of.map_or(0.0, |(at, _)| *at);
        let times = [at(self.points.first()), at(self.points.last())];
        let mut is_drawing = false;
        for (at, value) in &self.points {
            let Some(value) = value else {
                is_drawing = false;
                continue;
            };
            let (x, y) =
                (place(*at, times, [0.0, WIDTH]), place(*value, self.range, [HEIGHT, 0.0]));
            // a line of no length is a point
            let _ = match is_drawing {
                true => write!(html, "L{x:.2} {y:.2}"),
                false => write!(html, "M{x:.2} {y:.2}h0"),
            };
            is_drawing = true;
        }
    }

    pub(super) fn write_figure(&self, html: &mut String) {
        html.push_str("<figure><figcaption>");
        escape::html(html, &self.title);
        html.push_str("</figcaption>");
        let [least, most] = self.range;
        for (value, plot) in [(most, true), (least, false)] {
            html.push_str("<div class=\"range\">");
            escape::html(html, &(self.shown)(value));
            html.push_str("</div>");
            if plot {
                self.write(html, "line");
            }
        }
        html.push_str("<div class=\"ends\">");
        for end in &self.ends {
            html.push_str("<span>");
            html.push_str(end.html());
            html.push_str("</span>");
        }
        html.push_str("</div></figure>\n");
    }
}

/// Values by name, each as a bar: a histogram, lying on its side so that it fits a narrow page.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Bars {
    title: String,
    bars: Vec<(String, Option<f64>, String)>,
}

impl Bars {
    pub(in crate::admin) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), bars: Vec::new() }
    }

    /// One more bar: its name, its value if there is one, and how that is told. Less than 0 is drawn as 0.
    pub(in crate::admin) fn bar(&mut self, name: &str, value: Option<f64>, told: &str) {
        let value = value.filter(|value| !value.is_nan()).map(|value| value.clamp(0.0, MOST));
        self.bars.push((name.to_owned(), value, told.to_owned()));
    }

    pub(super) fn write(&self, html: &mut String) {
        let most = self.bars.iter().filter_map(|(_, value, _)| *value).fold(0.0, f64::max);
        html.push_str("<figure class=\"bars\"><figcaption>");
        escape::html(html, &self.title);
        html.push_str("</figcaption><dl>\n");
        for (name, value, told) in &self.bars {
            html.push_str("<div><dt>");
            escape::html(html, name);
            html.push_str("</dt><dd>");
            begin_svg(html, "bar", &format!("{name}: {told}"));
            let width = match value {
                Some(value) if most > 0.0 => value / most * WIDTH,
                _ => 0.0,
            };
            // writing into a String cannot fail
            let _ = write!(html, "<rect width=\"{width:.2}\" height=\"{HEIGHT}\"/></svg>");
            html.push_str("<span>");
            escape::html(html, told);
            html.push_str("</span></dd></div>\n");
        }
        html.push_str("</dl></figure>\n");
    }
}

fn begin_svg(html: &mut String, class: &'static str, title: &str) {
    let _ = write!(
        html,
        "<svg class=\"{class}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" \
         role=\"img\"><title>"
    );
    escape::html(html, title);
    html.push_str("</title>");
}

/// Where a value of one range is in another; in its middle where there is but one value.
fn place(value: f64, [least, most]: [f64; 2], [from, to]: [f64; 2]) -> f64 {
    let share = if most > least { (value - least) / (most - least) } else { 0.5 };
    from + share.clamp(0.0, 1.0) * (to - from)
}

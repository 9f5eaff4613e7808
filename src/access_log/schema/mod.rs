//! The names that a line of JSON gives its fields.

mod ecs;
mod gcp;
mod otel;

use super::json::{Members, Object};
use super::line::Line;
use tracing::Level;

/// The schema of a line of JSON: its names, its units, its levels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schema {
    /// A record of [OpenTelemetry's log data model](https://opentelemetry.io/docs/specs/otel/logs/data-model/)
    /// with the semantic conventions' attributes; durations in seconds.
    ///
    /// What a handler annotated stands among the attributes under its own key; a key that this
    /// crate uses itself is left out there. Constant fields stand in `resource`.
    #[default]
    OpenTelemetry,
    /// The [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs), 8.11; durations in
    /// nanoseconds.
    ///
    /// What a handler annotated stands in `labels`, which are flat: dots in a key become
    /// underscores, and of keys that are the same then the first is kept. What ECS has no name for stands under
    /// `exchange.` or OpenTelemetry's name. Constant fields stand at the top, unless this crate uses
    /// their key itself.
    Ecs,
    /// [Google Cloud Logging's structured
    /// format](https://cloud.google.com/logging/docs/structured-logging) with its `httpRequest`;
    /// durations are text such as `"1.200000000s"`, sizes are text too.
    ///
    /// What a handler annotated stands in `attributes`. Constant fields are the entry's labels, as
    /// text.
    Gcp {
        /// The project whose traces the line's trace ID is one of; without it the ID stands alone.
        project: Option<String>,
    },
}

impl Schema {
    /// Appends the line's object.
    #[inline]
    pub(super) fn write(&self, line: &Line<'_>, out: &mut Vec<u8>) {
        out.reserve(1024);
        Object::write(out, |object| match self {
            Self::OpenTelemetry => otel::write(line, object),
            Self::Ecs => ecs::write(line, object),
            Self::Gcp { project } => gcp::write(line, project.as_deref(), object),
        });
    }
}

/// The names of a level.
struct Severity {
    /// With its number and the message of each kind of line, in one text.
    otel: [Members; 2],
    ecs: &'static str,
    gcp: &'static str,
}

/// The members of OpenTelemetry's that tell a level: of the line of a start, and of an end.
macro_rules! otel {
    ($name:literal, $number:literal) => {
        [otel!($name, $number, "exchange started"), otel!($name, $number, "exchange ended")]
    };
    ($name:literal, $number:literal, $message:literal) => {
        Members(concat!(
            ",\"severity_text\":\"",
            $name,
            "\",\"severity_number\":",
            $number,
            ",\"body\":\"",
            $message,
            "\"",
        ))
    };
}

fn severity(level: Level) -> Severity {
    match level {
        Level::ERROR => Severity { otel: otel!("ERROR", 17), ecs: "error", gcp: "ERROR" },
        Level::WARN => Severity { otel: otel!("WARN", 13), ecs: "warn", gcp: "WARNING" },
        Level::INFO => Severity { otel: otel!("INFO", 9), ecs: "info", gcp: "INFO" },
        Level::DEBUG => Severity { otel: otel!("DEBUG", 5), ecs: "debug", gcp: "DEBUG" },
        // Google has nothing below DEBUG
        Level::TRACE => Severity { otel: otel!("TRACE", 1), ecs: "trace", gcp: "DEBUG" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_log::{ENDED, STARTED};

    #[test]
    fn messages_are_the_same_in_every_schema() {
        for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
            let [started, ended] = severity(level).otel;
            assert!(started.0.ends_with(&format!(",\"body\":\"{STARTED}\"")), "{}", started.0);
            assert!(ended.0.ends_with(&format!(",\"body\":\"{ENDED}\"")), "{}", ended.0);
        }
    }
}

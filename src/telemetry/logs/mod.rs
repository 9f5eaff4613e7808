//! The program's own log lines: where they go, in what form, and from which level.

mod filter;
mod layer;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

pub use filter::{InvalidFilter, LogFilter};
pub use layer::LogLayer;
pub(super) use layer::layer;

/// How the lines of a log look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// [`Pretty`](Self::Pretty) on a terminal, else [`Json`](Self::Json).
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// Text for people to read, one event a line.
    Pretty,
}

/// Where the lines of a log go.
#[derive(Clone, Default)]
pub(super) enum Output {
    #[default]
    Stdout,
    Stderr,
    Writer(Writer),
}

/// A writer of the user's own, shared.
#[derive(Clone)]
pub(super) struct Writer(Arc<BoxMakeWriter>);

impl Writer {
    pub(super) fn new(writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static) -> Self {
        Self(Arc::new(BoxMakeWriter::new(writer)))
    }
}

impl<'w> MakeWriter<'w> for Writer {
    type Writer = Box<dyn Write + 'w>;

    fn make_writer(&'w self) -> Self::Writer {
        self.0.make_writer()
    }

    fn make_writer_for(&'w self, metadata: &tracing::Metadata<'_>) -> Self::Writer {
        self.0.make_writer_for(metadata)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "Stdout",
            Self::Stderr => "Stderr",
            Self::Writer(_) => "Writer(..)",
        })
    }
}

/// What is set for logs.
#[derive(Clone, Debug, Default)]
pub(super) struct LogSettings {
    /// No lines if none.
    pub(super) format: Option<LogFormat>,
    pub(super) output: Output,
    /// [`LogFilter::DEFAULT`] if none.
    pub(super) filter: Option<String>,
}

impl LogSettings {
    /// Whether lines are JSON, if there are to be lines.
    fn json(&self) -> Option<bool> {
        Some(match self.format? {
            LogFormat::Json => true,
            LogFormat::Pretty => false,
            LogFormat::Auto => match self.output {
                Output::Stdout => !std::io::stdout().is_terminal(),
                Output::Stderr => !std::io::stderr().is_terminal(),
                Output::Writer(_) => true,
            },
        })
    }
}

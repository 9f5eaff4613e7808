//! The formats, and how one is chosen.

use http::HeaderMap;
use http::header::ACCEPT;
use prometheus::Registry;

use super::{clean::clean, extras, openmetrics, text};
use crate::message::accept::{self, Media, Parameter};

/// A format in which a registry's metrics are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus' text format 0.0.4, which everything reads.
    #[default]
    Text,
    /// OpenMetrics 1.0.0: what the text format tells, with exemplars and the time each series began.
    ///
    /// A counter whose name does not end in `_total` is told as `unknown` under its own name, and so is
    /// what has a name or a value that OpenMetrics forbids: no series changes its name with the format.
    OpenMetrics,
    /// Length-delimited `io.prometheus.client.MetricFamily` messages: what OpenMetrics tells, and native
    /// histograms.
    #[cfg(feature = "metrics-protobuf")]
    Protobuf,
}

impl Format {
    /// Every format, the one first that is chosen where the caller wants none more than another.
    pub(super) const ALL: &[Self] = &[
        Self::Text,
        Self::OpenMetrics,
        #[cfg(feature = "metrics-protobuf")]
        Self::Protobuf,
    ];

    /// The value of `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            #[cfg(feature = "metrics-protobuf")]
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        }
    }

    /// The format that a request's `Accept` asks for (RFC 9110, section 12.5.1): of those it accepts, the
    /// one of the highest weight.
    ///
    /// [`Text`](Self::Text) where there is no `Accept`, where none of the formats is in it, and where it
    /// cannot be read: a scrape that gets something is better than one that gets nothing.
    ///
    /// ```
    /// use http::{HeaderMap, header::ACCEPT};
    /// use tower_observability::metrics::Format;
    ///
    /// let mut headers = HeaderMap::new();
    /// assert_eq!(Format::accepted(&headers), Format::Text);
    /// headers.insert(ACCEPT, "application/openmetrics-text, text/plain;q=0.5".parse()?);
    /// assert_eq!(Format::accepted(&headers), Format::OpenMetrics);
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    #[must_use]
    pub fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accept::choose(values, Self::ALL).unwrap_or_default()
    }
}

/// Gathers a registry's metrics, and tells them all in a format: those of this crate and the user's own.
///
/// Left out is only what no reader would take: a family or a label with a name of other characters than
/// Prometheus allows, a second metric of the same labels, and what is of no type.
///
/// # Panics
///
/// When a collector of the registry panics. [`MetricsService`](super::MetricsService) answers 500 then.
///
/// ```
/// use prometheus::{IntCounter, Registry};
/// use tower_observability::metrics::{Format, encode};
///
/// let registry = Registry::new();
/// let orders = IntCounter::new("orders_total", "Orders taken.")?;
/// registry.register(Box::new(orders.clone()))?;
/// orders.inc();
/// let text = "# HELP orders_total Orders taken.\n# TYPE orders_total counter\norders_total 1\n";
/// assert_eq!(encode(&registry, Format::Text), text.as_bytes());
/// # Ok::<(), prometheus::Error>(())
/// ```
#[must_use]
pub fn encode(registry: &Registry, format: Format) -> Vec<u8> {
    let (mut families, told) = extras::gather(registry);
    clean(&mut families, &told);
    match format {
        Format::Text => text::encode(&families, &told).into_bytes(),
        Format::OpenMetrics => openmetrics::encode(&families, &told).into_bytes(),
        #[cfg(feature = "metrics-protobuf")]
        Format::Protobuf => super::protobuf::encode(&families, &told),
    }
}

impl Media for Format {
    fn media_type(&self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("text", "plain"),
            Self::OpenMetrics => ("application", "openmetrics-text"),
            #[cfg(feature = "metrics-protobuf")]
            Self::Protobuf => ("application", "vnd.google.protobuf"),
        }
    }

    fn parameters(&self) -> &'static [Parameter] {
        const UTF_8: Parameter = Parameter { name: "charset", values: &["utf-8"] };
        match self {
            Self::Text => &[Parameter { name: "version", values: &["0.0.4"] }, UTF_8],
            // the draft that Prometheus 2 lists beside it has the same text
            Self::OpenMetrics => {
                &[Parameter { name: "version", values: &["1.0.0", "0.0.1"] }, UTF_8]
            }
            #[cfg(feature = "metrics-protobuf")]
            Self::Protobuf => &[
                Parameter { name: "proto", values: &["io.prometheus.client.MetricFamily"] },
                Parameter { name: "encoding", values: &["delimited"] },
            ],
        }
    }
}

//! The OpenTelemetry backend: the same exchanges, recorded with the Meter API.
//!
//! Histograms are the SDK's own, each series with attributes that are made once. What is counted
//! anyway (exchanges under way, their high-water mark, those shed, those over the cap) is read from
//! the layer's own counts, when the SDK collects.

mod observed;
mod recorder;
#[cfg(all(test, feature = "testing"))]
mod tests;

use std::sync::Arc;

use opentelemetry::metrics::{Histogram, Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue, Value, global};

use self::recorder::Recorder;
use super::MetricsBuilder;
use super::definitions::{Definition, Each, Kind, OfExchanges};
use super::instrument::bounds::{Bounds, Unit};
use super::instruments::Waits;
use super::names::ConstantLabels;
use super::series::labels::{Label, LabelValue, Labels};
use super::series::store::{Measured, SeriesBounds};
use crate::classify::Side;
use crate::exchange::WaitEnd;

/// The version of the semantic conventions that names and attributes follow.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

impl MetricsBuilder {
    /// Records with a meter of this provider, too: beside the registry of
    /// [`register`](Self::register), or, with [`build`](Self::build), instead of one. Given again,
    /// the last one holds.
    ///
    /// The instruments have the names of OpenTelemetry's semantic conventions, such as
    /// `http.server.request.duration` in `s`, and those of this crate's own in the same style; the
    /// [`prefix`](Self::prefix) is Prometheus' alone. Attributes have the values of the labels,
    /// numbers as integers; constant labels are attributes, too. The buckets are those of this
    /// builder. The meter is `tower-observability`, with the version of the crate and the schema URL
    /// of the conventions.
    ///
    /// What to know of it:
    /// - The SDK keeps 2000 attribute sets of an instrument by default, and drops *all* attributes of
    ///   what comes after them. Keep [`max_series`](Self::max_series) well below, as the sets with
    ///   `_overflow` come on top, or raise the limit by a view
    ///   (`Stream::builder().with_cardinality_limit`).
    /// - Two layers of the same side on one provider share their instruments: clone one layer, or
    ///   tell them apart by a constant label. Otherwise the SDK takes the exchanges under way, those
    ///   shed and those over the cap from one of them alone.
    /// - `..._max` is the most since a collection: two readers of one provider take it from each
    ///   other. A registry does not: it has a mark of its own.
    /// - The SDK adds seconds up as floating-point numbers, so that the last digits of a sum may
    ///   differ from Prometheus', which is exact to the nanosecond. Counts and buckets never do.
    /// - The Rust SDK records no exemplars, and feature flags are counted for Prometheus alone, as are
    ///   operations, the process and its runtimes.
    /// - Each record costs a look-up of its attributes by their hash. With the feature
    ///   `otel-metrics-bound`, and an `SdkMeterProvider` given here by its own type, it costs none:
    ///   the SDK's experimental bound instruments keep the place. Other providers need not implement
    ///   those, and are always recorded to by attributes.
    ///
    /// ```
    /// use opentelemetry_sdk::metrics::SdkMeterProvider;
    /// use tower_observability::metrics::MetricsLayer;
    ///
    /// let provider = SdkMeterProvider::builder().build();
    /// let layer = MetricsLayer::server().meter_provider(&provider).build()?;
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn meter_provider<P>(mut self, provider: &P) -> Self
    where
        P: MeterProvider + ?Sized + 'static,
    {
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .with_schema_url(SCHEMA_URL)
            .build();
        let meter = provider.meter_with_scope(scope);
        self.meter = Some(Source { meter, binds: recorder::binds::<P>() });
        self
    }

    /// Records with the provider that is global now: install it first. As
    /// [`meter_provider`](Self::meter_provider), by attributes.
    pub fn global_meter_provider(self) -> Self {
        self.meter_provider(&*global::meter_provider())
    }
}

/// Where instruments come from.
#[derive(Clone)]
pub(super) struct Source {
    meter: Meter,
    /// Whether they implement what is experimental.
    binds: bool,
}

impl Source {
    /// The histograms of a layer.
    pub(super) fn backend(
        self,
        side: Side,
        bounds: &SeriesBounds,
        poll_ready: &Bounds,
        constant_labels: &ConstantLabels,
    ) -> Backend {
        let constant =
            |(name, value): (&str, &str)| KeyValue::new(name.to_owned(), value.to_owned());
        let attributes: Vec<_> = constant_labels.iter().map(constant).collect();
        let definitions = Each::of(side);
        let poll_ready = self.histogram(&definitions.poll_ready, poll_ready);
        let wait = |error: Option<&'static str>| {
            let own = error.map(|error| Label::text("error.type", error));
            let attributes = with_constant(&attributes, own).into();
            Recorder::new(&poll_ready, Unit::Seconds, attributes, self.binds)
        };
        Backend {
            side,
            http: self.histograms(&definitions.http, bounds),
            rpc: self.histograms(&definitions.rpc, bounds),
            waits: Waits::by(wait),
            constant: attributes,
            source: self,
        }
    }

    fn histograms(&self, of: &OfExchanges<Definition>, bounds: &SeriesBounds) -> Histograms {
        Histograms {
            duration: self.histogram(&of.duration, &bounds.duration),
            time_to_first_byte: self.histogram(&of.time_to_first_byte, &bounds.time_to_first_byte),
            request_body_size: self.histogram(&of.request_body_size, &bounds.request_body_size),
            response_body_size: self.histogram(&of.response_body_size, &bounds.response_body_size),
        }
    }

    fn histogram(&self, definition: &Definition, bounds: &Bounds) -> Histogram<f64> {
        // sizes are floats, too: a caller's Content-Length cannot overflow their sum
        let builder = self.meter.f64_histogram(definition.name.clone());
        builder
            .with_description(definition.description)
            .with_unit(unit(definition))
            .with_boundaries(bounds.told().collect())
            .build()
    }
}

/// What one layer records with.
pub(super) struct Backend {
    side: Side,
    source: Source,
    /// The attributes that everything has.
    constant: Vec<KeyValue>,
    http: Histograms,
    rpc: Histograms,
    waits: Waits<Recorder>,
}

struct Histograms {
    duration: Histogram<f64>,
    time_to_first_byte: Histogram<f64>,
    request_body_size: Histogram<f64>,
    response_body_size: Histogram<f64>,
}

impl Backend {
    /// What the exchanges with these labels are recorded with.
    pub(super) fn series(&self, labels: &Labels<'_>) -> OfSeries {
        let of = if labels.is_grpc() { &self.rpc } else { &self.http };
        let attributes: Arc<[_]> = with_constant(&self.constant, labels.told(self.side)).into();
        let recorder = |histogram, unit| {
            Recorder::new(histogram, unit, Arc::clone(&attributes), self.source.binds)
        };
        OfSeries(Box::new(Recorders {
            duration: recorder(&of.duration, Unit::Seconds),
            time_to_first_byte: recorder(&of.time_to_first_byte, Unit::Seconds),
            request_body_size: recorder(&of.request_body_size, Unit::Bytes),
            response_body_size: recorder(&of.response_body_size, Unit::Bytes),
        }))
    }

    /// Records how many nanoseconds a request waited.
    pub(super) fn waited(&self, wait: u64, end: WaitEnd) {
        self.waits.of(end).record(wait);
    }
}

/// What the exchanges of one series are recorded with.
pub(super) struct OfSeries(Box<Recorders>);

struct Recorders {
    duration: Recorder,
    time_to_first_byte: Recorder,
    request_body_size: Recorder,
    response_body_size: Recorder,
}

impl OfSeries {
    pub(super) fn record(&self, measured: &Measured) {
        let Recorders { duration, time_to_first_byte, request_body_size, response_body_size } =
            &*self.0;
        duration.record(measured.duration);
        for (recorder, value) in [
            (time_to_first_byte, measured.time_to_first_byte),
            (request_body_size, measured.request_body_size),
            (response_body_size, measured.response_body_size),
        ] {
            if let Some(value) = value {
                recorder.record(value);
            }
        }
    }
}

/// As the conventions write them: <https://opentelemetry.io/docs/specs/semconv/general/metrics/>.
fn unit(definition: &Definition) -> &'static str {
    match definition.kind {
        Kind::Histogram(Unit::Seconds) => "s",
        Kind::Histogram(Unit::Bytes) => "By",
        Kind::Gauge | Kind::Counter if definition.name.starts_with("rpc.") => "{call}",
        Kind::Gauge | Kind::Counter => "{request}",
    }
}

fn with_constant<'a>(
    constant: &[KeyValue],
    own: impl IntoIterator<Item = Label<'a>>,
) -> Vec<KeyValue> {
    let attribute = |label: Label<'_>| {
        let value = match label.value {
            LabelValue::Text(text) => Value::from(text.to_owned()),
            LabelValue::Number(number) => Value::from(i64::from(number)),
        };
        KeyValue::new(label.key, value)
    };
    constant.iter().cloned().chain(own.into_iter().map(attribute)).collect()
}

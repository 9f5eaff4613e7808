//! How a layer is set up.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;

use super::MetricsLayer;
use super::collector::LayerCollector;
use super::definitions::Each;
use super::flags;
use super::instrument::bounds::Bounds;
use super::instruments::Instruments;
use super::names::{self, ConstantLabels, prometheus_label};
use super::observer::{Metrics, Sheds};
use super::register::{RegisterError, register};
use super::routes::RouteRule;
use super::series::store::SeriesBounds;
use crate::caller::TrustedProxies;
use crate::classify::Side;
use crate::config::ConfigError;
use crate::exchange::ObserveLayer;
use crate::message::server::is_host;

/// Sets up a [`MetricsLayer`]; a setting that cannot be used is an error of the last step.
#[derive(Clone)]
#[must_use = "a layer is made by `register` or `build`"]
pub struct MetricsBuilder {
    side: Side,
    prefix: String,
    constant_labels: Vec<(String, String)>,
    max_series: usize,
    max_servers: usize,
    duration: Result<Bounds, ConfigError>,
    time_to_first_byte: Result<Bounds, ConfigError>,
    request_body_size: Result<Bounds, ConfigError>,
    response_body_size: Result<Bounds, ConfigError>,
    poll_ready: Result<Bounds, ConfigError>,
    /// Counts every value in a native histogram, too.
    #[cfg(feature = "metrics-protobuf")]
    native: bool,
    routes: RouteRule,
    proxies: Option<TrustedProxies>,
    server: Option<(Arc<str>, u16)>,
    sheds: Option<Arc<Sheds>>,
    #[cfg(feature = "otel-metrics")]
    pub(super) meter: Option<super::otel::Source>,
}

impl MetricsLayer {
    /// Measures the requests that a service answers.
    pub fn server() -> MetricsBuilder {
        MetricsBuilder::new(Side::Server)
    }

    /// Measures the requests that a client sends. Put it inside of any retry, so that each attempt
    /// is measured on its own.
    pub fn client() -> MetricsBuilder {
        MetricsBuilder::new(Side::Client)
    }
}

impl MetricsBuilder {
    /// The most series a layer makes unless [`max_series`](Self::max_series) says otherwise.
    pub const DEFAULT_MAX_SERIES: usize = 2000;
    /// The most servers a client's layer tells apart unless [`max_servers`](Self::max_servers) says
    /// otherwise.
    pub const DEFAULT_MAX_SERVERS: usize = 100;

    fn new(side: Side) -> Self {
        Self {
            side,
            prefix: String::new(),
            constant_labels: Vec::new(),
            max_series: Self::DEFAULT_MAX_SERIES,
            max_servers: Self::DEFAULT_MAX_SERVERS,
            duration: Ok(Bounds::seconds()),
            time_to_first_byte: Ok(Bounds::seconds()),
            request_body_size: Ok(Bounds::bytes()),
            response_body_size: Ok(Bounds::bytes()),
            poll_ready: Ok(Bounds::seconds()),
            #[cfg(feature = "metrics-protobuf")]
            native: false,
            routes: RouteRule::default(),
            proxies: None,
            server: None,
            sheds: None,
            #[cfg(feature = "otel-metrics")]
            meter: None,
        }
    }

    /// Puts a prefix and `_` before every name of Prometheus: `shop` makes
    /// `shop_http_server_request_duration_seconds`. None by default.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Adds a label that every series has.
    pub fn constant_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.constant_labels.push((name.into(), value.into()));
        self
    }

    /// The upper bounds of the buckets for durations; by default the 14 from 5 ms to 10 s that
    /// OpenTelemetry's conventions advise.
    pub fn duration_buckets(mut self, bounds: impl IntoIterator<Item = Duration>) -> Self {
        self.duration = Bounds::of_durations("duration_buckets", bounds);
        self
    }

    /// The upper bounds of the buckets for times to the response headers; by default those of
    /// durations, from 5 ms to 10 s.
    pub fn time_to_first_byte_buckets(
        mut self,
        bounds: impl IntoIterator<Item = Duration>,
    ) -> Self {
        self.time_to_first_byte = Bounds::of_durations("time_to_first_byte_buckets", bounds);
        self
    }

    /// The upper bounds of the buckets for sizes of request bodies, in bytes; by default powers of
    /// four from 64 B to 64 MiB.
    pub fn request_body_size_buckets(mut self, bounds: impl IntoIterator<Item = u64>) -> Self {
        self.request_body_size = Bounds::of_sizes("request_body_size_buckets", bounds);
        self
    }

    /// The upper bounds of the buckets for sizes of response bodies, in bytes; by default powers of
    /// four from 64 B to 64 MiB.
    pub fn response_body_size_buckets(mut self, bounds: impl IntoIterator<Item = u64>) -> Self {
        self.response_body_size = Bounds::of_sizes("response_body_size_buckets", bounds);
        self
    }

    /// The upper bounds of the buckets for waits in `poll_ready`; by default those of durations,
    /// from 5 ms to 10 s.
    pub fn poll_ready_buckets(mut self, bounds: impl IntoIterator<Item = Duration>) -> Self {
        self.poll_ready = Bounds::of_durations("poll_ready_buckets", bounds);
        self
    }

    /// Counts every value in a native histogram as well, whose buckets grow by 2^(1/8): at most 9 % off
    /// from 1 µs to 68 min and up to 4 GiB. Prometheus reads them in its protobuf format alone, from 2.40 on with
    /// `--enable-feature=native-histograms`. Each histogram takes some 2 KiB more for each processor.
    /// Off by default.
    #[cfg(feature = "metrics-protobuf")]
    pub fn native_histograms(mut self) -> Self {
        self.native = true;
        self
    }

    /// The most series of exchanges, each with a histogram of every kind; 2000 by default. What
    /// comes after them is counted under the route `_overflow`, with its method and status.
    pub fn max_series(mut self, most: usize) -> Self {
        self.max_series = most;
        self
    }

    /// The most servers that a client's layer tells apart; 100 by default. Those that come after
    /// them are the server `_overflow`.
    pub fn max_servers(mut self, most: usize) -> Self {
        self.max_servers = most;
        self
    }

    /// Tells only these routes, as the service writes them; any other is `_OTHER`. Takes the place
    /// of [`group_routes`](Self::group_routes).
    pub fn allow_routes<S: Into<Box<str>>>(mut self, routes: impl IntoIterator<Item = S>) -> Self {
        self.routes = RouteRule::Listed(Arc::new(routes.into_iter().map(Into::into).collect()));
        self
    }

    /// Tells each route as `group` says, which is asked at the end of each exchange. Takes the
    /// place of [`allow_routes`](Self::allow_routes).
    ///
    /// ```
    /// use tower_observability::metrics::MetricsLayer;
    ///
    /// let layer = MetricsLayer::server().group_routes(|route| match route {
    ///     route if route.starts_with("/internal/") => "/internal/*".into(),
    ///     route => route.to_owned().into(),
    /// });
    /// ```
    pub fn group_routes(
        mut self,
        group: impl Fn(&str) -> Cow<'static, str> + Send + Sync + 'static,
    ) -> Self {
        self.routes = RouteRule::Grouped(Arc::new(group));
        self
    }

    /// Believes these proxies when they tell the scheme of a server's request.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// Tells which server a client's requests go to, where they do not name it themselves: to a
    /// tonic `Channel`, for one.
    pub fn server_address(mut self, host: impl Into<Arc<str>>, port: u16) -> Self {
        self.server = Some((host.into(), port));
        self
    }

    /// Counts a request as shed, too, if its error or one of that error's sources is one of these;
    /// tower's `Overloaded` always is.
    ///
    /// An error is seen that is boxed as `dyn Error`, as tower's are, or of `std::io`, axum, tonic or
    /// reqwest. A type of your own can be seen only in a box or as a source of those.
    ///
    /// ```
    /// # #[derive(Debug)] struct QueueFull;
    /// use tower_observability::metrics::MetricsLayer;
    /// # impl std::fmt::Display for QueueFull {
    /// #     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) }
    /// # }
    /// # impl std::error::Error for QueueFull {}
    ///
    /// let layer = MetricsLayer::server().shed_when(|error| error.is::<QueueFull>());
    /// ```
    pub fn shed_when(
        mut self,
        is_shed: impl Fn(&(dyn Error + 'static)) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.sheds = Some(Arc::new(is_shed));
        self
    }

    /// The layer, whose metrics come out of this registry.
    ///
    /// # Errors
    /// When a setting cannot be used, or the registry has metrics of these names and constant labels
    /// already: those of another layer. Clone a layer to use it in several places.
    pub fn register(self, registry: &Registry) -> Result<MetricsLayer, RegisterError> {
        let layer = self.build()?;
        let instruments = Arc::clone(&layer.observer().instruments);
        let hint = "clone the layer that was registered, or give this one a prefix, or all of \
                    them constant labels of the same names, with values of their own";
        register(registry, LayerCollector::new(instruments)?, hint)?;
        Ok(layer)
    }

    /// The layer, whose metrics come out of no registry.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn build(self) -> Result<MetricsLayer, ConfigError> {
        names::prefix(&self.prefix)?;
        if let Some((host, _)) = self.server.as_ref().filter(|(host, _)| !is_host(host)) {
            return Err(ConfigError::new("server_address", &**host, "a host's name or address"));
        }
        let definitions = Each::of(self.side);
        let own = definitions.all().into_iter().flat_map(|definition| definition.labels);
        let own = own.map(|label| prometheus_label(label)).chain(["le".into()]);
        let own: Vec<_> = own.chain(flags::LABELS.map(str::to_owned)).collect();
        let own: Vec<_> = own.iter().map(String::as_str).collect();
        let constant_labels = ConstantLabels::new("constant_label", self.constant_labels, &own)?;
        #[cfg(feature = "metrics-protobuf")]
        let shaped = |bounds: Bounds| if self.native { bounds.with_native() } else { bounds };
        #[cfg(not(feature = "metrics-protobuf"))]
        let shaped = |bounds: Bounds| bounds;
        let bounds = SeriesBounds {
            duration: shaped(self.duration?).into(),
            time_to_first_byte: shaped(self.time_to_first_byte?).into(),
            request_body_size: shaped(self.request_body_size?).into(),
            response_body_size: shaped(self.response_body_size?).into(),
        };
        let poll_ready = shaped(self.poll_ready?);
        #[cfg(feature = "otel-metrics")]
        let otel = self
            .meter
            .map(|meter| meter.backend(self.side, &bounds, &poll_ready, &constant_labels));
        #[cfg(not(feature = "otel-metrics"))]
        let otel = None;
        let most = (self.max_series, self.max_servers);
        let instruments = Instruments::new(
            self.side,
            self.prefix,
            constant_labels,
            most,
            bounds,
            poll_ready,
            otel,
        );
        let metrics = Metrics {
            instruments,
            routes: self.routes,
            proxies: self.proxies,
            // a server's series do not have it
            server: self.server.filter(|_| self.side == Side::Client),
            sheds: self.sheds,
        };
        Ok(ObserveLayer::new(self.side, metrics))
    }
}

impl fmt::Debug for MetricsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsBuilder")
            .field("side", &self.side)
            .field("prefix", &self.prefix)
            .field("constant_labels", &self.constant_labels)
            .finish_non_exhaustive()
    }
}

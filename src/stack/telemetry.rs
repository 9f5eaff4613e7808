//! What telemetry makes for services, clients and operators.

use opentelemetry::Key;
use prometheus::Registry;

use super::assemble::Stack;
use super::layer::{ClientLayer, ServerLayer};
use super::parts::{ClientParts, ServerParts};
use crate::access_log::{AccessLogLayer, JsonLines};
use crate::admin::{Admin, AdminBuilder, Authorizer, LivePage, LogControl};
use crate::catch_panic::CatchPanicLayer;
use crate::config::ConfigError;
use crate::debug_dump::{DebugDumpLayer, DumpControl};
use crate::health::Health;
use crate::live::{Board, LiveLayer};
use crate::metrics::MetricsService;
use crate::operation::Operations;
use crate::request_id::RequestIdLayer;
use crate::slo::{SloLayer, SloTracker};
use crate::telemetry::Telemetry;
use crate::trace::TraceLayer;

/// The [layers](crate::stack) and what they share (feature `stack`).
impl Telemetry {
    /// All signals of a server, in one layer: for axum's `Router`, tonic's `Server` and any other service.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// let telemetry = Telemetry::builder("shop").build()?;
    /// let app: Router =
    ///     Router::new().route("/users/{id}", get(|| async { "ada" })).layer(telemetry.server());
    /// # drop(app);
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn server(&self) -> ServerLayer {
        self.server_parts().into_layer()
    }

    /// All signals of a client, in one layer. Put it inside of any retry, so that each attempt is an
    /// exchange of its own.
    ///
    /// ```
    /// use tower::Layer;
    /// use tower_observability::reqwest::ReqwestService;
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// let telemetry = Telemetry::builder("shop").build()?;
    /// let http = telemetry.client().layer(ReqwestService::new(reqwest::Client::new()));
    /// # drop(http);
    /// # Ok::<(), tower_observability::config::ConfigError>(())
    /// ```
    pub fn client(&self) -> ClientLayer {
        self.client_parts().into_layer()
    }

    /// The layers that [`server`](Self::server) fuses, each set up as it is there.
    pub fn server_parts(&self) -> ServerParts {
        let stack = self.stack();
        let (trace, access_log) =
            self.trace_and_log(TraceLayer::server(), AccessLogLayer::server());
        let (trace, access_log) = match &stack.trusted_proxies {
            Some(proxies) => (
                trace.trusted_proxies(proxies.clone()),
                access_log.trusted_proxies(proxies.clone()),
            ),
            None => (trace, access_log),
        };
        #[cfg(feature = "sentry")]
        let sentry = crate::sentry::SentryLayer::server().redaction(stack.redaction.clone());
        let debug_dump = DebugDumpLayer::server(&stack.dumps).redaction(stack.redaction.clone());
        ServerParts {
            request_id: Some(RequestIdLayer::server()),
            trace: Some(trace),
            access_log: Some(access_log),
            metrics: Some(stack.server_metrics.clone()),
            live: Some(LiveLayer::server(&stack.live)),
            slo: stack.objectives.as_ref().map(SloLayer::server),
            debug_dump: Some(debug_dump),
            #[cfg(feature = "sentry")]
            sentry: Some(sentry),
            catch_panic: CatchPanicLayer::server(),
            under_way: stack.under_way.clone(),
        }
    }

    /// The layers that [`client`](Self::client) fuses, each set up as it is there.
    pub fn client_parts(&self) -> ClientParts {
        let stack = self.stack();
        let (trace, access_log) =
            self.trace_and_log(TraceLayer::client(), AccessLogLayer::client());
        let debug_dump = DebugDumpLayer::client(&stack.dumps).redaction(stack.redaction.clone());
        ClientParts {
            request_id: Some(RequestIdLayer::client()),
            trace: Some(trace),
            access_log: Some(access_log),
            metrics: Some(stack.client_metrics.clone()),
            live: Some(LiveLayer::client(&stack.live)),
            slo: stack.objectives.as_ref().map(SloLayer::client),
            debug_dump: Some(debug_dump),
        }
    }

    /// What operators ask a process: `/metrics`, `/slo`, `/debug` with the live page, dumps, the log's
    /// filter and profiles, and the probes. Give it an address that strangers cannot reach; the authoriser
    /// decides on [what is not open](crate::admin::Access).
    ///
    /// Everything in it can be set anew before [`build`](AdminBuilder::build), but a health that is set there is
    /// not drained: use [`set_health`](Self::set_health) before this.
    ///
    /// ```no_run
    /// use tower_observability::admin::BearerToken;
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let telemetry = Telemetry::builder("shop").install()?;
    /// let operators = BearerToken::from_env("ADMIN_TOKEN")?;
    /// let admin = telemetry.admin(operators).build().into_router();
    /// axum::serve(tokio::net::TcpListener::bind("127.0.0.1:9464").await?, admin).await?;
    /// # Ok(()) }
    /// ```
    pub fn admin(&self, authorizer: impl Authorizer) -> AdminBuilder {
        let stack = self.stack();
        let name = self.resource_text("service.name").unwrap_or_default();
        let version = self.resource_text("service.version").unwrap_or_default();
        let mut admin = Admin::builder(authorizer)
            .metrics(MetricsService::new(&stack.registry))
            .dumps(stack.dumps.clone())
            .live(LivePage::new(stack.live.clone()).service(name, version));
        // the filter of a built telemetry can be read
        if let Ok(log) = LogControl::telemetry(self.log_filter()) {
            admin = admin.log(log);
        }
        if let Some(objectives) = &stack.objectives {
            admin = admin.objectives(objectives.clone());
        }
        if let Some(health) = stack.health() {
            admin = admin.health(health);
        }
        #[cfg(feature = "pprof")]
        {
            admin = admin.profiles(crate::pprof::PprofService::new());
        }
        admin
    }

    /// The registry that all metrics come out of: register those of the program there, too.
    pub fn registry(&self) -> &Registry {
        &self.stack().registry
    }

    /// What is promised, if anything was.
    pub fn objectives(&self) -> Option<&SloTracker> {
        self.stack().objectives.as_ref()
    }

    /// Where dumps are switched on and kept.
    pub fn dumps(&self) -> &DumpControl {
        &self.stack().dumps
    }

    /// Tells orchestrators of this health: it answers the probes of [`admin`](Self::admin), is among the
    /// metrics, and is not ready any more once the program [drains](Self::drain). Where nobody sets one,
    /// `admin` makes one without checks in a tokio runtime, and has no probes elsewhere.
    ///
    /// ```
    /// use tower_observability::health::{Component, Group, Health, TcpCheck};
    /// use tower_observability::telemetry::Telemetry;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let telemetry = Telemetry::builder("shop").build()?;
    /// let database = Component::new("database", TcpCheck::new("127.0.0.1:5432"));
    /// let health = Health::builder().component(database.groups([Group::Ready])).start()?;
    /// telemetry.set_health(health)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// When there is one already, or the registry has its metrics already.
    pub fn set_health(&self, health: Health) -> Result<(), ConfigError> {
        self.stack().set_health(health)
    }

    /// What orchestrators are told, if anything was set so far.
    pub fn health(&self) -> Option<&Health> {
        self.stack().health.get()
    }

    /// What runs, was slow or failed.
    pub fn live(&self) -> &Board {
        &self.stack().live
    }

    /// Where the lines of the access log are written, if they are.
    pub fn json_lines(&self) -> Option<&JsonLines> {
        self.stack().json_lines.as_ref()
    }

    /// Makes spans and metrics of whatever else is done: queries, calls of caches, work of one's own.
    /// [`set_globals`](Self::set_globals) makes it what [`Operation`](crate::operation::Operation) uses.
    pub fn operations(&self) -> &Operations {
        &self.stack().operations
    }

    fn trace_and_log(
        &self,
        trace: TraceLayer,
        log: AccessLogLayer,
    ) -> (TraceLayer, AccessLogLayer) {
        let Stack { redaction, json_lines, .. } = self.stack();
        let trace = trace
            .tracer_provider(self.tracer_provider())
            .propagator(self.propagator().clone())
            .redaction(redaction.clone());
        let log = log.redaction(redaction.clone());
        let log = match json_lines {
            Some(lines) => log.json_lines(lines.clone()),
            None => log,
        };
        (trace, log)
    }

    fn resource_text(&self, key: &'static str) -> Option<String> {
        let value = self.resource().get(&Key::from_static_str(key))?;
        Some(value.as_str().into_owned())
    }
}

//! Everything in one layer: all signals of a service or a client, from one
//! [`Telemetry`](crate::telemetry::Telemetry).
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use tower_observability::admin::BearerToken;
//! use tower_observability::stack::termination;
//! use tower_observability::telemetry::{LogFormat, Telemetry};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let telemetry = Telemetry::builder("shop").logs(LogFormat::Auto).from_env().install()?;
//!
//!     let operators = BearerToken::from_env("ADMIN_TOKEN")?;
//!     let admin = telemetry.admin(operators).build().into_router();
//!     let private = tokio::net::TcpListener::bind("127.0.0.1:9464").await?;
//!     tokio::spawn(async { axum::serve(private, admin).await });
//!
//!     let app = Router::new().route("/users/{id}", get(|| async { "ada" })).layer(telemetry.server());
//!     let public = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     let server = axum::serve(public, app).with_graceful_shutdown(telemetry.draining());
//!     let told = telemetry.serve_until(termination(), server, Duration::from_secs(25)).await?;
//!     told.inspect_err(|lost| eprintln!("{lost}")).ok();
//!     Ok(())
//! }
//! ```
//!
//! | | server | client |
//! |---|---|---|
//! | request ID | taken over or made, and echoed | sent on |
//! | span | SERVER, goes on with the caller's trace | CLIENT, hands it on |
//! | access log | a line for each exchange | a line for each attempt |
//! | metrics | `http_server_...`, `rpc_server_...` | `http_client_...`, `rpc_client_...` |
//! | live page | what runs, was slow or failed | the same |
//! | objectives | those about requests | those about calls |
//! | dumps | while a rule asks for them | the same |
//! | Sentry (feature `sentry`) | panics and failures | |
//! | panics | answered | |
//!
//! [`Telemetry::server`](crate::telemetry::Telemetry::server) is the same layer for axum, tonic and anything
//! else that speaks `http`, [`Telemetry::client`](crate::telemetry::Telemetry::client) for reqwest, tonic
//! and hyper-util. Their types have names, [`ServerLayer`] and [`ServerService`], [`ClientLayer`] and
//! [`ClientService`]. The signals stand in the order of [`ServerParts`], whose fields are the layers
//! themselves: to change one, to leave one out, or to put something of one's own between them.
//!
//! # Around a whole router
//!
//! `Router::layer` stands inside of routing. What rewrites paths has to stand outside, so the layer goes
//! around the router; [`route_recorder`](crate::exchange::ObserveLayer::route_recorder) tells it the routes,
//! and [`into_router`](crate::exchange::Observe::into_router) makes it what `axum::serve` takes:
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::get};
//! use tower::ServiceBuilder;
//! use tower_http::normalize_path::NormalizePathLayer;
//! use tower_observability::exchange::ObserveLayer;
//! use tower_observability::telemetry::Telemetry;
//!
//! # fn main() -> Result<(), tower_observability::config::ConfigError> {
//! let telemetry = Telemetry::builder("shop").build()?;
//! let routes = Router::new()
//!     .route("/users/{id}", get(|| async { "ada" }))
//!     .layer(ObserveLayer::route_recorder());
//! let app: Router = ServiceBuilder::new()
//!     .layer(telemetry.server())
//!     .layer(NormalizePathLayer::trim_trailing_slash())
//!     .service(routes)
//!     .into_router();
//! # drop(app);
//! # Ok(()) }
//! # main().unwrap();
//! # }
//! ```
//!
//! # What it does not do
//!
//! All metrics of one `Telemetry` come out of one registry. Several services in one process have a
//! `Telemetry` each; they share a registry if a
//! [label](crate::telemetry::TelemetryBuilder::constant_label) tells their metrics apart. The signals are fused, so nothing
//! of one's own fits between them: take the [parts](ServerParts) for that. An exchange whose server was told to
//! stop, and that does not end in time, is told as unfinished, and has no span.

mod assemble;
mod ending;
mod layer;
mod parts;
mod settings;
mod signals;
mod telemetry;
#[cfg(all(test, feature = "testing", feature = "axum"))]
mod tests;
mod under_way;

pub(crate) use assemble::{Base, Stack};
pub use ending::termination;
pub use layer::{ClientLayer, ClientService, ServerLayer, ServerService};
pub use parts::{ClientParts, ServerParts};
pub(crate) use settings::StackSettings;
pub use signals::Signals;

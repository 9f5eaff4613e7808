//! A test kit: what did this exchange record?, asserted with `==`.
//!
//! - [`Recorder`] observes exchanges and keeps a [`Record`] of each;
//! - `SpanRecorder` (with the feature `telemetry`) keeps every span that a provider is told of;
//! - [`ManualClock`] is time that passes only when a test says so;
//! - [`Script`] is a service that does what it is told, [`ScriptBody`] a body that does.
//!
//! ```
//! use http::{Request, StatusCode};
//! use tower::{Layer, Service, ServiceExt};
//! use tower_observability::classify::{Outcome, Side};
//! use tower_observability::testing::{Recorder, Script};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let recorder = Recorder::new();
//! let service = recorder.layer(Side::Server).layer(Script::status(StatusCode::NO_CONTENT));
//! service.oneshot(Request::new(())).await.unwrap();
//!
//! let record = recorder.only();
//! assert_eq!(record.outcome, Outcome::Completed);
//! assert_eq!(record.status, Some(StatusCode::NO_CONTENT));
//! # }
//! ```

mod body;
mod clock;
mod recorder;
mod script;
#[cfg(feature = "telemetry")]
mod spans;

pub use body::{ScriptBody, ScriptError};
pub use clock::ManualClock;
pub use recorder::{Event, Record, Recorder};
pub use script::{Script, ScriptFuture};
#[cfg(feature = "telemetry")]
pub use spans::{SpanEvent, SpanRecord, SpanRecorder};

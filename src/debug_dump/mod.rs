//! Whole exchanges, looked at while they pass: head and body, both ways, for as long as you ask.
//!
//! [`DebugDumpLayer`] costs a load while nothing is asked for. [`DumpControl::arm`] takes a [`Rule`]: which
//! exchanges, for how long, how many at most, and how many bytes of them. It disarms itself when one of
//! these is over, whether or not there is traffic.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::get};
//! use tower_observability::debug_dump::{DebugDumpLayer, DumpControl};
//!
//! let control = DumpControl::new();
//! let app: Router = Router::new()
//!     .route("/users/{id}", get(|| async { "ada" }))
//!     .layer(DebugDumpLayer::server(&control));
//! # }
//! ```
//!
//! # What is kept
//!
//! Of each body its first bytes, as they pass: no frame is delayed, changed or put elsewhere, and nothing is
//! buffered but what is kept. How long a body was is told in any case, and what became of it
//! ([`BodyFate`]). A rule that asks for the response (its status, how long it took, how it ended) keeps
//! these bytes of every exchange until that is known, at most as many of all together as it may capture.
//!
//! # Who looks
//!
//! The last captures stay in memory ([`DumpControl::captures`]), go to sinks
//! ([`DumpControlBuilder::sink`]), and to whoever watches ([`DumpControl::live`]). The admin service (feature `admin`) does all
//! that over HTTP.
//!
//! # What is hidden
//!
//! What the redaction policy finds in the URL, the headers and the bodies, before they are cut; a body in
//! which its secrets cannot be found is not kept ([`Withheld`]). The bodies of 401 and 403 are left out
//! unless [asked for](DebugDumpLayer::keep_authentication_bodies). The built-in names are those of
//! credentials; what is a secret of yours alone, such as the number of a card, is to be
//! [named](DebugDumpLayer::redaction).
//!
//! # Where it stands
//!
//! What is inside of it is what it sees: inside of a layer that compresses or adds headers, bodies and
//! responses are as the service made them. The status line is the request's version with the response's
//! status. In a `Router::layer` it knows the route, and axum adds `content-length` and cuts bodies of `HEAD`
//! after it.
//!
//! # What it cannot do
//!
//! - A request body is looked into by its type, so that each framework's own stays what it is: those of
//!   axum, tonic and reqwest, texts, bytes and the boxes of `http-body-util` (whose error is `Infallible`,
//!   an I/O error or a box) are known, your own can be [registered](DebugDumpLayer::request_body), and any
//!   other, hyper's `Incoming` among them, passes untouched, as [`BodyFate::Unknown`].
//! - The trailers of a request are seen where its body is; those of a response always.
//! - A message of gRPC is decoded, and its secrets are found, where its type is
//!   [known](DebugDumpLayer::grpc_messages); a message that is cut is not kept at all. Fields of bytes and
//!   whatever else is [opaque](Opaque) are hidden; extensions and fields that the descriptors do not know
//!   are left out.
//! - A secret without a name cannot be found: one in a sentence, a path, the value of an allowed header,
//!   in base64 or encrypted, in a body of another type than it is said to be (multipart or XML as plain text); nor one whose name stands in another value
//!   (`{"name": "token", "value": "x"}`).
//! - What is hidden is hidden where the exchange ends, which costs that exchange the time it takes; and so
//!   does a [sink] that waits.

mod armed;
mod bodies;
mod capture;
mod control;
pub mod curl;
mod frames;
pub mod har;
mod heads;
mod hide;
mod layer;
mod live;
#[cfg(feature = "debug-dump-grpc")]
mod messages;
mod observer;
pub mod render;
mod ring;
mod rule;
#[cfg(test)]
mod samples;
pub mod sink;
mod tee;

#[cfg(all(test, feature = "testing"))]
mod tests;

pub use capture::{
    BodyFate, BodyForm, Capture, CaptureId, CapturedBody, CapturedRequest, CapturedResponse,
    Withheld,
};
pub use control::{DumpControl, DumpControlBuilder, DumpStatus};
pub use hide::Opaque;
pub use live::{Live, LiveEvent, TooManyWatchers};
#[cfg(feature = "debug-dump-grpc")]
pub use messages::DescriptorSet;
pub use observer::{DebugDump, Dumping};
pub use rule::{Match, Rule};
pub use tee::{BodyTap, TappedBody};

use crate::exchange::ObserveLayer;

/// The layer that dumps. See the [module](self).
pub type DebugDumpLayer = ObserveLayer<DebugDump>;

//! Where captures go beside the ring.
//!
//! Each is given to [`DumpControlBuilder::sink`](super::DumpControlBuilder::sink), and takes captures
//! whose secrets are hidden already.
//!
//! ```
//! use tower_observability::debug_dump::{DumpControl, sink};
//! # let file = Vec::new();
//!
//! let lines = sink::NdJson::new(file);
//! let control = DumpControl::builder().sink(lines.sink()).sink(sink::event()).build();
//! assert_eq!(lines.lost(), 0);
//! ```

mod event;
mod nd_json;
#[cfg(test)]
mod tests;

pub use event::{MAX_BODY_CHARS, event};
pub use nd_json::NdJson;

/// The target of what the sinks tell through `tracing`.
pub const TARGET: &str = "tower_observability::debug_dump";

//! Whole stacks on axum: what people assemble, ours, and one written by hand.
//!
//! Each has the same concerns: an ID of the request, its trace, a line of JSON, metrics, and an answer
//! to a panic. Lines go to a writer that drops them, spans to a processor that does.

pub(crate) mod assembled;
pub(crate) mod floor;
pub(crate) mod lines;
pub(crate) mod ours;
pub(crate) mod stack;

//! Span processors: what is kept of a trace, and what of it may leave.

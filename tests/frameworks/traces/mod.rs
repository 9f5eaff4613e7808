//! The trace layer over real transports.

mod interop;

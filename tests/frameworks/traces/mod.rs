//! The trace layer over real transports.

mod endings;
mod grpc;
mod kit;

//! Traces over real transports.

mod w3c;

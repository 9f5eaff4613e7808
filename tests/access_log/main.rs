//! The access log as its users see it.
#![cfg(all(feature = "access-log", feature = "testing"))]

mod events;
mod golden;
mod kit;
mod lines;
mod properties;
mod rules;
mod stamp;

//! The access log as its users see it.
#![cfg(all(feature = "access-log", feature = "testing"))]

mod asked;
mod events;
mod fields;
mod golden;
mod kit;
mod lines;
mod properties;
mod rules;
mod stamp;
#[path = "../written/mod.rs"]
mod written;

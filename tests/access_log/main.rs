//! The access log as its users see it.
#![cfg(feature = "access-log")]

mod events;
mod golden;
mod kit;
mod lines;
mod properties;
mod rules;
mod stamp;

//! What is generated from objectives, read by those it is for.
#![cfg(feature = "slo")]

mod promtool;
mod scenario;
mod scenarios;
mod variants;

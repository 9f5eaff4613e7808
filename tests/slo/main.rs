//! Objectives in processes of their own, and over real transports.
#![cfg(all(feature = "slo", feature = "testing"))]

mod killed;

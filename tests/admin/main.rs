//! The admin service where it is served: under axum, and by hyper over HTTP/1 and HTTP/2, asked by a real client.
#![cfg(all(
    feature = "admin",
    feature = "axum",
    feature = "catch-panic",
    feature = "debug-dump",
    feature = "health",
    feature = "live",
    feature = "metrics",
    feature = "pprof",
    feature = "slo",
    feature = "testing"
))]

mod agree;
mod answers;
mod bench;
mod stream;
mod table;

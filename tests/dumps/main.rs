//! Dumps over real frameworks: whatever passes, they change nothing, hold little and tell the truth.
#![cfg(all(
    feature = "testing",
    feature = "axum",
    feature = "tonic",
    feature = "reqwest",
    feature = "debug-dump"
))]

mod armed;
mod big;
mod bombs;
#[allow(dead_code, reason = "it is for the calls of these frameworks' other tests, too")]
#[path = "../frameworks/echo.rs"]
mod echo;
mod endless;
mod flood;
mod har;
#[allow(dead_code, reason = "some of it is for the frameworks' other tests")]
#[path = "../frameworks/kinds.rs"]
mod kinds;
mod many_headers;
mod pattern;
mod replayed;
#[allow(dead_code, reason = "some of it is for the frameworks' other tests")]
#[path = "../frameworks/support.rs"]
mod support;
mod undisturbed;
mod upgrades;

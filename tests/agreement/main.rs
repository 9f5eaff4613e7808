//! Exchanges that go in every way they can, over real connections: all signals of each of them agree, with
//! what was intended, with what client and handler saw, and with each other.
//!
//! `AGREEMENT=100000` says how many exchanges there are to be, and `AGREEMENT_SEED` of which script.
#![cfg(all(
    feature = "stack",
    feature = "testing",
    feature = "axum",
    feature = "tonic",
    feature = "reqwest"
))]

mod acts;
mod bench;
mod callers;
mod calls;
mod chaos;
mod endings;
mod handler;
mod judge;
mod left_behind;
mod multiset;
mod planted;
mod readings;
mod script;
mod servers;
mod sinks;
mod told;
mod witness;

#[path = "../../src/metrics/tests/dice.rs"]
mod dice;
#[allow(dead_code, reason = "shared with the tests of frameworks")]
#[path = "../frameworks/echo.rs"]
mod echo;
#[allow(dead_code, reason = "shared with the tests of metrics")]
#[path = "../../src/metrics/tests/gathered.rs"]
mod gathered;
#[allow(dead_code, reason = "shared with the tests of frameworks")]
#[path = "../frameworks/kinds.rs"]
mod kinds;
#[allow(dead_code, reason = "shared with the tests of frameworks")]
#[path = "../frameworks/support.rs"]
mod support;
#[path = "../written/mod.rs"]
mod written;

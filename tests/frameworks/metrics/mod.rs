//! The metrics layer over real transports.

mod act;
mod bounds;
mod calls;
mod chaos;
#[path = "../../../src/metrics/tests/dice.rs"]
mod dice;
#[path = "../../../src/metrics/tests/gathered.rs"]
mod gathered;
mod told;
mod web;

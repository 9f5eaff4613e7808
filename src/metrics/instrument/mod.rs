//! Instruments that many threads record into and a scrape reads: no lock, no allocation, exact.

pub(crate) mod bounds;
pub(crate) mod counter;
pub(crate) mod exemplar;
pub(crate) mod family;
pub(crate) mod gauge;
pub(crate) mod histogram;
pub(crate) mod native;

pub(crate) use crate::bounded;

//! The series of exchanges: which labels they have, and what is recorded under them.

pub(super) mod labels;
mod scheme;
pub(super) mod store;

pub(super) use scheme::Scheme;

//! What a scrape reads, whole.

mod accepting;
mod documents;
mod kit;
mod leaving_out;
mod marks;
#[cfg(feature = "metrics-protobuf")]
mod messages;
mod naming;
mod properties;
mod serving;
mod strict;

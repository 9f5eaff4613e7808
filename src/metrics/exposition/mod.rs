//! What a scrape is answered.

pub(crate) mod extras;

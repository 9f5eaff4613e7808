//! What a request and a response say of themselves, as every signal tells it: bounded, and without
//! the secrets that the redaction policy finds.

pub(crate) mod bound;
pub(crate) mod error_text;
pub(crate) mod headers;
pub(crate) mod method;
pub(crate) mod server;
pub(crate) mod shown;
pub(crate) mod version;

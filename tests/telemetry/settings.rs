//! What is refused, and what the environment says.

//! Profiles of a running process.

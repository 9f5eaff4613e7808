//! Log lines and log records.

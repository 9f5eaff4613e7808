//! What an operator asks a process, and tells it.

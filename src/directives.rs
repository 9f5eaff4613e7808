//! Directives of a log filter, as `EnvFilter` can read them.

/// The directives without the space around each, and without empty ones.
///
/// `EnvFilter` (tracing-subscriber 0.3) slices by the wrong offsets where there is space in front of a
/// directive: it misreads it, and panics where those are inside of a character.
pub(crate) fn trimmed(given: &str) -> String {
    let directives = given.split(',').map(str::trim).filter(|directive| !directive.is_empty());
    directives.collect::<Vec<_>>().join(",")
}

//! Which directives are taken.

use tracing_subscriber::EnvFilter;

use super::LogControl;
use crate::admin::audit;
use crate::{directives, escape};

/// Checks directives that a caller sent, and writes them without space around them.
pub(in crate::admin) fn checked(given: &str) -> Result<String, String> {
    if given.len() > LogControl::MAX_FILTER_BYTES {
        return Err(format!("it may have at most {} bytes", LogControl::MAX_FILTER_BYTES));
    }
    if given.chars().any(escape::is_control) {
        return Err("it has a control character".to_owned());
    }
    let filter = directives::trimmed(given);
    if filter.is_empty() {
        return Err("it has no directive".to_owned());
    }
    if asks_for_values(&filter) {
        return Err("a field can be asked for by its name, but not by its value".to_owned());
    }
    // fields would make it more particular than what keeps the audit on
    if filter.contains(&format!("{}[", audit::TARGET)) {
        return Err(format!("{} cannot be asked for by fields or spans", audit::TARGET));
    }
    parse(&filter)?;
    parse(&audited(&filter))?;
    Ok(filter)
}

/// Checks the program's own directives, which may ask for the values of fields, and writes them without
/// space around them.
pub(super) fn checked_default(given: &str) -> Result<String, String> {
    let filter = directives::trimmed(given);
    if filter.is_empty() {
        return Err("it has no directive".to_owned());
    }
    parse(&filter)?;
    parse(&restored(&filter))?;
    Ok(filter)
}

/// A filter that a caller set, and the audit events: whatever it says of them.
pub(in crate::admin) fn audited(filter: &str) -> String {
    format!("{filter},{}=info", audit::TARGET)
}

/// The program's own filter, and the audit events where it says nothing of them.
pub(super) fn restored(default: &str) -> String {
    if default.contains(audit::TARGET) { default.to_owned() } else { audited(default) }
}

/// Whether there is a `=` between a `{` and the `}` that ends it.
fn asks_for_values(filter: &str) -> bool {
    let mut fields = filter.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    fields.any(|field| field.contains('='))
}

fn parse(filter: &str) -> Result<(), String> {
    let parsed = EnvFilter::builder().parse(filter);
    parsed.map(drop).map_err(|error| error.to_string())
}

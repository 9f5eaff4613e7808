//! The methods that are registered.

use http::Method;

pub(crate) const KNOWN: [&str; 10] =
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];

/// The name of a method that is registered: RFC 9110, RFC 5789 (`PATCH`) and `QUERY`.
pub(crate) fn known_method(method: &Method) -> Option<&'static str> {
    let method = method.as_str();
    KNOWN.into_iter().find(|known| *known == method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_known_by_their_exact_name() {
        assert_eq!(known_method(&Method::PATCH), Some("PATCH"));
        assert_eq!(known_method(&"QUERY".parse().unwrap()), Some("QUERY"));
        assert_eq!(known_method(&"get".parse().unwrap()), None);
    }
}

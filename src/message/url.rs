//! The URL of a request.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};

/// The URL of a request, absolute: where it names no host the `Host` header does, and where it names
/// no scheme it is `http`. `None` where neither names a host.
pub(crate) fn absolute(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let authority = match uri.authority() {
        Some(authority) => authority.clone(),
        None => Authority::try_from(headers.get(HOST)?.as_bytes()).ok()?,
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    // `*` is a path too
    let slash = if path.starts_with('/') { "" } else { "/" };
    // `://host/` is a URI, too
    let scheme = uri.scheme_str().filter(|scheme| !scheme.is_empty()).unwrap_or("http");
    Some(format!("{scheme}://{authority}{slash}{path}"))
}

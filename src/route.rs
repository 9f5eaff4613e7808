//! The route of an exchange: a template, never a path a caller chose.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use http::request;
use http::uri::PathAndQuery;

use crate::classify::Protocol;
use crate::config::ConfigError;

/// A route template such as `/users/{id}`, or a gRPC method such as `pkg.Service/Method`.
#[derive(Clone)]
pub struct Route(Repr);

#[derive(Clone)]
enum Repr {
    Static(&'static str),
    Shared(Arc<str>),
    GrpcPath(PathAndQuery),
    #[cfg(feature = "axum")]
    Matched(axum::extract::MatchedPath),
}

impl Route {
    /// The route of a gRPC request whose method is not known.
    pub const OTHER: Self = Self(Repr::Static("_OTHER"));

    /// The template as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Static(text) => text,
            Repr::Shared(text) => text,
            Repr::GrpcPath(path) => grpc_method(path.path()).unwrap_or("_OTHER"),
            #[cfg(feature = "axum")]
            Repr::Matched(path) => path.as_str(),
        }
    }
}

impl From<&'static str> for Route {
    fn from(template: &'static str) -> Self {
        Self(Repr::Static(template))
    }
}

impl From<Arc<str>> for Route {
    fn from(template: Arc<str>) -> Self {
        Self(Repr::Shared(template))
    }
}

impl From<String> for Route {
    fn from(template: String) -> Self {
        Self(Repr::Shared(template.into()))
    }
}

#[cfg(feature = "axum")]
impl From<axum::extract::MatchedPath> for Route {
    fn from(path: axum::extract::MatchedPath) -> Self {
        Self(Repr::Matched(path))
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl std::hash::Hash for Route {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Route({})", self.as_str())
    }
}

/// `pkg.Service/Method` of a path that has exactly that form.
fn grpc_method(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    let (service, method) = name.split_once('/')?;
    (!service.is_empty() && !method.is_empty() && !method.contains('/')).then_some(name)
}

type Extract = dyn Fn(&request::Parts) -> Option<Route> + Send + Sync;

/// How a wrapper finds the route of a request: the user's own extractor, then a [`Route`] among the
/// request's extensions (how a client tells its template), then what the framework knows (axum's
/// `MatchedPath`, the method in a gRPC path).
///
/// A wrapper *around* a whole axum `Router` cannot see the match; the first wrapper inside it that
/// can, fills the route for all. [`ObserveLayer::route_recorder`] is a wrapper that does just that.
///
/// [`ObserveLayer::route_recorder`]: crate::exchange::ObserveLayer::route_recorder
#[derive(Clone, Default)]
pub struct Routes {
    extract: Option<Arc<Extract>>,
    grpc_methods: Option<Arc<HashSet<Box<str>>>>,
}

impl Routes {
    /// Finds routes in what the framework knows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks `extract` first. It must answer templates, never a caller's path.
    pub fn extract(
        mut self,
        extract: impl Fn(&request::Parts) -> Option<Route> + Send + Sync + 'static,
    ) -> Self {
        self.extract = Some(Arc::new(extract));
        self
    }

    /// Bounds the gRPC methods to these, written `pkg.Service/Method`; any other is `_OTHER`.
    ///
    /// # Errors
    /// When a name does not have that form.
    pub fn grpc_methods<S: AsRef<str>>(
        mut self,
        methods: impl IntoIterator<Item = S>,
    ) -> Result<Self, ConfigError> {
        let mut known = HashSet::new();
        for method in methods {
            let method = method.as_ref();
            if grpc_method(&format!("/{method}")).is_none() {
                let form = "gRPC methods written pkg.Service/Method";
                return Err(ConfigError::new("grpc_methods", method, form));
            }
            known.insert(method.into());
        }
        self.grpc_methods = Some(Arc::new(known));
        Ok(self)
    }

    /// The route of a request, as far as it can be seen from here.
    pub(crate) fn find(&self, head: &request::Parts, protocol: Protocol) -> Option<Route> {
        if let Some(route) = self.extract.as_ref().and_then(|extract| extract(head)) {
            return Some(route);
        }
        if let Some(route) = head.extensions.get::<Route>() {
            return Some(route.clone());
        }
        match protocol {
            Protocol::Grpc => Some(self.grpc_route(head)),
            Protocol::Http => matched_path(head),
        }
    }

    fn grpc_route(&self, head: &request::Parts) -> Route {
        let Some(path) = head.uri.path_and_query() else { return Route::OTHER };
        match (grpc_method(path.path()), &self.grpc_methods) {
            (None, _) => Route::OTHER,
            (Some(method), Some(known)) if !known.contains(method) => Route::OTHER,
            (Some(_), _) => Route(Repr::GrpcPath(path.clone())),
        }
    }
}

#[cfg(feature = "axum")]
fn matched_path(head: &request::Parts) -> Option<Route> {
    head.extensions.get::<axum::extract::MatchedPath>().cloned().map(Route::from)
}

#[cfg(not(feature = "axum"))]
fn matched_path(_: &request::Parts) -> Option<Route> {
    None
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("extract", &self.extract.is_some())
            .field("grpc_methods", &self.grpc_methods)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(uri: &str) -> request::Parts {
        Request::builder().uri(uri).body(()).unwrap().into_parts().0
    }

    fn found(routes: &Routes, uri: &str, protocol: Protocol) -> Option<String> {
        routes.find(&head(uri), protocol).map(|route| route.to_string())
    }

    #[test]
    fn a_grpc_path_is_its_method() {
        let routes = Routes::new();
        let grpc = |uri| found(&routes, uri, Protocol::Grpc).unwrap();
        assert_eq!(grpc("/pkg.Svc/Do"), "pkg.Svc/Do");
        assert_eq!(grpc("http://host:1/pkg.Svc/Do?x=1"), "pkg.Svc/Do");
        for odd in ["/", "/Do", "//Do", "/Svc/", "/a/b/c", "*"] {
            assert_eq!(grpc(odd), "_OTHER", "{odd}");
        }
        assert_eq!(found(&routes, "/pkg.Svc/Do", Protocol::Http), None);
    }

    #[test]
    fn known_grpc_methods_bound_the_rest() {
        let routes = Routes::new().grpc_methods(["pkg.Svc/Do"]).unwrap();
        assert_eq!(found(&routes, "/pkg.Svc/Do", Protocol::Grpc).unwrap(), "pkg.Svc/Do");
        assert_eq!(found(&routes, "/pkg.Svc/Other", Protocol::Grpc).unwrap(), "_OTHER");
    }

    #[test]
    fn a_malformed_grpc_method_is_refused_by_name() {
        for bad in ["", "Do", "/pkg.Svc/Do", "pkg.Svc/"] {
            let error = Routes::new().grpc_methods(["a.B/C", bad]).unwrap_err();
            assert_eq!((error.field(), error.value()), ("grpc_methods", bad));
        }
    }

    #[test]
    fn the_users_extractor_goes_first() {
        let routes = Routes::new()
            .extract(|head| head.uri.path().starts_with("/users/").then(|| "/users/{id}".into()));
        assert_eq!(found(&routes, "/users/7", Protocol::Http).unwrap(), "/users/{id}");
        assert_eq!(found(&routes, "/orders/7", Protocol::Http), None);
        assert_eq!(found(&routes, "/users/7", Protocol::Grpc).unwrap(), "/users/{id}");
        assert_eq!(found(&routes, "/pkg.Svc/Do", Protocol::Grpc).unwrap(), "pkg.Svc/Do");
    }

    #[test]
    fn a_route_among_the_extensions_is_found() {
        let mut head = head("/users/7");
        head.extensions.insert(Route::from("/users/{id}"));
        let found = |protocol| Routes::new().find(&head, protocol).map(|route| route.to_string());
        assert_eq!(found(Protocol::Http).as_deref(), Some("/users/{id}"));
        assert_eq!(found(Protocol::Grpc).as_deref(), Some("/users/{id}"));
    }

    #[test]
    fn routes_are_equal_by_text() {
        assert_eq!(Route::from("/a"), Route::from(String::from("/a")));
        assert_eq!(Route::from("/a"), Route::from(Arc::<str>::from("/a")));
        assert_ne!(Route::from("/a"), Route::from("/b"));
        assert_eq!(format!("{:?}", Route::from("/a")), "Route(/a)");
    }
}

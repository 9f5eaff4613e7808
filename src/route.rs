//! The route of an exchange: a template, never a path a caller chose.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use http::request;
use http::uri::PathAndQuery;

use crate::classify::Side;
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
    /// The route of a gRPC request whose method is not [known](Routes#grpc-methods-of-a-server).
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

    /// The gRPC method that a caller's path is, if it has the form of one.
    pub(crate) fn grpc_method(&self) -> Option<&str> {
        match &self.0 {
            Repr::GrpcPath(path) => grpc_method(path.path()),
            _ => None,
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

/// `pkg.Service/Method` of a path that has exactly that form, in characters that gRPC's names have.
fn grpc_method(path: &str) -> Option<&str> {
    const MAX: usize = 255;
    let name = path.strip_prefix('/').filter(|name| name.len() <= MAX)?;
    let (service, method) = name.split_once('/')?;
    let valid = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    (valid(service) && valid(method)).then_some(name)
}

type Extract = dyn Fn(&request::Parts) -> Option<Route> + Send + Sync;

/// How a wrapper finds the route of a request, best first:
///
/// 1. the user's own extractor, and [`Facts::set_route`](crate::exchange::Facts::set_route);
/// 2. on a client, a [`Route`] among the request's extensions, which is taken out;
/// 3. the gRPC method, of an exchange that proved to be gRPC: by the list of
///    [`grpc_methods`](Self::grpc_methods) where there is one, else a client's as it was called, and
///    a server's when it is known to have it;
/// 4. on a server, axum's `MatchedPath`;
/// 5. `_OTHER` for gRPC, else none.
///
/// Where several wrappers share an exchange, each adds what it can see.
///
/// # gRPC methods of a server
///
/// A path that a caller made up is never a route. Where no methods are listed, a layer and its clones
/// learn them: a method is told once this server has sent a `grpc-status` for it that proves that the
/// server has it, then and from there on, however a call ends. These codes prove nothing, as a layer
/// in front of the methods may answer them: `UNIMPLEMENTED` (always `_OTHER`), `UNAUTHENTICATED`,
/// `PERMISSION_DENIED`, `RESOURCE_EXHAUSTED`, `UNAVAILABLE`, `CANCELLED`, `DEADLINE_EXCEEDED`; nor does
/// an answer without a `grpc-status`, an error, a panic, or no answer.
///
/// At most [`MAX_LEARNED`](Self::MAX_LEARNED) methods are learned, of at most 255 bytes each, and none
/// is forgotten; once there are as many, any other is unknown, even where its own answer proves it.
///
/// [List the methods](Self::grpc_methods) where calls before the first full answer must be told by name, where calls of a
/// method never end with a status of the server's (a stream that its callers always leave), and
/// where something in front of the methods answers strangers with other codes than those (an
/// interceptor of a whole service, with `INVALID_ARGUMENT`).
///
/// # Around a `Router`
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
    /// The most gRPC methods that a layer learns where none are listed.
    pub const MAX_LEARNED: usize = 1024;

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

    /// What the user says the route is.
    pub(crate) fn told(&self, head: &mut request::Parts, side: Side) -> Option<Route> {
        let extracted = self.extract.as_ref().and_then(|extract| extract(head));
        match side {
            Side::Server => extracted,
            Side::Client => extracted.or_else(|| head.extensions.remove::<Route>()),
        }
    }

    /// The method of a gRPC request by the list of known ones, if there is a list.
    pub(crate) fn listed(&self, head: &request::Parts) -> Option<Route> {
        let known = self.grpc_methods.as_ref()?;
        let path = head.uri.path_and_query();
        let method = path.and_then(|path| grpc_method(path.path()));
        Some(match (path, method) {
            (Some(path), Some(method)) if known.contains(method) => {
                Route(Repr::GrpcPath(path.clone()))
            }
            _ => Route::OTHER,
        })
    }
}

/// The method of a gRPC request, as its caller wrote it.
pub(crate) fn called(head: &request::Parts) -> Route {
    match head.uri.path_and_query() {
        Some(path) if grpc_method(path.path()).is_some() => Route(Repr::GrpcPath(path.clone())),
        _ => Route::OTHER,
    }
}

/// The template that axum matched.
#[cfg(feature = "axum")]
pub(crate) fn matched(head: &request::Parts) -> Option<Route> {
    head.extensions.get::<axum::extract::MatchedPath>().cloned().map(Route::from)
}

/// The template that axum matched, which only the `axum` feature can read.
#[cfg(not(feature = "axum"))]
pub(crate) fn matched(_: &request::Parts) -> Option<Route> {
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

    #[test]
    fn a_grpc_path_is_its_method() {
        let grpc = |uri| called(&head(uri)).to_string();
        assert_eq!(grpc("/pkg.Svc/Do"), "pkg.Svc/Do");
        assert_eq!(grpc("http://host:1/pkg.Svc/Do?x=1"), "pkg.Svc/Do");
        assert_eq!(grpc("/pkg.v1_b.Svc-2/Do_It"), "pkg.v1_b.Svc-2/Do_It");
        let long = format!("/pkg.Svc/{}", "x".repeat(248));
        for odd in ["/", "/Do", "//Do", "/Svc/", "/a/b/c", "*", "/a.B/C;token=x", "/a.B/%41", &long]
        {
            assert_eq!(grpc(odd), "_OTHER", "{odd}");
        }
    }

    #[test]
    fn known_grpc_methods_bound_the_rest() {
        assert_eq!(Routes::new().listed(&head("/pkg.Svc/Do")), None);
        let routes = Routes::new().grpc_methods(["pkg.Svc/Do"]).unwrap();
        let listed = |uri| routes.listed(&head(uri)).map(|route| route.to_string());
        assert_eq!(listed("/pkg.Svc/Do").as_deref(), Some("pkg.Svc/Do"));
        assert_eq!(listed("/pkg.Svc/Other").as_deref(), Some("_OTHER"));
        assert_eq!(listed("/").as_deref(), Some("_OTHER"));
    }

    #[test]
    fn a_malformed_grpc_method_is_refused_by_name() {
        for bad in ["", "Do", "/pkg.Svc/Do", "pkg.Svc/"] {
            let error = Routes::new().grpc_methods(["a.B/C", bad]).unwrap_err();
            assert_eq!((error.field(), error.value()), ("grpc_methods", bad));
        }
    }

    #[test]
    fn the_user_tells_by_an_extractor_and_a_client_by_the_extensions_too() {
        let routes = Routes::new()
            .extract(|head| head.uri.path().starts_with("/users/").then(|| "/users/{id}".into()));
        assert_eq!(routes.told(&mut head("/users/7"), Side::Server), Some("/users/{id}".into()));
        assert_eq!(routes.told(&mut head("/orders/7"), Side::Server), None);

        let mut head = head("/orders/7");
        head.extensions.insert(Route::from("/orders/{id}"));
        assert_eq!(routes.told(&mut head, Side::Server), None, "it was meant for a client");
        assert_eq!(routes.told(&mut head, Side::Client), Some("/orders/{id}".into()));
        assert_eq!(routes.told(&mut head, Side::Client), None, "it was taken out");
    }

    #[test]
    fn routes_are_equal_by_text() {
        assert_eq!(Route::from("/a"), Route::from(String::from("/a")));
        assert_eq!(Route::from("/a"), Route::from(Arc::<str>::from("/a")));
        assert_ne!(Route::from("/a"), Route::from("/b"));
        assert_eq!(format!("{:?}", Route::from("/a")), "Route(/a)");
    }
}

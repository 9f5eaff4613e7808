//! Which route an exchange is told under, of all that its wrappers saw.

use std::sync::OnceLock;

use http::request;

use super::learned::Learned;
use super::observer::isolated;
use crate::classify::{Protocol, Side};
use crate::grpc::Code;
use crate::route::{self, Route, Routes};

/// What is known of one exchange's route.
pub(super) struct Routing {
    pub(super) side: Side,
    /// What the user said the route is.
    told: OnceLock<Route>,
    /// The gRPC method as its caller wrote it, and by a list of known ones.
    called: Option<Route>,
    listed: OnceLock<Route>,
    /// Whether the method is one that this server has, as the first wrapper that ended found.
    known: OnceLock<bool>,
    /// What axum had matched where the exchange started, and what it matched further in.
    matched_first: Option<Route>,
    matched: OnceLock<Route>,
}

/// How an exchange ended, as far as its route depends on that.
#[derive(Clone, Copy)]
pub(super) struct Answered {
    /// What it proved to speak.
    pub(super) protocol: Protocol,
    /// The code that is told.
    pub(super) code: Option<Code>,
    /// Whether the server's own words prove that it has the method.
    pub(super) proves_method: bool,
}

impl Routing {
    pub(super) fn start(head: &request::Parts, side: Side, protocol: Protocol) -> Self {
        Self {
            side,
            told: OnceLock::new(),
            called: (protocol == Protocol::Grpc).then(|| route::called(head)),
            listed: OnceLock::new(),
            known: OnceLock::new(),
            matched_first: (side == Side::Server).then(|| route::matched(head)).flatten(),
            matched: OnceLock::new(),
        }
    }

    #[inline]
    fn matched(&self) -> Option<&Route> {
        self.matched_first.as_ref().or_else(|| self.matched.get())
    }

    /// Takes the user's word; `false` when there was one already.
    pub(super) fn tell(&self, route: Route) -> bool {
        self.told.set(route).is_ok()
    }

    /// Adds what a wrapper can see.
    pub(super) fn find(&self, routes: &Routes, head: &mut request::Parts) {
        if self.told.get().is_none()
            && let Some(Some(route)) = isolated(|| routes.told(head, self.side))
        {
            self.tell(route);
        }
        if self.called.is_some()
            && let Some(route) = routes.listed(head)
        {
            let _ = self.listed.set(route);
        }
        if self.side == Side::Server
            && self.matched().is_none()
            && let Some(route) = route::matched(head)
        {
            let _ = self.matched.set(route);
        }
    }

    /// The route while the exchange runs.
    pub(super) fn so_far(&self, learned: &Learned) -> Option<&Route> {
        let is_known = |method: &str| match self.known.get() {
            Some(known) => *known,
            None => learned.contains(method),
        };
        let called = || {
            let called = self.called.as_ref()?;
            (self.side == Side::Client || called.grpc_method().is_some_and(is_known))
                .then_some(called)
        };
        self.told.get().or_else(|| self.listed.get()).or_else(called).or_else(|| self.matched())
    }

    /// The route of an exchange that ended so.
    #[inline]
    pub(super) fn at_end(&self, answered: Answered, learned: &Learned) -> Option<&Route> {
        static OTHER: Route = Route::OTHER;
        if let Some(told) = self.told.get() {
            return Some(told);
        }
        let called = self.called.as_ref().filter(|_| answered.protocol == Protocol::Grpc);
        let Some(called) = called else { return self.matched() };
        if let Some(listed) = self.listed.get() {
            return Some(listed);
        }
        if self.side == Side::Client {
            return Some(called);
        }
        if answered.code == Some(Code::Unimplemented) {
            return Some(&OTHER);
        }
        // once for all wrappers, though another exchange may teach the method between their ends
        let known = self.known.get_or_init(|| {
            called.grpc_method().is_some_and(|method| match answered.proves_method {
                true => learned.learn(method),
                false => learned.contains(method),
            })
        });
        if *known { Some(called) } else { self.matched().or(Some(&OTHER)) }
    }
}

//! What can become of an HTTP exchange, and what each side is to count it as.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::{Response, StatusCode};
use tokio::sync::Notify;
use tower::BoxError;
use tower_observability::classify::Side;

use super::gathered::Series;

/// One way in which an exchange goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    Text,
    NotFound,
    Unavailable,
    Head,
    NoContent,
    /// Of a method, a path and a host that the one who asks made up.
    Hostile,
    /// A POST that claims to be a gRPC call, and is answered as any other.
    ClaimsGrpc,
    /// The client leaves before the headers.
    Pends,
    /// The client leaves in the middle of the body.
    Leaves,
    Breaks,
    Short,
    PanicsInCall,
    PanicsInPoll,
    PanicsInBody,
    /// The service answers an error, as no handler of axum's can.
    Fails,
}
use Act::*;

impl Act {
    pub(crate) const ALL: [Self; 15] = [
        Text,
        NotFound,
        Unavailable,
        Head,
        NoContent,
        Hostile,
        ClaimsGrpc,
        Pends,
        Leaves,
        Breaks,
        Short,
        PanicsInCall,
        PanicsInPoll,
        PanicsInBody,
        Fails,
    ];

    /// The path that orders a server to do it.
    pub(crate) fn path(self) -> String {
        format!("/do/{self:?}")
    }

    fn ordered(path: &str) -> Option<Self> {
        let name = path.strip_prefix("/do/")?;
        Self::ALL.into_iter().find(|act| format!("{act:?}") == name)
    }

    /// Whether the body goes on only after its first piece was read.
    pub(crate) fn goes_on(self) -> bool {
        matches!(self, Breaks | Short | PanicsInBody)
    }

    /// Whether the connection can be used again.
    pub(crate) fn is_clean(self) -> bool {
        matches!(self, Text | NotFound | Unavailable | Head | NoContent | Hostile | ClaimsGrpc)
    }

    /// The status that is sent, and what goes wrong on each side.
    fn told(self, side: Side) -> (Option<&'static str>, Option<&'static str>) {
        let server = side == Side::Server;
        let on = |there, here| Some(if server { there } else { here });
        match self {
            Text | Head | ClaimsGrpc => (Some("200"), None),
            NoContent => (Some("204"), None),
            NotFound | Hostile => (Some("404"), if server { None } else { Some("404") }),
            Unavailable => (Some("503"), Some("503")),
            Pends => (None, Some("cancelled")),
            // the caller of a client had enough
            Leaves => (Some("200"), if server { Some("aborted") } else { None }),
            Breaks => (Some("200"), Some("failed")),
            Short => (Some("200"), on("content_length_mismatch", "failed")),
            PanicsInBody => (Some("200"), on("panic", "failed")),
            PanicsInCall | PanicsInPoll => (None, on("panic", "failed")),
            Fails => (None, Some("failed")),
        }
    }

    /// The one series of durations that counts it.
    pub(crate) fn series(
        self,
        side: Side,
        method: &str,
        scheme: &str,
        own: &[(&'static str, &str)],
    ) -> Series {
        let (status, error) = self.told(side);
        let mut labels = vec![("http_request_method", method), ("url_scheme", scheme)];
        labels.extend(status.map(|status| ("http_response_status_code", status)));
        labels.extend(error.map(|error| ("error_type", error)));
        labels.extend(own);
        let side = if side == Side::Server { "server" } else { "client" };
        Series::new(&format!("http_{side}_request_duration_seconds"), &labels)
    }
}

/// Panics where it is called to.
pub(crate) fn panic_in_call(path: &str) {
    assert_ne!(Act::ordered(path), Some(PanicsInCall), "as ordered");
}

/// Does what the path orders.
pub(crate) async fn obey(path: String, go_on: Arc<Notify>) -> Result<Response<Body>, BoxError> {
    let of = |status| Ok(Response::builder().status(status).body(Body::empty()).unwrap());
    let Some(act) = Act::ordered(&path) else { return of(StatusCode::NOT_FOUND) };
    let first = || stream::iter([Ok::<_, BoxError>(Bytes::from("he"))]);
    let then = |rest: fn() -> Option<Result<Bytes, BoxError>>| {
        let rest = stream::once(async move {
            go_on.notified().await;
            rest()
        });
        Body::from_stream(first().chain(rest.filter_map(std::future::ready)))
    };
    match act {
        Text | Head | ClaimsGrpc => Ok(Response::new("hello".into())),
        NotFound | Hostile => of(StatusCode::NOT_FOUND),
        Unavailable => of(StatusCode::SERVICE_UNAVAILABLE),
        NoContent => of(StatusCode::NO_CONTENT),
        Pends => std::future::pending().await,
        Leaves => Ok(Response::new(Body::from_stream(first().chain(stream::pending())))),
        Breaks => Ok(Response::new(then(|| Some(Err("as ordered".into()))))),
        PanicsInBody => Ok(Response::new(then(|| panic!("as ordered")))),
        Short => {
            let response = Response::builder().header("content-length", "5");
            Ok(response.body(then(|| None)).unwrap())
        }
        PanicsInCall | PanicsInPoll => panic!("as ordered"),
        Fails => Err("as ordered".into()),
    }
}

//! The service that does what the script intends.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http::{Extensions, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt};
use tower_observability::exchange::InExchangeExt;

use crate::acts::Act;
use crate::endings::{FIRST, HELLO, HUGE_PIECE, SLOW_PIECES, huge_pieces};
use crate::script::{DUMP, INTENT, Script};
use crate::witness::{Notes, number};

/// A service that a handler asks.
pub(crate) type Onward = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// What the handlers of one round share.
pub(crate) struct Shop {
    pub(crate) script: Arc<Script>,
    pub(crate) notes: Notes,
    /// Another server, and a service of this process.
    pub(crate) out: OnceLock<Onward>,
    pub(crate) in_process: OnceLock<Onward>,
}

/// Panics where it is called to.
pub(crate) fn panic_in_call(path: &str) {
    assert!(!path.ends_with("PanicsInCall"), "as ordered");
}

async fn let_others() {
    tokio::task::yield_now().await;
}

fn pieces(count: u64, size: usize) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let piece = Bytes::from(vec![b'p'; size]);
    stream::iter(0..count).then(move |_| {
        let piece = piece.clone();
        async move {
            let_others().await;
            Ok(piece)
        }
    })
}

/// The first piece, and what then comes of it.
fn first_then<F>(then: F) -> Body
where
    F: Future<Output = Option<Result<Bytes, BoxError>>> + Send + 'static,
{
    let first = stream::iter([Ok(Bytes::from(FIRST))]);
    Body::from_stream(first.chain(stream::once(then).filter_map(std::future::ready)))
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn hello() -> Response<Body> {
    Response::new(HELLO.into())
}

impl Shop {
    /// Does what the request is intended for.
    pub(crate) async fn obey(
        self: Arc<Self>,
        request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        let intent = number(request.headers())
            .and_then(|number| Some((number, self.script.intents.get(number)?)));
        let Some((number, intent)) = intent else { return Ok(empty(StatusCode::NOT_FOUND)) };
        let claimed = |claimed: &'static str, body: Body| {
            let mut response = Response::new(body);
            response.headers_mut().insert("content-length", claimed.parse().unwrap());
            response
        };
        Ok(match intent.act {
            Act::Text | Act::ClaimsGrpc => hello(),
            // over HTTP/2 hyper would send a body
            Act::Head => claimed("5", Body::empty()),
            Act::NotFound | Act::Hostile => empty(StatusCode::NOT_FOUND),
            Act::Unavailable | Act::Retried => empty(StatusCode::SERVICE_UNAVAILABLE),
            Act::NoContent => empty(StatusCode::NO_CONTENT),
            Act::Slow | Act::LeavesAnyTime => {
                for _ in 0..intent.seed % 4 {
                    let_others().await;
                }
                Response::new(Body::from_stream(pieces(SLOW_PIECES, 1024)))
            }
            Act::Huge | Act::LeavesHuge => {
                Response::new(Body::from_stream(pieces(huge_pieces(number), HUGE_PIECE)))
            }
            Act::Upload | Act::UploadBreaks => match read(request.into_body()).await {
                Ok(bytes) => Response::new(Body::from(bytes.to_string())),
                Err(_) => empty(StatusCode::BAD_REQUEST),
            },
            Act::Pends => std::future::pending().await,
            Act::Leaves => Response::new(first_then(std::future::pending())),
            Act::Breaks => Response::new(first_then(async { Some(Err("as ordered".into())) })),
            Act::Short => claimed("5", first_then(async { None })),
            Act::Long => {
                let text = stream::iter([Ok::<_, Infallible>(Bytes::from(HELLO))]);
                claimed("2", Body::from_stream(text))
            }
            Act::PanicsInBody => Response::new(first_then(async { panic!("as ordered") })),
            Act::PanicsInCall | Act::PanicsInPoll => panic!("as ordered"),
            Act::Fails => return Err("as ordered".into()),
            Act::InProcess => {
                self.ask(&self.in_process, intent.next, Extensions::new()).await?;
                hello()
            }
            Act::CallsOut => {
                self.ask(&self.out, intent.next, Extensions::new()).await?;
                hello()
            }
            Act::Forwards => {
                self.ask(&self.out, intent.next, request.into_parts().0.extensions).await?;
                hello()
            }
            Act::Spawns => {
                let (shop, task, next) = (self.clone(), self.notes.task(), intent.next);
                tokio::spawn(
                    async move {
                        shop.ask(&shop.out, next, Extensions::new()).await.unwrap();
                        drop(task);
                    }
                    .in_exchange(),
                );
                hello()
            }
            other => panic!("{other:?} is no act of HTTP"),
        })
    }

    /// Asks another service with what is left in a request, and reads what it answers.
    async fn ask(
        &self,
        whom: &OnceLock<Onward>,
        number: Option<usize>,
        left: Extensions,
    ) -> Result<(), BoxError> {
        let (onward, number) = (whom.get().expect("all are there"), number.expect("it is asked"));
        let intent = &self.script.intents[number];
        let mut request = Request::builder().method(Method::GET).uri(path(intent.act));
        request = request.header(INTENT, number);
        if intent.is_dumped {
            request = request.header(DUMP, "1");
        }
        let mut request = request.body(Body::empty())?;
        *request.extensions_mut() = left;
        let response = onward.clone().oneshot(request).await?;
        response.into_body().collect().await?;
        Ok(())
    }
}

/// The path that orders an act.
pub(crate) fn path(act: Act) -> String {
    format!("/do/{act:?}")
}

async fn read(mut body: Body) -> Result<u64, axum::Error> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(bytes)
}

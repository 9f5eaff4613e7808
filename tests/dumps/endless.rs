//! Bodies without an end: told as far as they came, and what ended them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::sync::Notify;
use tower_observability::classify::Outcome;
use tower_observability::debug_dump::{BodyFate, DebugDumpLayer, DumpControl, Withheld, curl};
use tower_observability::testing::ScriptBody;

use crate::armed::*;
use crate::support::*;

const PIECE: &[u8] = &[b'x'; 1 << 10];

fn endless() -> Body {
    Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(PIECE))))
}

/// Reads ten pieces and answers.
async fn had_enough(request: Request) -> StatusCode {
    let mut body = request.into_body();
    let mut read = 0;
    while read < 10 * PIECE.len() {
        read += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    StatusCode::ACCEPTED
}

fn router(control: &DumpControl) -> Router {
    Router::new()
        .route("/down", get(async || ([("content-type", "text/plain")], endless())))
        .route("/enough", post(had_enough))
        .layer(DebugDumpLayer::server(control))
}

#[tokio::test]
async fn a_client_leaves_an_endless_answer() {
    let _turn = turn().await;
    for version in BOTH {
        let control = armed();
        let peak = Peak::new();
        let mut connection = Connection::open(version, serve_axum(router(&control)).await).await;
        let mut body = connection.send(get_at("/down")).await.unwrap().into_body();
        let mut read = 0;
        while read < 16 << 20 {
            read += bounded(body.frame()).await.unwrap().unwrap().into_data().unwrap().len() as u64;
            peak.look();
        }
        drop((body, connection));

        let capture = captured(&control, 1).await.remove(0);
        let answered = &capture.response.as_ref().unwrap().body;
        assert_eq!(answered.kept, PIECE.repeat(CAP / PIECE.len()), "{version:?}");
        assert_eq!(
            (capture.outcome, answered.fate, answered.withheld),
            (Outcome::Aborted, BodyFate::Aborted, Some(Withheld::Truncated)),
            "{version:?}"
        );
        // what was handed over, which is more than what was read
        assert!(answered.total >= read && answered.total % PIECE.len() as u64 == 0, "{answered:?}");
        assert!(peak.bytes() < 12 << 20, "{version:?}: {} bytes were held", peak.bytes());
    }
}

/// An upload that goes on until it is dropped.
fn upload(path: &str) -> http::Request<ScriptBody> {
    let pieces = (0..20).fold(ScriptBody::new(), |body, _| body.data(PIECE));
    let request = http::Request::post(format!("http://localhost{path}"));
    request.header("content-type", "text/plain").body(pieces.pending()).unwrap()
}

#[tokio::test]
async fn a_handler_leaves_an_endless_upload() {
    let _turn = turn().await;
    for version in BOTH {
        let control = armed();
        let mut connection = Connection::open(version, serve_axum(router(&control)).await).await;
        let response = bounded(connection.send(upload("/enough"))).await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        drop((response, connection));

        let capture = captured(&control, 1).await.remove(0);
        let asked = &capture.request.body;
        assert_eq!(asked.kept, PIECE.repeat(CAP / PIECE.len()));
        assert_eq!(
            (capture.outcome, asked.fate, asked.withheld),
            (Outcome::Completed, BodyFate::Unread, Some(Withheld::Truncated))
        );
        let most = 20 * PIECE.len() as u64;
        assert!((most / 2..=most).contains(&asked.total), "{}", asked.total);
    }
}

#[tokio::test]
async fn a_client_leaves_its_own_upload() {
    let _turn = turn().await;
    for version in BOTH {
        let control = armed();
        let came = Arc::new(Notify::new());
        let told = came.clone();
        let handler = async move |request: Request| {
            let mut body = request.into_body();
            let mut read = 0;
            while let Some(Ok(frame)) = body.frame().await {
                read += frame.into_data().unwrap().len();
                if read == 20 * PIECE.len() {
                    told.notify_one();
                }
            }
            StatusCode::BAD_REQUEST
        };
        let router = Router::new().route("/", post(handler));
        let router = router.layer(DebugDumpLayer::server(&control));
        let mut connection = Connection::open(version, serve_axum(router).await).await;
        let asking = tokio::spawn(async move { connection.send(upload("/")).await });
        bounded(came.notified()).await;
        asking.abort();

        let capture = captured(&control, 1).await.remove(0);
        let asked = &capture.request.body;
        assert_eq!(asked.kept, PIECE.repeat(CAP / PIECE.len()), "{version:?}");
        assert_eq!(
            (asked.total, asked.fate, asked.withheld),
            (20 * PIECE.len() as u64, BodyFate::Aborted, Some(Withheld::Truncated)),
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn what_has_no_body_is_whole_and_can_be_sent_again() {
    let _turn = turn().await;
    for version in BOTH {
        let control = armed();
        let router = Router::new().route("/", get(async || "hello"));
        let router = router.layer(DebugDumpLayer::server(&control));
        let mut connection = Connection::open(version, serve_axum(router).await).await;
        let response = bounded(connection.send(get_at("/"))).await.unwrap();
        assert_eq!(text(response.into_body()).await, "hello");

        let capture = captured(&control, 1).await.remove(0);
        let asked = &capture.request.body;
        assert_eq!((asked.total, asked.fate, asked.withheld), (0, BodyFate::Whole, None));
        assert!(curl::command(&capture).is_some(), "{version:?}");
    }
}

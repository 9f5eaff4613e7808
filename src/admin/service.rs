//! From a request to its answer: which endpoint, who asks, what was sent.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::access::{Access, Authorizer, Decision};
use super::answer::{self, AdminBody, Refusal};
use super::audit::{Change, Outcome};
use super::section::{Answering, Asked, Endpoint, Operation, Section};
use super::{Admin, MAX_BODY_BYTES};

/// What all clones share.
pub(super) struct Shared {
    pub(super) authorizer: Box<dyn Authorizer>,
    pub(super) sections: Vec<Box<dyn Section>>,
}

/// A request that may do what it asks for.
struct Admitted {
    shared: Arc<Shared>,
    section: usize,
    path: &'static str,
    head: Parts,
    #[cfg(feature = "health")]
    may_read: bool,
    principal: Option<String>,
}

impl Admitted {
    fn answer(self, body: Bytes) -> Answering {
        let asked = Asked {
            head: self.head,
            path: self.path,
            #[cfg(feature = "health")]
            may_read: self.may_read,
            body,
            principal: self.principal,
        };
        match self.shared.sections.get(self.section) {
            Some(section) => section.handle(asked),
            None => Box::pin(std::future::ready(not_found())),
        }
    }
}

impl Shared {
    fn find(&self, path: &str) -> Option<(usize, &'static Endpoint)> {
        let sections = self.sections.iter().enumerate();
        let mut endpoints = sections.flat_map(|(number, section)| {
            section.endpoints().iter().map(move |endpoint| (number, endpoint))
        });
        endpoints.find(|(_, endpoint)| endpoint.is_at(path))
    }

    fn admit(
        self: &Arc<Self>,
        head: Parts,
    ) -> Result<(Admitted, &'static Operation), Box<Response<AdminBody>>> {
        let (section, endpoint) =
            self.find(head.uri.path()).ok_or_else(|| Box::new(not_found()))?;
        let operation = endpoint.operation(&head.method);
        let operation =
            operation.ok_or_else(|| Box::new(answer::not_allowed(&endpoint.allow())))?;
        let denied = |outcome| {
            if operation.access == Access::Change {
                let what = format!("{} {}", operation.method, endpoint.path);
                Change {
                    what: &what,
                    old: None,
                    new: None,
                    time_to_live_seconds: None,
                    principal: None,
                    outcome,
                }
                .tell();
            }
        };
        let principal = match self.authorizer.decide(&head, operation.access) {
            Decision::Allow => None,
            Decision::AllowAs(principal) => Some(principal),
            Decision::Unauthorized { challenge } => {
                denied(Outcome::Unauthorized);
                return Err(Box::new(answer::unauthorized(challenge)));
            }
            Decision::Forbidden => {
                denied(Outcome::Forbidden);
                let detail = format!("the access {:?} is not open", operation.access.as_str());
                return Err(Box::new(Refusal::new(StatusCode::FORBIDDEN, detail).answer()));
            }
        };
        if operation.takes_json && !is_json(&head.headers) {
            let detail = "send application/json, and say so in Content-Type";
            return Err(Box::new(
                Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).answer(),
            ));
        }
        let admitted = Admitted {
            shared: Arc::clone(self),
            section,
            path: endpoint.path,
            #[cfg(feature = "health")]
            may_read: operation.access == Access::Probe
                && matches!(
                    self.authorizer.decide(&head, Access::Read),
                    Decision::Allow | Decision::AllowAs(_)
                ),
            head,
            principal,
        };
        Ok((admitted, operation))
    }
}

fn not_found() -> Response<AdminBody> {
    Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path").answer()
}

fn too_large() -> Response<AdminBody> {
    let detail = format!("the body may have at most {MAX_BODY_BYTES} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail).answer()
}

/// A form of another site can send any text, but not as JSON without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

impl<B: Body> Service<Request<B>> for Admin {
    type Response = Response<AdminBody>;
    type Error = Infallible;
    type Future = AdminFuture<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> AdminFuture<B> {
        let (head, body) = request.into_parts();
        let is_head = head.method == Method::HEAD;
        let step = match self.0.admit(head) {
            Err(refusal) => Step::Refused { refusal: Some(*refusal) },
            Ok((_, operation)) if operation.takes_json && is_over(body.size_hint().lower(), 0) => {
                Step::Refused { refusal: Some(too_large()) }
            }
            Ok((admitted, operation)) if operation.takes_json => {
                Step::Reading { body, read: Vec::new(), admitted: Some(admitted) }
            }
            Ok((admitted, _)) => Step::Answering { answering: admitted.answer(Bytes::new()) },
        };
        AdminFuture { step, is_head }
    }
}

fn is_over(bytes: u64, read: usize) -> bool {
    bytes.saturating_add(read as u64) > MAX_BODY_BYTES as u64
}

pin_project! {
    /// The future of an [`Admin`].
    pub struct AdminFuture<B> {
        #[pin]
        step: Step<B>,
        is_head: bool,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<B> {
        Refused { refusal: Option<Response<AdminBody>> },
        Reading { #[pin] body: B, read: Vec<u8>, admitted: Option<Admitted> },
        Answering { answering: Answering },
    }
}

impl<B: Body> Future for AdminFuture<B> {
    type Output = Result<Response<AdminBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.step.as_mut().project() {
                StepProjection::Refused { refusal } => {
                    let Some(refusal) = refusal.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(finished(refusal, *this.is_head)));
                }
                StepProjection::Answering { answering } => {
                    let response = ready!(answering.as_mut().poll(cx));
                    return Poll::Ready(Ok(finished(response, *this.is_head)));
                }
                StepProjection::Reading { body, read, admitted } => {
                    match ready!(poll_whole(body, read, cx)) {
                        Err(refusal) => Step::Refused { refusal: Some(refusal) },
                        Ok(bytes) => match admitted.take() {
                            Some(admitted) => Step::Answering { answering: admitted.answer(bytes) },
                            None => return Poll::Pending,
                        },
                    }
                }
            };
            this.step.set(next);
        }
    }
}

/// Reads a body to its end, but no more of it than is allowed.
fn poll_whole<B: Body>(
    mut body: Pin<&mut B>,
    read: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<Result<Bytes, Response<AdminBody>>> {
    loop {
        let mut data = match ready!(body.as_mut().poll_frame(cx)) {
            None => return Poll::Ready(Ok(Bytes::from(std::mem::take(read)))),
            Some(Err(_)) => {
                let refusal = Refusal::new(StatusCode::BAD_REQUEST, "the body ended in an error");
                return Poll::Ready(Err(refusal.answer()));
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                Err(_) => continue,
            },
        };
        if is_over(data.remaining() as u64, read.len()) {
            return Poll::Ready(Err(too_large()));
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            let length = chunk.len();
            read.extend_from_slice(chunk);
            data.advance(length);
        }
    }
}

/// What holds for every answer.
fn finished(mut response: Response<AdminBody>, is_head: bool) -> Response<AdminBody> {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_head {
        *response.body_mut() = AdminBody::default();
    }
    response
}

impl<B> fmt::Debug for AdminFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminFuture").finish_non_exhaustive()
    }
}

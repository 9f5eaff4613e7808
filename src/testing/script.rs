use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use super::{ManualClock, ScriptBody, ScriptError};

/// A service that does what it is told with every request.
#[derive(Clone, Debug)]
pub struct Script {
    refuses: Option<ScriptError>,
    panics_in_call: Option<&'static str>,
    passes: Option<(ManualClock, Duration)>,
    then: Then,
}

#[derive(Clone, Debug)]
enum Then {
    Respond { status: StatusCode, headers: Vec<(HeaderName, HeaderValue)>, body: ScriptBody },
    Fail(ScriptError),
    Panic(&'static str),
    Pend,
}

impl Script {
    /// Answers this status with an empty body.
    pub fn status(status: StatusCode) -> Self {
        Self::then(Then::Respond {
            status,
            headers: Vec::new(),
            body: ScriptBody::new().claims_end(),
        })
    }

    /// Answers 200 with this body.
    pub fn body(body: ScriptBody) -> Self {
        Self::then(Then::Respond { status: StatusCode::OK, headers: Vec::new(), body })
    }

    /// Answers an error.
    pub fn fails(message: &'static str) -> Self {
        Self::then(Then::Fail(ScriptError(message)))
    }

    /// Panics when the future is polled.
    pub fn panics(message: &'static str) -> Self {
        Self::then(Then::Panic(message))
    }

    /// Panics in `call`.
    pub fn panics_in_call(message: &'static str) -> Self {
        Self { panics_in_call: Some(message), ..Self::pends() }
    }

    /// Never answers.
    pub fn pends() -> Self {
        Self::then(Then::Pend)
    }

    /// Is never ready: `poll_ready` answers this error.
    pub fn refuses(message: &'static str) -> Self {
        Self { refuses: Some(ScriptError(message)), ..Self::pends() }
    }

    /// Answers with this status.
    pub fn with_status(mut self, with: StatusCode) -> Self {
        if let Then::Respond { status, .. } = &mut self.then {
            *status = with;
        }
        self
    }

    /// Answers with this header too.
    ///
    /// # Panics
    /// When name or value are not valid in HTTP.
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        if let Then::Respond { headers, .. } = &mut self.then {
            headers.push((HeaderName::from_static(name), HeaderValue::from_static(value)));
        }
        self
    }

    /// Lets time pass on a manual clock before each answer.
    pub fn after(mut self, clock: &ManualClock, time: Duration) -> Self {
        self.passes = Some((clock.clone(), time));
        self
    }

    fn then(then: Then) -> Self {
        Self { refuses: None, panics_in_call: None, passes: None, then }
    }
}

impl<B> Service<Request<B>> for Script {
    type Response = Response<ScriptBody>;
    type Error = ScriptError;
    type Future = ScriptFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ScriptError>> {
        Poll::Ready(self.refuses.clone().map_or(Ok(()), Err))
    }

    fn call(&mut self, _: Request<B>) -> ScriptFuture {
        if let Some(message) = self.panics_in_call {
            panic!("{message}");
        }
        ScriptFuture { script: self.clone() }
    }
}

/// The future of a [`Script`].
#[derive(Debug)]
pub struct ScriptFuture {
    script: Script,
}

impl Future for ScriptFuture {
    type Output = Result<Response<ScriptBody>, ScriptError>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some((clock, time)) = self.script.passes.take() {
            clock.advance(time);
        }
        match std::mem::replace(&mut self.script.then, Then::Pend) {
            Then::Pend => Poll::Pending,
            Then::Fail(error) => Poll::Ready(Err(error)),
            Then::Panic(message) => panic!("{message}"),
            Then::Respond { status, headers, body } => {
                let mut response = Response::new(body.live());
                *response.status_mut() = status;
                response.headers_mut().extend(headers);
                Poll::Ready(Ok(response))
            }
        }
    }
}

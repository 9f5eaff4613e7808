//! What is kept of an exchange under way, and what becomes of it.

use std::fmt;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, StatusCode, Version, request, response};

use super::armed::Armed;
use super::bodies::{self, Registered};
use super::capture::{
    BodyFate, Capture, CaptureId, CapturedBody, CapturedRequest, CapturedResponse, Withheld,
};
use super::control::DumpControl;
use super::hide::{Hidden, Hide, Opaque};
#[cfg(feature = "debug-dump-grpc")]
use super::messages::DescriptorSet;
use super::rule::{Asked, Seen};
use super::tee::{BodyTap, Kept, Way};
use crate::classify::{ErrorType, Outcome};
use crate::exchange::{End, Facts, Observer};
use crate::id::TraceIdentity;
use crate::redact::Redaction;

/// The observer that dumps; configured as a [`DebugDumpLayer`](super::DebugDumpLayer).
#[derive(Clone)]
pub struct DebugDump {
    pub(super) control: DumpControl,
    pub(super) redaction: Redaction,
    pub(super) registered: Registered,
    pub(super) opaque: Opaque,
    pub(super) keeps_authentication: bool,
    #[cfg(feature = "debug-dump-grpc")]
    pub(super) descriptors: Option<DescriptorSet>,
}

/// What is kept of an exchange under way.
pub struct Dumping(Option<Box<InFlight>>);

struct InFlight {
    armed: Arc<Armed>,
    number: u64,
    request: Asked,
    tap: BodyTap,
    response: Option<Answered>,
}

struct Answered {
    status: StatusCode,
    version: Version,
    headers: HeaderMap,
    kept: Kept,
}

impl Observer for DebugDump {
    type Exchange = Dumping;
    const WANTS_DATA: bool = true;
    const WANTS_TRAILERS: bool = true;
    const WANTS_SCOPE: bool = false;

    #[inline]
    fn begin(&self, head: &mut request::Parts, facts: &Arc<Facts>) -> Dumping {
        Dumping(self.control.armed().and_then(|armed| in_flight(armed, head, facts)))
    }

    #[inline]
    fn is_idle(&self, dumping: &Dumping) -> bool {
        dumping.0.is_none()
    }

    #[inline]
    fn request_body<B: 'static>(&self, dumping: &mut Dumping, body: B) -> B {
        let Some(dumped) = &dumping.0 else { return body };
        let (body, is_known) = bodies::tap(body, &dumped.tap, &self.registered);
        if !is_known {
            dumped.tap.kept().fate = BodyFate::Unknown;
        }
        body
    }

    #[inline]
    fn response(&self, dumping: &mut Dumping, head: &mut response::Parts, _: &Arc<Facts>) {
        if let Some(dumped) = &mut dumping.0 {
            dumped.response = Some(Answered {
                status: head.status,
                version: head.version,
                headers: head.headers.clone(),
                kept: Kept::new(&dumped.armed, BodyFate::Whole),
            });
        }
    }

    #[inline]
    fn wants_data(&self, dumping: &Dumping) -> bool {
        dumping.0.is_some()
    }

    #[inline]
    fn data(&self, dumping: &mut Dumping, bytes: &[u8]) {
        let response = dumping.0.as_mut().and_then(|dumped| dumped.response.as_mut());
        if let Some(response) = response {
            response.kept.add(bytes);
        }
    }

    #[inline]
    fn data_left_out(&self, dumping: &mut Dumping) {
        let response = dumping.0.as_mut().and_then(|dumped| dumped.response.as_mut());
        if let Some(response) = response {
            response.kept.stop();
        }
    }

    #[inline]
    fn trailers(&self, dumping: &mut Dumping, trailers: &HeaderMap) {
        let response = dumping.0.as_mut().and_then(|dumped| dumped.response.as_mut());
        if let Some(response) = response {
            response.kept.trailers = Some(trailers.clone());
        }
    }

    #[inline]
    fn end(&self, dumping: Dumping, end: &End<'_>) {
        if let Some(dumped) = dumping.0 {
            self.ended(*dumped, end);
        }
    }
}

#[cold]
fn in_flight(armed: Arc<Armed>, head: &request::Parts, facts: &Facts) -> Option<Box<InFlight>> {
    let number = armed.number();
    if armed.rule.matches.at_start(head, facts, number) == Some(false) {
        return None;
    }
    let request = Asked {
        method: head.method.clone(),
        uri: head.uri.clone(),
        version: head.version,
        headers: head.headers.clone(),
    };
    let kept = Kept::new(&armed, BodyFate::Unread);
    let tap = BodyTap(Arc::new(Mutex::new(kept)));
    Some(Box::new(InFlight { armed, number, request, tap, response: None }))
}

impl DebugDump {
    #[cold]
    fn ended(&self, dumped: InFlight, end: &End<'_>) {
        let InFlight { armed, number, request, tap, response } = dumped;
        let headers = response.as_ref().map(|response| &response.headers);
        let seen = Seen { request: &request, response: headers, end, number };
        if armed.rule.matches.at_end(&seen) {
            self.control.take(&armed, |id| self.capture(id, request, &tap, response, end));
        }
    }

    fn capture(
        &self,
        id: CaptureId,
        request: Asked,
        tap: &BodyTap,
        response: Option<Answered>,
        end: &End<'_>,
    ) -> Capture {
        let facts = end.facts;
        let kept = tap.kept();
        let path = request.uri.path();
        let asked = CapturedRequest {
            method: request.method,
            uri: self.uri(&request.uri),
            version: request.version,
            body: self.body(&kept, &request.headers, path, Way::Request),
            headers: self.headers(&request.headers),
            trailers: kept.trailers.as_ref().map(|trailers| self.headers(trailers)),
        };
        drop(kept);
        let answered = response.map(|response| self.answered(response, path, end));
        Capture {
            id,
            side: facts.side(),
            started_at: facts.started_at(),
            duration: end.duration,
            time_to_headers: end.time_to_headers,
            outcome: end.outcome,
            protocol: end.protocol,
            route: end.route.map(|route| route.as_str().to_owned()),
            request_id: facts.request_id().map(|id| id.as_str().to_owned()),
            trace_id: facts.trace().map(TraceIdentity::trace_id_hex),
            grpc_status: end.grpc_status,
            error_type: end.error_type.as_ref().map(ErrorType::as_str).map(str::to_owned),
            request: asked,
            response: answered,
        }
    }

    fn answered(&self, mut response: Answered, path: &str, end: &End<'_>) -> CapturedResponse {
        response.kept.total = end.response_bytes;
        response.kept.fate = match end.outcome {
            Outcome::Completed if end.unread => BodyFate::Unread,
            Outcome::Completed => BodyFate::Whole,
            _ => BodyFate::Aborted,
        };
        let answers_who =
            matches!(response.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let body = match answers_who && !self.keeps_authentication {
            true => CapturedBody {
                total: response.kept.total,
                fate: response.kept.fate,
                withheld: Some(Withheld::Authentication),
                ..CapturedBody::default()
            },
            false => self.body(&response.kept, &response.headers, path, Way::Response),
        };
        CapturedResponse {
            status: response.status,
            // a server answers in the version it was asked in, whatever the service put there
            version: end.version.unwrap_or(response.version),
            headers: self.headers(&response.headers),
            body,
            trailers: response.kept.trailers.as_ref().map(|trailers| self.headers(trailers)),
        }
    }

    fn body(&self, kept: &Kept, headers: &HeaderMap, path: &str, way: Way) -> CapturedBody {
        let hidden = self.hidden(kept, headers, path, way);
        let is_cut = kept.total > kept.bytes.len() as u64 && kept.fate != BodyFate::Unknown;
        let withheld = hidden.withheld.or(is_cut.then_some(Withheld::Truncated));
        CapturedBody {
            kept: hidden.kept,
            form: hidden.form,
            total: kept.total,
            fate: kept.fate,
            // of nothing, nothing is
            withheld: withheld.filter(|_| kept.total > 0),
        }
    }

    #[cfg(feature = "debug-dump-grpc")]
    fn hidden(&self, kept: &Kept, headers: &HeaderMap, path: &str, way: Way) -> Hidden {
        let known = self.descriptors.as_ref().and_then(|known| known.message(path, way, headers));
        match known {
            Some(kind) if !kept.bytes.is_empty() => {
                self.hide(kept).messages(&kept.bytes, kept.is_whole(), headers, &kind)
            }
            _ => self.hide(kept).body(&kept.bytes, kept.is_whole(), headers),
        }
    }

    #[cfg(not(feature = "debug-dump-grpc"))]
    fn hidden(&self, kept: &Kept, headers: &HeaderMap, _: &str, _: Way) -> Hidden {
        self.hide(kept).body(&kept.bytes, kept.is_whole(), headers)
    }

    fn hide(&self, kept: &Kept) -> Hide<'_> {
        Hide { redaction: &self.redaction, opaque: self.opaque, cap: kept.cap }
    }
}

impl fmt::Debug for DebugDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DebugDump").field("control", &self.control).finish_non_exhaustive()
    }
}

impl fmt::Debug for Dumping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dumping").field("is_kept", &self.0.is_some()).finish_non_exhaustive()
    }
}

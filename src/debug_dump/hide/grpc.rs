//! Messages of gRPC whose types are known.

use bytes::Bytes;
use http::HeaderMap;

use super::decode::{MOST, decode, inflate};
use super::{Ended, Hidden, Hide, Kind, Opaque, cut, json};
use crate::debug_dump::frames::Frames;
use crate::debug_dump::messages::MessageType;
use crate::debug_dump::{BodyForm, Withheld};

/// How a message says it is compressed.
const ENCODING: &str = "grpc-encoding";

/// JSON of many messages.
const LINES: Kind = Kind::Json { many: true };

impl Hide<'_> {
    /// What may be kept of a body of such messages: each one as JSON on a line of its own. It ends before
    /// a message that cannot be read, and before one that is cut.
    pub(crate) fn messages(
        &self,
        raw: &[u8],
        is_whole: bool,
        headers: &HeaderMap,
        kind: &MessageType,
    ) -> Hidden {
        let plain = decode(raw, is_whole, headers);
        let (mut text, ended) = match &plain {
            Some(plain) => self.lines(plain, is_whole, headers, kind),
            None => (Vec::new(), Ended::Unreadable),
        };
        if ended == Ended::Unreadable && self.opaque == Opaque::Kept {
            return self.body(raw, is_whole, headers);
        }
        let is_cut = cut::cut(&mut text, self.cap, &LINES) || !is_whole || ended == Ended::Cut;
        let withheld = match ended {
            Ended::Unreadable => Some(Withheld::Unreadable),
            _ => is_cut.then_some(Withheld::Truncated),
        };
        Hidden { kept: Bytes::from(text), withheld, form: BodyForm::GrpcAsJson }
    }

    fn lines(
        &self,
        plain: &[u8],
        is_whole: bool,
        headers: &HeaderMap,
        kind: &MessageType,
    ) -> (Vec<u8>, Ended) {
        let mut frames = Frames { rest: plain };
        let mut out = Vec::new();
        // of all messages together
        let mut left = MOST;
        let short = if is_whole { Ended::Unreadable } else { Ended::Cut };
        for frame in &mut frames {
            if out.len() > self.cap {
                return (out, Ended::Cut);
            }
            if frame.is_cut() {
                return (out, short);
            }
            let inflated;
            let data = if frame.is_compressed {
                let coding = headers.get(ENCODING).and_then(|value| value.to_str().ok());
                let Some(bytes) = coding.and_then(|name| inflate(name, frame.data, true, left))
                else {
                    return (out, Ended::Unreadable);
                };
                inflated = bytes;
                left -= inflated.len();
                &inflated
            } else {
                frame.data
            };
            let Some(text) = kind.json(data, self.redaction, self.opaque) else {
                return (out, Ended::Unreadable);
            };
            let (hidden, Ended::Whole) = json::hide(&text, true, false, self.redaction) else {
                return (out, Ended::Unreadable);
            };
            out.extend_from_slice(&hidden);
            out.push(b'\n');
        }
        let ended = match frames.rest {
            [] => Ended::Whole,
            // the head of a message
            [0 | 1, ..] => short,
            _ => Ended::Unreadable,
        };
        (out, ended)
    }
}

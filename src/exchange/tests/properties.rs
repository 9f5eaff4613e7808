//! Any body, read any far, is judged as a plain reading of the table says.

use std::time::Duration;

use http::StatusCode;
use proptest::prelude::*;

use super::{Caller, Scenario};
use crate::classify::{Blame, ErrorType, Goodness, Outcome, Side};
use crate::testing::{Record, Script, ScriptBody};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Tail {
    End,
    Trailers,
    Error,
    Panic,
    Pending,
}

/// What the table says, frame by frame: outcome, error type, bytes, and whether it went unread.
fn table(
    side: Side,
    data: &[u8],
    tail: Tail,
    length: Option<u64>,
    claims_end: bool,
    frames: usize,
) -> (Outcome, Option<&'static str>, u64, bool) {
    let mut handed = 0;
    let ended = |handed: u64| match length {
        Some(length) if length != handed => {
            (Outcome::Failed, Some("content_length_mismatch"), handed, false)
        }
        _ => (Outcome::Completed, None, handed, false),
    };
    if data.is_empty() && tail == Tail::End && claims_end {
        return ended(0);
    }
    for frame in 0..frames {
        match data.get(frame) {
            Some(size) => {
                handed += u64::from(*size);
                if claims_end && tail == Tail::End && frame + 1 == data.len() {
                    return ended(handed);
                }
            }
            None => {
                let past = length.is_some_and(|length| handed > length);
                return match tail {
                    Tail::End | Tail::Trailers => ended(handed),
                    Tail::Panic => (Outcome::Panicked, Some("panic"), handed, false),
                    Tail::Error => (Outcome::Failed, Some("failed"), handed, false),
                    Tail::Pending if past => {
                        (Outcome::Failed, Some("content_length_mismatch"), handed, false)
                    }
                    Tail::Pending => dropped(side, length, handed),
                };
            }
        }
    }
    dropped(side, length, handed)
}

fn dropped(
    side: Side,
    length: Option<u64>,
    handed: u64,
) -> (Outcome, Option<&'static str>, u64, bool) {
    match (length, side) {
        (Some(length), _) if handed > length => {
            (Outcome::Failed, Some("content_length_mismatch"), handed, false)
        }
        (Some(length), _) if handed == length => (Outcome::Completed, None, handed, false),
        (_, Side::Server) => (Outcome::Aborted, Some("aborted"), handed, false),
        (_, Side::Client) => (Outcome::Completed, None, handed, true),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_body_is_judged_once_and_by_the_table(
        server in any::<bool>(),
        data in prop::collection::vec(1u8..4, 0..4),
        tail in prop::sample::select(vec![
            Tail::End, Tail::Trailers, Tail::Error, Tail::Panic, Tail::Pending,
        ]),
        length in prop::option::of(0u64..10),
        claims_end in any::<bool>(),
        frames in 0usize..6,
    ) {
        let side = if server { Side::Server } else { Side::Client };
        let frames = if tail == Tail::Pending { frames.min(data.len()) } else { frames };
        let mut body = ScriptBody::new();
        for size in &data {
            body = body.data(vec![b'x'; usize::from(*size)]);
        }
        body = match tail {
            Tail::End => body,
            Tail::Trailers => body.trailers(&[("x-a", "b")]),
            Tail::Error => body.error("disk"),
            Tail::Panic => body.panic("boom"),
            Tail::Pending => body.pending(),
        };
        if claims_end {
            body = body.claims_end();
        }
        let mut script = Script::body(body);
        if let Some(length) = length {
            script = script.with_header("content-length", length.to_string().leak());
        }
        let (outcome, error_type, bytes, unread) =
            table(side, &data, tail, length, claims_end, frames);
        let (blame, goodness) = match outcome {
            Outcome::Completed => (Blame::Nobody, Goodness::Good),
            Outcome::Aborted => (Blame::Peer, Goodness::LeftOut),
            _ => (Blame::Ours, Goodness::Bad),
        };
        let failed_itself = tail == Tail::Error && outcome == Outcome::Failed
            && frames > data.len();
        Scenario::new(side, script)
            .caller(Caller::DropsBodyAfter(frames, Duration::ZERO))
            .records(Record {
                outcome,
                blame,
                goodness,
                is_error: blame == Blame::Ours,
                error_type: error_type.map(ErrorType::Named),
                response_bytes: bytes,
                unread,
                error: failed_itself.then(|| "disk".to_owned()),
                ..Record::completed(side, StatusCode::OK)
            });
    }
}

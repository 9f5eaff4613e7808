//! How an act is to end: in one way where that is certain, in one of several where it is a race.

use tower_observability::classify::Outcome::{self, *};
use tower_observability::classify::Side;
use tower_observability::grpc::Code;

use crate::acts::{Act, Caller, Place, Way};
use crate::kinds::Kind;

/// How an exchange may end; what is not told here is not certain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<Code>,
    pub(crate) error: Option<&'static str>,
    pub(crate) bytes: Option<u64>,
}

/// What is intended of one side of an exchange.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intended {
    /// Whether there may be no exchange at all.
    pub(crate) may_be_none: bool,
    /// None where there is to be none.
    pub(crate) endings: Vec<Ending>,
    pub(crate) route: Option<&'static str>,
}

pub(crate) const TEMPLATE: &str = "/do/{act}";
/// What is answered to most.
pub(crate) const HELLO: &str = "hello";
/// The first piece of an answer that goes on.
pub(crate) const FIRST: &str = "he";
pub(crate) const SLOW_PIECES: u64 = 12;
pub(crate) const HUGE_PIECE: usize = 64 << 10;

/// How many pieces a huge answer has.
pub(crate) fn huge_pieces(number: usize) -> u64 {
    16 + (number % 48) as u64
}

fn done(status: u16, bytes: u64) -> Ending {
    Ending { outcome: Completed, status: Some(status), code: None, error: None, bytes: Some(bytes) }
}

fn cut(outcome: Outcome, status: Option<u16>, error: &'static str) -> Ending {
    Ending { outcome, status, code: None, error: Some(error), bytes: None }
}

impl Ending {
    fn error(self, error: &'static str) -> Self {
        Self { error: Some(error), ..self }
    }

    fn bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }

    fn any_bytes(self) -> Self {
        Self { bytes: None, ..self }
    }

    fn code(self, code: Code) -> Self {
        Self { code: Some(code), ..self }
    }
}

impl Way {
    /// What an act is to be on one side.
    pub(crate) fn intended(self, act: Act, number: usize, side: Side) -> Intended {
        if side == Side::Client && self.caller == Caller::Bare {
            return Intended::default();
        }
        let server = side == Side::Server;
        let endings = match self.place {
            Place::Tonic => call(act, server),
            _ => self.web(act, number, server),
        };
        let route = match (self.place, act) {
            (Place::Tonic, Act::Says(kind, _) | Act::Hangs(kind) | Act::HangsUp(kind)) => {
                Some(kind.method())
            }
            (Place::Tonic, Act::OutOfTime) => Some(Kind::Unary.method()),
            (Place::Tonic, Act::Unknown) => Some("_OTHER"),
            (Place::Axum, act) if server && act != Act::Hostile => Some(TEMPLATE),
            _ => None,
        };
        let races = matches!(act, Act::LeavesAnyTime | Act::UploadBreaks | Act::HangsUp(_));
        Intended { may_be_none: races, endings, route }
    }

    fn web(self, act: Act, number: usize, server: bool) -> Vec<Ending> {
        // a client calls whatever is not a success an error
        let failed = |status, error, bytes| match (server, error) {
            (true, "404") => vec![done(status, bytes)],
            _ => vec![done(status, bytes).error(error)],
        };
        let on = |there: &[Ending], here: &[Ending]| if server { there } else { here }.to_vec();
        // how much of it the headers and the first piece are lost with is up to the transport
        let broken = [cut(Failed, Some(200), "failed"), cut(Failed, None, "failed")];
        let huge = huge_pieces(number) * HUGE_PIECE as u64;
        let first = FIRST.len() as u64;
        match act {
            Act::Text | Act::ClaimsGrpc => vec![done(200, HELLO.len() as u64)],
            Act::InProcess | Act::CallsOut | Act::Forwards | Act::Spawns => {
                vec![done(200, HELLO.len() as u64)]
            }
            Act::Head => vec![done(200, 0)],
            Act::NoContent => vec![done(204, 0)],
            Act::NotFound | Act::Hostile => failed(404, "404", 0),
            Act::Unavailable | Act::Retried => failed(503, "503", 0),
            Act::Slow => vec![done(200, SLOW_PIECES * 1024)],
            Act::Huge => vec![done(200, huge)],
            Act::Upload => vec![done(200, 0).any_bytes()],
            Act::UploadBreaks => vec![
                cut(Cancelled, None, "cancelled"),
                cut(Aborted, Some(400), "aborted"),
                done(400, 0),
            ],
            Act::Pends => vec![cut(Cancelled, None, "cancelled")],
            Act::Leaves => on(
                &[cut(Aborted, Some(200), "aborted").bytes(first)],
                &[done(200, first).any_bytes()],
            ),
            Act::LeavesHuge => on(
                &[cut(Aborted, Some(200), "aborted"), done(200, huge)],
                &[done(200, 0).any_bytes()],
            ),
            Act::LeavesAnyTime => on(
                &[
                    cut(Cancelled, None, "cancelled"),
                    cut(Aborted, Some(200), "aborted"),
                    done(200, SLOW_PIECES * 1024),
                ],
                &[cut(Cancelled, None, "cancelled"), done(200, 0).any_bytes()],
            ),
            Act::Breaks => on(&[cut(Failed, Some(200), "failed").bytes(first)], &broken),
            Act::Short => {
                on(&[cut(Failed, Some(200), "content_length_mismatch").bytes(first)], &broken)
            }
            Act::Long => on(
                &[cut(Failed, Some(200), "content_length_mismatch").bytes(HELLO.len() as u64)],
                // over HTTP/1 what is too much is not sent
                &[broken[0], broken[1], done(200, first)],
            ),
            Act::PanicsInCall | Act::PanicsInPoll => {
                on(&[cut(Panicked, Some(500), "panic")], &[done(500, 0).any_bytes().error("500")])
            }
            Act::PanicsInBody => on(&[cut(Panicked, Some(200), "panic").bytes(first)], &broken),
            Act::Fails => vec![cut(Failed, None, "failed")],
            other => panic!("{other:?} is no act of HTTP"),
        }
    }
}

/// The bytes on the wire of a message of this text.
fn wire(text: &str) -> u64 {
    let head = match text.len() {
        0 => return 5,
        1..0x80 => 2,
        0x80..0x4000 => 3,
        _ => 4,
    };
    5 + head + text.len() as u64
}

fn call(act: Act, server: bool) -> Vec<Ending> {
    let ended = |code: Code, bytes| match code {
        Code::Ok => done(200, bytes).code(code),
        _ => done(200, bytes).code(code).error(code.as_str()),
    };
    let cancelled = [cut(Cancelled, None, "cancelled").code(Code::Cancelled)];
    let aborted = match server {
        true => cut(Aborted, Some(200), "aborted").code(Code::Cancelled),
        // the caller's own doing
        false => done(200, 0).any_bytes().code(Code::Cancelled),
    };
    // tonic's answer where the stream of requests ends before all that was asked for is read
    let answered = [
        ended(Code::Internal, 0).any_bytes(),
        ended(Code::Unknown, 0).any_bytes(),
        done(200, 0).any_bytes().code(Code::Cancelled),
        aborted,
    ];
    let answered = if server { &answered[..] } else { &[] };
    match act {
        Act::Says(kind, words) => {
            let said = || words.split(' ').filter(|word| !["fail", "panic"].contains(word));
            let bytes = match kind {
                Kind::Unary => wire(words),
                Kind::Collect => said().next_back().map_or(0, wire),
                Kind::Expand | Kind::Chat => said().map(wire).sum(),
            };
            let streams = matches!(kind, Kind::Expand | Kind::Chat);
            let so_far = if streams { bytes } else { 0 };
            match words {
                _ if words.ends_with("fail") => vec![ended(Code::Unavailable, so_far)],
                _ if words.ends_with("panic") && server => {
                    let panicked = cut(Panicked, Some(200), "panic");
                    vec![panicked.code(Code::Internal).bytes(so_far)]
                }
                _ if words.ends_with("panic") => vec![ended(Code::Internal, so_far)],
                _ => vec![ended(Code::Ok, bytes)],
            }
        }
        Act::Hangs(Kind::Unary | Kind::Collect) => [&cancelled[..], answered].concat(),
        Act::Hangs(_) => [&[aborted.bytes(wire("a"))][..], answered].concat(),
        Act::HangsUp(_) => {
            let ok = done(200, 0).any_bytes().code(Code::Ok);
            [&[cancelled[0], aborted, ok][..], answered].concat()
        }
        Act::Unknown => vec![ended(Code::Unimplemented, 0)],
        Act::Plain => vec![done(200, 0)],
        Act::OutOfTime => {
            let late = cut(DeadlineExceeded, None, "deadline_exceeded");
            vec![late.code(Code::DeadlineExceeded).bytes(0)]
        }
        other => panic!("{other:?} is no act of gRPC"),
    }
}

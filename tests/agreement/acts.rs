//! What can become of an exchange, and where.

use crate::dice::Dice;
use crate::kinds::{KINDS, Kind};
use crate::support::Http::{self, One, Two};

/// One way in which an exchange goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    Text,
    NotFound,
    Unavailable,
    Head,
    NoContent,
    /// In many small pieces, between which others have their turn.
    Slow,
    /// Several MiB.
    Huge,
    /// Of a method and a path that the one who asks made up.
    Hostile,
    /// A POST that claims to be a gRPC call, and is answered as any other.
    ClaimsGrpc,
    /// The handler reads what is sent, and answers how much it was.
    Upload,
    /// What is sent breaks off in the middle.
    UploadBreaks,
    /// The client leaves before the headers.
    Pends,
    /// The client leaves in the middle of the body.
    Leaves,
    /// The client leaves at any moment, from before the connection on.
    LeavesAnyTime,
    /// The client leaves in the middle of several MiB.
    LeavesHuge,
    Breaks,
    Short,
    Long,
    PanicsInCall,
    PanicsInPoll,
    PanicsInBody,
    /// The service answers an error, as no handler of axum's can.
    Fails,
    /// The handler asks a service of the same process, wrapped as a server as well.
    InProcess,
    /// The handler asks another server.
    CallsOut,
    /// The handler hands its request on, with all that the layers left in it.
    Forwards,
    /// The handler leaves it to a task to ask another server.
    Spawns,
    /// The first attempt of two.
    Retried,
    /// A gRPC method obeys these words.
    Says(Kind, &'static str),
    /// The client leaves before the headers, or in the middle of the answer.
    Hangs(Kind),
    /// The client leaves at any moment.
    HangsUp(Kind),
    /// A call of a method that the one who calls made up.
    Unknown,
    /// A plain GET to a gRPC server.
    Plain,
    /// The time that the caller gave is over at once.
    OutOfTime,
}
use Act::*;

impl Act {
    /// What is asked of a server of HTTP.
    const WEB: [Self; 27] = [
        Text,
        NotFound,
        Unavailable,
        Head,
        NoContent,
        Slow,
        Huge,
        Hostile,
        ClaimsGrpc,
        Upload,
        UploadBreaks,
        Pends,
        Leaves,
        LeavesAnyTime,
        LeavesHuge,
        Breaks,
        Short,
        Long,
        PanicsInCall,
        PanicsInPoll,
        PanicsInBody,
        Fails,
        InProcess,
        CallsOut,
        Forwards,
        Spawns,
        Retried,
    ];

    pub(crate) fn panics(self) -> bool {
        match self {
            PanicsInCall | PanicsInPoll | PanicsInBody => true,
            Says(_, words) => words.ends_with("panic"),
            _ => false,
        }
    }

    /// Whether the connection can be used again.
    pub(crate) fn is_clean(self) -> bool {
        let broken = matches!(self, UploadBreaks | Pends | Leaves | LeavesAnyTime | LeavesHuge)
            || matches!(self, Breaks | Short | Long | PanicsInBody | Fails);
        !broken
    }

    /// Whether the handler asks for another exchange.
    pub(crate) fn asks(self) -> bool {
        matches!(self, InProcess | CallsOut | Forwards | Spawns)
    }

    /// Its name without what it is told, to count by.
    pub(crate) fn name(self) -> String {
        match self {
            Says(kind, words) if words.len() > 20 => format!("Says({kind:?}, long)"),
            other => format!("{other:?}"),
        }
    }
}

/// A server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Axum,
    /// A service that hyper serves, with what is kept inside of the fused layer.
    Inside,
    /// The same, with what is kept outside of it.
    Outside,
    /// Layers in parts, some outside of a tower `Buffer` and some inside.
    Buffered,
    Tonic,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Caller {
    /// A connection that is not observed.
    Bare,
    /// reqwest, or a channel of tonic's, observed.
    Observed,
}

/// From whom to whom, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Way {
    pub(crate) place: Place,
    pub(crate) version: Http,
    pub(crate) caller: Caller,
}

const fn way(place: Place, version: Http, caller: Caller) -> Way {
    Way { place, version, caller }
}

impl Way {
    pub(crate) const ALL: [Self; 14] = [
        way(Place::Axum, One, Caller::Bare),
        way(Place::Axum, Two, Caller::Bare),
        way(Place::Axum, One, Caller::Observed),
        way(Place::Axum, Two, Caller::Observed),
        way(Place::Inside, One, Caller::Bare),
        way(Place::Inside, Two, Caller::Observed),
        way(Place::Outside, Two, Caller::Bare),
        way(Place::Outside, One, Caller::Observed),
        way(Place::Buffered, One, Caller::Bare),
        way(Place::Buffered, Two, Caller::Bare),
        way(Place::Buffered, One, Caller::Observed),
        way(Place::Tonic, Two, Caller::Bare),
        way(Place::Tonic, Two, Caller::Observed),
        way(Place::Tonic, Two, Caller::Observed),
    ];

    /// What is done next.
    pub(crate) fn act(self, dice: &mut Dice) -> Act {
        loop {
            let act = match (self.place, self.caller) {
                (Place::Tonic, Caller::Bare) => dice.of(&[Unknown, Plain, OutOfTime]),
                (Place::Tonic, Caller::Observed) => call(dice),
                // what takes long comes seldom
                _ => match dice.of(&Act::WEB) {
                    Huge | LeavesHuge if dice.below(8) > 0 => continue,
                    act => act,
                },
            };
            if self.can(act) {
                return act;
            }
        }
    }

    fn can(self, act: Act) -> bool {
        let bare = self.caller == Caller::Bare;
        match act {
            Fails => matches!(self.place, Place::Inside | Place::Outside),
            // the answer would be made between what is compared
            _ if act.panics() => self.place != Place::Inside,
            // what leaves the queue of a Buffer is seen by what is outside of it alone
            LeavesAnyTime => self.place != Place::Buffered,
            UploadBreaks => bare && self.place != Place::Buffered,
            ClaimsGrpc => bare,
            Retried => !bare,
            _ => true,
        }
    }
}

const LONG: &str = match std::str::from_utf8(&[b'x'; 100_000]) {
    Ok(long) => long,
    Err(_) => "",
};

fn call(dice: &mut Dice) -> Act {
    let kind = dice.of(&KINDS);
    let streams = matches!(kind, Kind::Expand | Kind::Chat);
    match dice.below(10) {
        0 | 1 => Says(kind, "hello"),
        2 => Says(kind, "fail"),
        3 => Says(kind, if streams { "a b fail" } else { "a" }),
        4 => Says(kind, if streams { "a panic" } else { "panic" }),
        5 => Says(kind, LONG),
        6 => Says(if streams { kind } else { Kind::Chat }, "a b c d e f g h i j k l m"),
        7 => HangsUp(kind),
        _ => Hangs(kind),
    }
}

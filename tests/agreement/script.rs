//! What is intended: a list of exchanges, made before any of them begins.

use tower_observability::classify::Side;

use crate::acts::{Act, Caller, Place, Way};
use crate::dice::Dice;
use crate::endings::Intended;
use crate::support::Http;

/// The header that tells which of the intended exchanges a request is.
pub(crate) const INTENT: &str = "x-intent";
/// The header that asks for a dump.
pub(crate) const DUMP: &str = "x-dump";

/// Most dumps of one rule, of which one is kept for each side of a server.
const MOST_DUMPS: usize = 950;

pub(crate) const SIDES: [Side; 2] = [Side::Server, Side::Client];

#[derive(Clone)]
pub(crate) struct Intent {
    pub(crate) act: Act,
    pub(crate) way: Way,
    /// By side.
    pub(crate) intended: [Intended; 2],
    /// The exchange in which this one begins.
    pub(crate) parent: Option<(Side, usize)>,
    /// What the handler asks for, or the next attempt.
    pub(crate) next: Option<usize>,
    pub(crate) is_dumped: bool,
    pub(crate) identity: Identity,
    /// For what is to be made up.
    pub(crate) seed: u64,
}

/// What a request says of who it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) request_id: Option<Vec<u8>>,
    /// Whether that is taken over.
    pub(crate) is_taken_over: bool,
    pub(crate) traceparent: Option<Vec<u8>>,
    /// The trace and the span that it continues.
    pub(crate) continues: Option<(u128, u64)>,
    pub(crate) is_unsampled: bool,
}

impl Identity {
    fn rolled(dice: &mut Dice) -> Self {
        let (trace, span) = (u128::from(dice.next()) << 64 | 1, dice.next() | 1);
        let continued = |flags| format!("00-{trace:032x}-{span:016x}-{flags}").into_bytes();
        let mut identity = match dice.below(8) {
            0 => Self {
                traceparent: Some(continued("01")),
                continues: Some((trace, span)),
                ..Self::default()
            },
            1 => Self {
                traceparent: Some(continued("00")),
                continues: Some((trace, span)),
                is_unsampled: true,
                ..Self::default()
            },
            2 => Self { traceparent: Some(b"00-not-a-trace-01".to_vec()), ..Self::default() },
            3 => Self { traceparent: Some(vec![b'0'; 5_000]), ..Self::default() },
            _ => Self::default(),
        };
        let (id, taken) = match dice.below(6) {
            0 => (format!("chaos-{:x}", dice.next()).into_bytes(), true),
            1 => (b"two words; and\tmore".to_vec(), false),
            2 => (vec![b'i'; 129], false),
            3 => (vec![0xff, 0xfe, b'<'], false),
            _ => return identity,
        };
        (identity.request_id, identity.is_taken_over) = (Some(id), taken);
        identity
    }
}

/// All that is intended.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) intents: Vec<Intent>,
    /// By round and worker, what is asked for, in this order.
    pub(crate) rounds: Vec<Vec<(Way, Vec<usize>)>>,
}

impl Script {
    /// Of at least this many exchanges, but for those of which there may be none.
    pub(crate) fn new(exchanges: usize, workers: usize, seed: u64) -> Self {
        let (mut script, mut dice) = (Self::default(), Dice::new(seed));
        let (mut certain, mut dumped) = (0, Vec::new());
        let round = exchanges.clamp(1, Self::ROUND);
        while certain < exchanges {
            let mut tasks: Vec<_> =
                (0..workers).map(|at| (Way::ALL[at % Way::ALL.len()], Vec::new())).collect();
            let (until, mut at) = (exchanges.min(certain + round), 0);
            dumped.clear();
            while certain < until {
                let (way, numbers) = &mut tasks[at % workers];
                let number = script.intents.len();
                certain += script.add(*way, &mut dice, &mut dumped);
                numbers.push(number);
                at += 1;
            }
            script.rounds.push(tasks);
        }
        script
    }

    /// How many exchanges have the same servers.
    const ROUND: usize = 10_000;

    /// Adds an act of this way with all that follows from it, and answers how many exchanges that is.
    fn add(&mut self, way: Way, dice: &mut Dice, dumped: &mut Vec<Place>) -> usize {
        let act = way.act(dice);
        // an observed client says itself who it is
        let identity = match way.caller {
            Caller::Bare => Identity::rolled(dice),
            Caller::Observed => Identity::default(),
        };
        let number = self.push(act, way, identity, None, dice, dumped);
        match act {
            _ if act.asks() => {
                let (parent, unsampled) = self.nested(number);
                // one in the same process has no client
                let place = if act == Act::InProcess { way.place } else { Place::Outside };
                let caller = if act == Act::InProcess { Caller::Bare } else { Caller::Observed };
                let to = Way { place, version: Http::One, caller };
                let identity = Identity { is_unsampled: unsampled, ..Identity::default() };
                let next = self.push(Act::Text, to, identity, Some(parent), dice, dumped);
                if act == Act::InProcess {
                    // no router is in front of it
                    self.intents[next].intended[0].route = None;
                }
                self.intents[number].next = Some(next);
            }
            Act::Retried => {
                let next = self.push(Act::Text, way, Identity::default(), None, dice, dumped);
                // it has the headers of the first attempt
                self.intents[next].is_dumped = self.intents[number].is_dumped;
                self.intents[number].next = Some(next);
            }
            _ => {}
        }
        let sides = self.intents[number..].iter().flat_map(|intent| &intent.intended);
        sides.filter(|side| !side.endings.is_empty() && !side.may_be_none).count()
    }

    /// What an exchange is in that the handler of this one asks for.
    fn nested(&self, number: usize) -> ((Side, usize), bool) {
        ((Side::Server, number), self.intents[number].identity.is_unsampled)
    }

    fn push(
        &mut self,
        act: Act,
        way: Way,
        identity: Identity,
        parent: Option<(Side, usize)>,
        dice: &mut Dice,
        dumped: &mut Vec<Place>,
    ) -> usize {
        let number = self.intents.len();
        let has_room = dumped.iter().filter(|place| **place == way.place).count() < MOST_DUMPS;
        if has_room {
            dumped.push(way.place);
        }
        self.intents.push(Intent {
            act,
            way,
            intended: SIDES.map(|side| way.intended(act, number, side)),
            parent,
            next: None,
            is_dumped: has_room,
            identity,
            seed: dice.next(),
        });
        number
    }
}

//! How a board is set up.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::active::Slots;
use super::board::{Board, Inner};
use super::samples::Samples;
use crate::bounded::Bounded;
use crate::clock::Clock;
use crate::config::ConfigError;
use crate::redact::Redaction;
use crate::shard;

/// What a family takes of memory beside its counts, which each share of the threads has of its own.
const FAMILY: usize = 24 << 10;
const FAMILY_SHARE: usize = 256;
const SLOT: usize = 1 << 10;
const REST: usize = 64 << 10;

/// Sets up a [`Board`].
#[derive(Clone, Debug)]
#[must_use]
pub struct BoardBuilder {
    max_families: usize,
    max_active: usize,
    max_samples_bytes: usize,
    clock: Clock,
    redaction: Redaction,
}

impl BoardBuilder {
    pub(super) fn new() -> Self {
        Self {
            max_families: 256,
            max_active: 1024,
            max_samples_bytes: 4 << 20,
            clock: Clock::system(),
            redaction: Redaction::default(),
        }
    }

    /// How many families are told apart: 1 to 1 024, 256 unless set. Further ones are counted together.
    pub fn max_families(mut self, most: usize) -> Self {
        self.max_families = most;
        self
    }

    /// How many active exchanges are listed: 1 to 32 768, 1 024 unless set. Further ones are counted.
    pub fn max_active(mut self, most: usize) -> Self {
        self.max_active = most;
        self
    }

    /// How many bytes are kept of exchanges that ended, in all: 64 KiB to 1 GiB, 4 MiB unless set. The oldest
    /// goes first.
    pub fn max_samples_bytes(mut self, most: usize) -> Self {
        self.max_samples_bytes = most;
        self
    }

    /// Tells times by this clock, which is to be the one of the layers; the system's by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Hides what this policy says in paths, errors and attributes; the default policy unless set.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// The board; an error where a number is not among those that are allowed.
    pub fn build(self) -> Result<Board, ConfigError> {
        let Self { max_families, max_active, max_samples_bytes, clock, redaction } = self;
        let within =
            |field, value: usize, range: std::ops::RangeInclusive<usize>, allowed| match range
                .contains(&value)
            {
                true => Ok(()),
                false => Err(ConfigError::new(field, value.to_string(), allowed)),
            };
        within("max_families", max_families, 1..=1024, "1 to 1024")?;
        within("max_active", max_active, 1..=32_768, "1 to 32768")?;
        let allowed = "65536 (64 KiB) to 1073741824 (1 GiB)";
        within("max_samples_bytes", max_samples_bytes, 64 << 10..=1 << 30, allowed)?;
        // those that stand for others, too
        let families = (max_families + 4) * (FAMILY + FAMILY_SHARE * shard::count());
        Ok(Board(Arc::new(Inner {
            origin: clock.now(),
            since: clock.wall(),
            clock,
            redaction,
            slots: Slots::new(max_active),
            families: Bounded::new(max_families),
            unmatched: Default::default(),
            overflow: Default::default(),
            made: AtomicU32::new(4),
            samples: Samples::new(max_samples_bytes),
            max_bytes: REST + families + max_samples_bytes + max_active * SLOT,
        })))
    }
}

//! A profile that was taken or read.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use prost::Message;

use super::check::check;
use super::error::{DecodeError, DiffError};
use super::proto;
use super::tables::{Sign, Tables, text_of};

/// A profile: stacks and what was measured of each.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile(pub(super) proto::Profile);

/// What a profile says of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionValue {
    /// The function's name; empty where it is not known.
    pub name: String,
    /// What was measured in the function itself.
    pub flat: i64,
    /// What was measured in it and in all that it called.
    pub cumulative: i64,
}

impl Profile {
    /// The largest profile that [`decode`](Self::decode) reads, in bytes without gzip: 64 MiB.
    pub const MAX_BYTES: usize = 64 << 20;

    pub(super) fn new(profile: proto::Profile) -> Self {
        Self(profile)
    }

    /// Reads a profile as pprof tools write it, with or without gzip.
    ///
    /// # Errors
    ///
    /// On what is no profile, contradicts itself, or is larger than [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut unpacked = Vec::new();
        let message = if bytes.starts_with(&[0x1f, 0x8b]) {
            // one byte more than is allowed, to see that there is more
            let mut reader = GzDecoder::new(bytes).take(Self::MAX_BYTES as u64 + 1);
            reader.read_to_end(&mut unpacked).map_err(|_| DecodeError::Gzip)?;
            unpacked.as_slice()
        } else {
            bytes
        };
        if message.len() > Self::MAX_BYTES {
            return Err(DecodeError::TooLarge);
        }
        let profile = proto::Profile::decode(message).map_err(|_| DecodeError::Protobuf)?;
        check(&profile)?;
        Ok(Self(profile))
    }

    /// The profile as pprof tools expect it: a protobuf message, compressed with gzip.
    pub fn encode(&self) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        // a `Vec` takes whatever is written to it
        let written = gzip.write_all(&self.0.encode_to_vec()).and_then(|()| gzip.finish());
        written.unwrap_or_default()
    }

    /// What each sample measures: pairs of a type and its unit, as `("cpu", "nanoseconds")`.
    pub fn sample_types(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = |index| text_of(&self.0, index);
        self.0.sample_type.iter().map(move |of| (text(of.kind), text(of.unit)))
    }

    /// The number of different stacks.
    pub fn stacks(&self) -> usize {
        self.0.sample.len()
    }

    /// What the samples measured together of a type; `None` where the profile has no such type.
    pub fn total(&self, sample_type: &str) -> Option<i64> {
        let at = self.position(sample_type)?;
        let values = self.0.sample.iter().filter_map(|sample| sample.value.get(at));
        Some(values.fold(0, |sum, value| sum.saturating_add(*value)))
    }

    /// All functions, those with the largest flat value of a type first; `None` where the profile has
    /// no such type.
    pub fn functions(&self, sample_type: &str) -> Option<Vec<FunctionValue>> {
        let at = self.position(sample_type)?;
        let functions: HashMap<u64, &str> =
            self.0.function.iter().map(|f| (f.id, text_of(&self.0, f.name))).collect();
        let name = |line: &proto::Line| functions.get(&line.function_id).copied();
        let names: HashMap<u64, Vec<&str>> = self
            .0
            .location
            .iter()
            .map(|l| (l.id, l.line.iter().filter_map(name).collect()))
            .collect();

        let mut found: HashMap<&str, (i64, i64)> = HashMap::new();
        for sample in &self.0.sample {
            let value = sample.value.get(at).copied().unwrap_or_default();
            let mut seen = HashSet::new();
            for (depth, id) in sample.location_id.iter().enumerate() {
                let lines = names.get(id).map_or(&[][..], Vec::as_slice);
                let lines = if lines.is_empty() { &[""][..] } else { lines };
                for (inlined, name) in lines.iter().enumerate() {
                    let (flat, cumulative) = found.entry(name).or_default();
                    if depth == 0 && inlined == 0 {
                        *flat = flat.saturating_add(value);
                    }
                    // a recursive function is counted once
                    if seen.insert(name) {
                        *cumulative = cumulative.saturating_add(value);
                    }
                }
            }
        }
        let value = |(name, (flat, cumulative)): (&str, _)| FunctionValue {
            name: name.to_owned(),
            flat,
            cumulative,
        };
        let mut found: Vec<_> = found.into_iter().map(value).collect();
        found.sort_by(|a, b| {
            let key = |of: &FunctionValue| Reverse((of.flat, of.cumulative));
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        Some(found)
    }

    /// What is in this profile and was not in `base`: the values of each stack less those it had then.
    ///
    /// Stacks are the same when their functions, lines, labels and addresses within a file are. Those
    /// that did not change are left out; what shrank is negative. Sums stop at the limits of an `i64`.
    ///
    /// # Errors
    ///
    /// When the two do not measure the same.
    pub fn diff(&self, base: &Self) -> Result<Self, DiffError> {
        if !self.sample_types().eq(base.sample_types()) {
            return Err(DiffError);
        }
        let mut tables = Tables::new();
        tables.head(&self.0);
        tables.samples(&self.0, Sign::Plus);
        tables.samples(&base.0, Sign::Minus);
        Ok(Self(tables.finish()))
    }

    fn position(&self, sample_type: &str) -> Option<usize> {
        self.sample_types().position(|(kind, _)| kind == sample_type)
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<_> = self.sample_types().collect();
        f.debug_struct("Profile")
            .field("sample_types", &types)
            .field("stacks", &self.stacks())
            .finish_non_exhaustive()
    }
}

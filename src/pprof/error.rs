//! Why there is no profile.

use std::fmt;

use crate::config::ConfigError;

/// Why a profile could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileError {
    /// Another CPU profile is being taken in this process.
    Busy,
    /// A duration or a frequency that is not allowed.
    OutOfRange(ConfigError),
    /// This build, platform or allocator takes no such profile; the text says what is needed.
    Unavailable(&'static str),
    /// The profiler failed.
    Failed(String),
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("another profile is being taken"),
            Self::OutOfRange(error) => error.fmt(f),
            Self::Unavailable(needed) => f.write_str(needed),
            Self::Failed(why) => write!(f, "the profiler failed: {why}"),
        }
    }
}

impl std::error::Error for ProfileError {}

impl From<ConfigError> for ProfileError {
    fn from(error: ConfigError) -> Self {
        Self::OutOfRange(error)
    }
}

/// Why bytes are no profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// Damaged gzip.
    Gzip,
    /// More than [`Profile::MAX_BYTES`](super::Profile::MAX_BYTES), unpacked.
    TooLarge,
    /// Not a protobuf message of a profile.
    Protobuf,
    /// A profile that contradicts itself; the text says where.
    Malformed(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip => f.write_str("damaged gzip"),
            Self::TooLarge => f.write_str("a profile of too many bytes"),
            Self::Protobuf => f.write_str("not the protobuf message of a profile"),
            Self::Malformed(what) => write!(f, "malformed profile: {what}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Two profiles that cannot be compared: their samples measure different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiffError;

impl fmt::Display for DiffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the profiles differ in their sample types")
    }
}

impl std::error::Error for DiffError {}

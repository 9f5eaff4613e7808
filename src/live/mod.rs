//! What an engineer looks at first in an incident, from this process' memory alone: what runs now and for how long,
//! what was slow, what failed.
//!
//! A [`Board`] keeps it, a [`LiveLayer`] puts it there, and `admin::LivePage` (feature `admin`) tells it at
//! `/debug`. No backend is asked, and no thread is started.
//!
//! ```
//! use tower_observability::live::{Board, LiveLayer};
//!
//! let board = Board::builder().build()?;
//! let layer = LiveLayer::server(&board);
//! for exchange in board.active().exchanges {
//!     println!("{} for {:?}: {} {}", exchange.family, exchange.age, exchange.method, exchange.path);
//! }
//! # Ok::<(), tower_observability::config::ConfigError>(())
//! ```
//!
//! # What is kept
//!
//! - **Active exchanges**: each that is under way, with its age and where it is ([`Stage`]). 1 024 of them
//!   unless [set](BoardBuilder::max_active); those beyond are counted.
//! - **Families**: exchanges of one side and one route (a template or a gRPC method, as every signal tells it).
//!   Those without a route are [`UNMATCHED`]; where there are 256 ([unless set](BoardBuilder::max_families)),
//!   further ones are counted together as [`OVERFLOW`], so that the totals stay exact.
//! - **A histogram** of durations for each family, in the buckets that `metrics` have by default, with
//!   the newest exchange of each bucket kept, which is replaced at most once a second.
//! - **Errors and panics**: the newest [`MAX_ERRORS`] and [`MAX_PANICS`] of each family, of at most as many a
//!   second. An error is what was this side's doing ([`Blame::Ours`](crate::classify::Blame)).
//! - **Rates, errors and durations** over the last minute by seconds, hour by minutes, and day by quarters
//!   of an hour. Slots are ended where an exchange ends, or somebody asks.
//!
//! # How much memory it takes
//!
//! At most [`Board::max_bytes`], whatever is asked of the service: 64 KiB; for each family 24 KiB, and
//! 256 bytes for each processor up to 8; [`max_samples_bytes`](BoardBuilder::max_samples_bytes) for what was kept of
//! exchanges, the oldest of which goes first; and 1 KiB for each exchange under way that has a place. That is about
//! 12 MiB where all 256 families came with samples; a service of ten routes has 0.5 MiB.
//!
//! # What it cannot do
//!
//! - A request that waits for the service to be ready has not begun: how long it waited is told once it has
//!   ([`ActiveExchange::waited`]).
//! - The bytes of a response body are those handed to the transport; frames of more than 16 pieces count as
//!   their first 16 while they are under way.
//! - Two layers with one board around the same exchange keep it twice.
//! - The newest slot is the one under way: a window is its length but for less than a slot.
//! - Exchanges that end in different threads within the same microseconds may be told in neighbouring slots.

mod active;
mod board;
mod builder;
mod family;
mod histogram;
mod layer;
mod report;
mod sample;
mod samples;
mod trend;

#[cfg(all(test, feature = "testing"))]
mod tests;

pub use active::{Active, ActiveExchange, Stage};
pub use board::Board;
pub use builder::BoardBuilder;
pub use family::FamilyId;
pub use histogram::{BUCKETS, Bucket, bounds};
pub use layer::{Live, LiveLayer, Watched};
pub use report::{FamilyReport, Red, Tally, Trend};
pub use sample::{PanicPlace, Sample};
pub use samples::{Kept, MAX_ERRORS, MAX_PANICS};

/// The family of exchanges that no route was told of.
pub const UNMATCHED: &str = "_unmatched";

/// The family of exchanges whose own there was no room for.
pub const OVERFLOW: &str = "_overflow";

//! How IDs are made.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::exchange::Facts;
use crate::id::RequestId;

/// How IDs are made.
#[derive(Clone, Debug, Default)]
pub struct Generator(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    V7,
    V4,
    Custom(Arc<dyn Fn() -> RequestId + Send + Sync>),
}

impl Generator {
    /// UUIDs of version 7 (RFC 9562, section 5.7); the default. IDs sort by the millisecond at
    /// which their exchange started, by the exchange's own clock, and so tell it to whoever sees
    /// one; the other 74 bits are random.
    #[must_use]
    pub fn uuid_v7() -> Self {
        Self(Kind::V7)
    }

    /// UUIDs of version 4 (RFC 9562, section 5.4): 122 random bits, which tell nothing.
    #[must_use]
    pub fn uuid_v4() -> Self {
        Self(Kind::V4)
    }

    /// IDs made by `make`, which answers for their being unique.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use tower_observability::id::RequestId;
    /// use tower_observability::request_id::{Generator, RequestIdLayer};
    ///
    /// let prefix: RequestId = "pod-7".parse()?;
    /// let next = AtomicU64::new(0);
    /// let layer = RequestIdLayer::server().generator(Generator::new(move || {
    ///     let number = next.fetch_add(1, Ordering::Relaxed);
    ///     format!("{prefix}:{number}").parse().unwrap_or(prefix)
    /// }));
    /// # let _ = layer;
    /// # Ok::<(), tower_observability::id::InvalidRequestId>(())
    /// ```
    #[must_use]
    pub fn new(make: impl Fn() -> RequestId + Send + Sync + 'static) -> Self {
        Self(Kind::Custom(Arc::new(make)))
    }

    pub(super) fn generate(&self, facts: &Facts) -> RequestId {
        match &self.0 {
            Kind::V7 => RequestId::from_uuid(v7(facts.started_at())),
            Kind::V4 => RequestId::from_uuid(Uuid::new_v4()),
            Kind::Custom(make) => make(),
        }
    }
}

/// A UUID of version 7 for a moment; one before 1970 counts as its beginning.
fn v7(moment: SystemTime) -> Uuid {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = since.as_secs().saturating_mul(1000).saturating_add(since.subsec_millis().into());
    // what follows the time is laid out as in version 4, with the same bits free to be random
    let mut bytes = Uuid::new_v4().into_bytes();
    let [_, _, time @ ..] = millis.to_be_bytes();
    bytes[..6].copy_from_slice(&time);
    bytes[6] = 0x70 | bytes[6] & 0x0f;
    Uuid::from_bytes(bytes)
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V7 => "UuidV7",
            Self::V4 => "UuidV4",
            Self::Custom(_) => "Custom(..)",
        })
    }
}

//! A snapshot as bytes: a magic number, a version, a length, the content, and its checksum.
//!
//! Numbers are big-endian; a duration is its nanoseconds in 16 bytes.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf, BufMut};

use super::alert::Alert;
use super::report::{AlertState, Tally};
use super::rolling::{At, Rolling};
use super::severity::{Severity, Urgency};
use super::window::Window;

const MAGIC: &[u8; 8] = b"\x89SLO\r\n\x1a\n";

/// The version that is written, and read.
pub(super) const VERSION: u32 = 1;

/// What a tracker keeps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kept {
    pub(super) written_at: SystemTime,
    /// When, on the tracker's own scale of time.
    pub(super) at: At,
    pub(super) objectives: Vec<KeptObjective>,
}

/// What it keeps of one objective.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeptObjective {
    pub(super) name: String,
    pub(super) window: Window,
    /// What was promised, but for how much of it.
    pub(super) promise: String,
    pub(super) total: Tally,
    pub(super) alerts: Vec<(Severity, Alert)>,
    pub(super) rolling: Rolling,
}

/// What is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Damage {
    Version(u32),
    Broken(&'static str),
}

const SHORT: Damage = Damage::Broken("it is cut short");
const NONSENSE: Damage = Damage::Broken("it holds what no tracker writes");

pub(super) fn encode(kept: &Kept) -> Vec<u8> {
    let mut content = Vec::new();
    let since = kept.written_at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    content.put_u128(since.as_nanos());
    content.put_u128(kept.at.as_nanos());
    put_count(&mut content, kept.objectives.len());
    for objective in &kept.objectives {
        put_objective(&mut content, objective);
    }
    seal(&content)
}

/// The content with what stands around it.
pub(super) fn seal(content: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.put_u32(VERSION);
    bytes.put_u64(content.len() as u64);
    bytes.extend_from_slice(content);
    let sum = crc32fast::hash(&bytes);
    bytes.put_u32(sum);
    bytes
}

/// # Errors
/// Where it is not what [`encode`] writes.
pub(super) fn decode(bytes: &[u8]) -> Result<Kept, Damage> {
    let mut left = bytes;
    let magic = left.split_off(..MAGIC.len()).ok_or(SHORT)?;
    if magic != MAGIC {
        return Err(Damage::Broken("it is something else"));
    }
    let version = left.try_get_u32().map_err(|_| SHORT)?;
    if version != VERSION {
        return Err(Damage::Version(version));
    }
    let length = usize::try_from(left.try_get_u64().map_err(|_| SHORT)?).map_err(|_| SHORT)?;
    let mut content = left.split_off(..length).ok_or(SHORT)?;
    let sum = left.try_get_u32().map_err(|_| SHORT)?;
    let summed = bytes.get(..bytes.len() - 4 - left.len()).ok_or(SHORT)?;
    if crc32fast::hash(summed) != sum || !left.is_empty() {
        return Err(Damage::Broken("its checksum is another one"));
    }
    let kept = read(&mut content).ok_or(NONSENSE)?;
    if content.is_empty() { Ok(kept) } else { Err(NONSENSE) }
}

fn read(content: &mut &[u8]) -> Option<Kept> {
    let written_at = UNIX_EPOCH.checked_add(duration(content)?)?;
    let at = duration(content)?;
    let objectives = many(content, |content| objective(content, at))?;
    Some(Kept { written_at, at, objectives })
}

fn put_objective(to: &mut Vec<u8>, of: &KeptObjective) {
    put_count(to, of.name.len());
    to.extend_from_slice(of.name.as_bytes());
    to.put_u128(of.window.period().as_nanos());
    to.put_u8(u8::from(of.window.is_scaled()));
    put_count(to, of.promise.len());
    to.extend_from_slice(of.promise.as_bytes());
    put_tally(to, of.total);
    put_count(to, of.alerts.len());
    for (severity, alert) in &of.alerts {
        to.put_u8(u8::from(severity.urgency() == Urgency::Page));
        let (per_mille, short, long) = severity.parts();
        to.put_u32(per_mille);
        to.put_u128(short.as_nanos());
        to.put_u128(long.as_nanos());
        to.put_u8(match alert.state {
            AlertState::Inactive => 0,
            AlertState::Pending => 1,
            AlertState::Firing => 2,
        });
        to.put_u128(alert.since.as_nanos());
        to.put_u8(u8::from(alert.away_since.is_some()));
        to.put_u128(alert.away_since.unwrap_or_default().as_nanos());
    }
    for ring in &of.rolling.rings {
        to.put_u64(ring.ended);
        put_count(to, ring.totals.len());
        ring.totals.iter().for_each(|&total| put_tally(to, total));
    }
    put_count(to, of.rolling.gaps.len());
    for (from, until) in &of.rolling.gaps {
        to.put_u128(from.as_nanos());
        to.put_u128(until.as_nanos());
    }
}

fn objective(content: &mut &[u8], at: At) -> Option<KeptObjective> {
    let name = text(content)?;
    let period = duration(content)?;
    let window = match content.try_get_u8().ok()? {
        0 => [Window::DAYS_30, Window::DAYS_28].into_iter().find(|of| of.period() == period)?,
        1 => Window::scaled(period).ok()?,
        _ => return None,
    };
    let promise = text(content)?;
    let total = tally(content)?;
    let alerts = many(content, alert)?;
    let mut rolling = Rolling::new(window);
    for ring in &mut rolling.rings {
        let (ended, totals) = (content.try_get_u64().ok()?, many(content, tally)?);
        // totals grow, and no slot ended after the snapshot
        let grows = is_growing(&totals, total);
        if !grows || !ring.restore(ended, VecDeque::from(totals), at) {
            return None;
        }
    }
    rolling.gaps = many(content, |content| Some((duration(content)?, duration(content)?)))?;
    Some(KeptObjective { name, window, promise, total, alerts, rolling })
}

fn is_growing(totals: &[Tally], last: Tally) -> bool {
    let next = totals.iter().skip(1).chain([&last]);
    totals.iter().zip(next).all(|(one, next)| one.good <= next.good && one.bad <= next.bad)
}

fn alert(content: &mut &[u8]) -> Option<(Severity, Alert)> {
    let urgency = match content.try_get_u8().ok()? {
        0 => Urgency::Ticket,
        1 => Urgency::Page,
        _ => return None,
    };
    let per_mille = content.try_get_u32().ok()?;
    let severity =
        Severity::new(urgency, per_mille, duration(content)?, duration(content)?).ok()?;
    let state = match content.try_get_u8().ok()? {
        0 => AlertState::Inactive,
        1 => AlertState::Pending,
        2 => AlertState::Firing,
        _ => return None,
    };
    let since = duration(content)?;
    let is_away = content.try_get_u8().ok()? == 1;
    let away_since = duration(content)?;
    Some((severity, Alert { state, since, away_since: is_away.then_some(away_since) }))
}

fn text(content: &mut &[u8]) -> Option<String> {
    let length = count(content)?;
    String::from_utf8(content.split_off(..length)?.to_vec()).ok()
}

fn put_count(to: &mut Vec<u8>, count: usize) {
    to.put_u32(u32::try_from(count).unwrap_or(u32::MAX));
}

fn count(content: &mut &[u8]) -> Option<usize> {
    usize::try_from(content.try_get_u32().ok()?).ok()
}

/// So many of them, which a damaged number cannot make more than there are bytes.
fn many<T>(content: &mut &[u8], one: impl Fn(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = count(content)?;
    let mut all = Vec::with_capacity(count.min(content.len()));
    for _ in 0..count {
        all.push(one(content)?);
    }
    Some(all)
}

fn put_tally(to: &mut Vec<u8>, tally: Tally) {
    to.put_u64(tally.good);
    to.put_u64(tally.bad);
}

fn tally(content: &mut &[u8]) -> Option<Tally> {
    Some(Tally { good: content.try_get_u64().ok()?, bad: content.try_get_u64().ok()? })
}

fn duration(content: &mut &[u8]) -> Option<Duration> {
    let nanos = content.try_get_u128().ok()?;
    // a thousand years: sums of these do not overflow
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

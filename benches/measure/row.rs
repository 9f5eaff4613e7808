//! What a bench measures: a row, what it is compared with, and what it may cost.

use super::exchange::Runner;

pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The row it is compared with.
    pub(crate) over: Option<&'static str>,
    pub(crate) budget: Option<Budget>,
    /// The rows that it must beat in instructions and in allocations.
    pub(crate) fewer_than: &'static [&'static str],
    /// How many times fewer instructions it must add to the row it is compared with than this peer
    /// adds to its own.
    pub(crate) times_fewer: Option<(u32, u32, &'static str)>,
    /// Called in the row's own process, so it may set global state.
    pub(crate) make: fn() -> Runner,
}

/// What a row may add per request to the row it is compared with.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    /// The instructions it is meant to add at the most.
    pub(crate) wanted: u32,
    /// The instructions at which `--check` fails.
    pub(crate) limit: u32,
    pub(crate) allocations: u32,
}

pub(crate) fn bare(name: &'static str, make: fn() -> Runner) -> Row {
    Row { name, over: None, budget: None, fewer_than: &[], times_fewer: None, make }
}

pub(crate) fn over(base: &'static str, name: &'static str, make: fn() -> Runner) -> Row {
    Row { over: Some(base), ..bare(name, make) }
}

impl Row {
    pub(crate) fn within(mut self, wanted: u32, allocations: u32, limit: u32) -> Self {
        self.budget = Some(Budget { wanted, limit, allocations });
        self
    }
}

/// The rows whose names contain any of `wanted`, all if there is none, and what they are compared
/// with.
pub(crate) fn chosen(rows: Vec<Row>, wanted: &[&str]) -> Vec<Row> {
    let mut keep: Vec<bool> = rows
        .iter()
        .map(|row| wanted.is_empty() || wanted.iter().any(|part| row.name.contains(part)))
        .collect();
    // a row stands below those that it is compared with
    for (index, row) in rows.iter().enumerate().rev() {
        if keep[index] {
            let peer = row.times_fewer.as_ref().map(|(_, _, peer)| peer);
            let needed = row.over.iter().chain(row.fewer_than).chain(peer);
            needed.for_each(|name| keep[named(&rows, name)] = true);
        }
    }
    rows.into_iter().zip(keep).filter_map(|(row, keep)| keep.then_some(row)).collect()
}

/// Where the row of this name stands.
pub(crate) fn named(rows: &[Row], name: &str) -> usize {
    rows.iter().position(|row| row.name == name).expect("a row is compared with a row")
}

/// Where the row stands that this one is compared with.
pub(crate) fn base(rows: &[Row], row: &Row) -> Option<usize> {
    row.over.map(|name| named(rows, name))
}

/// Where the bare service stands that this row wraps in the end.
pub(crate) fn bare_of(rows: &[Row], index: usize) -> usize {
    base(rows, &rows[index]).map_or(index, |base| bare_of(rows, base))
}

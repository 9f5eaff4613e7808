//! The table, and whether each budget was met.

use super::row::{self, Budget, Row};
use super::{Cost, median};

/// Prints the table; `true` when every limit was seen to hold.
pub(crate) fn print(rows: &[Row], costs: &[Cost]) -> bool {
    // names alone decide how wide it is
    let name = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    let over = rows.iter().filter_map(|row| row.over).map(str::len).max().unwrap_or_default();
    println!(
        "{:name$} {:>8} {:>7} {:>7} {:>7} {:>7} | {:>8} {:>7} {:>7} {:>7}  {:over$} {:>12}",
        "per request",
        "instr.",
        "allocs",
        "bytes",
        "ns",
        "time",
        "+instr.",
        "+allocs",
        "+bytes",
        "+ns",
        "over",
        "budget",
    );
    let mut all_held = true;
    for (row, cost) in rows.iter().zip(costs) {
        print!(
            "{:name$} {:>8} {:>7} {:>7} {:>7.0} {:>6.2}x |",
            row.name,
            count(cost.instructions),
            count(Some(cost.allocations)),
            count(Some(cost.bytes)),
            median(cost.nanos.clone()),
            cost.ratio,
        );
        let Some(base) = row::base(rows, row) else {
            println!();
            continue;
        };
        let added = cost.less(&costs[base]);
        print!(
            " {:>8} {:>7} {:>7} {:>7.0}  {:over$}",
            count(added.instructions),
            count(Some(added.allocations)),
            count(Some(added.bytes)),
            median(added.nanos.clone()),
            rows[base].name,
        );
        if let Some(budget) = row.budget {
            all_held &= budget.allows(&added, budget.limit);
            let wanted = format!("{} / {}", budget.wanted, budget.allocations);
            let met = budget.allows(&added, budget.wanted);
            print!(" {wanted:>12} {}", if met { "ok" } else { "MISSED" });
        }
        println!();
    }
    for (row, cost) in rows.iter().zip(costs) {
        for peer in row.fewer_than {
            let peer = row::named(rows, peer);
            let fewer = cost.is_fewer_than(&costs[peer]);
            all_held &= fewer;
            println!(
                "{:36} {:>8}x {:>6}x of {:28} {}",
                row.name,
                share(cost.instructions, costs[peer].instructions),
                share(Some(cost.allocations), Some(costs[peer].allocations)),
                rows[peer].name,
                if fewer { "ok" } else { "MISSED" },
            );
        }
    }
    for row in rows {
        let Some((wanted, least, peer)) = row.times_fewer else { continue };
        let times = times_fewer(rows, costs, row.name, peer);
        let is = |limit: u32| times.is_some_and(|times| times >= f64::from(limit));
        all_held &= is(least);
        println!(
            "{:36} adds {} times fewer instructions than {peer} (wanted: {wanted}) {}",
            row.name,
            times.map_or("?".to_owned(), |times| format!("{times:.1}")),
            if is(wanted) { "ok" } else { "MISSED" },
        );
    }
    all_held
}

/// How many times more instructions `peer` adds to what it is compared with than `row` does.
fn times_fewer(rows: &[Row], costs: &[Cost], row: &str, peer: &str) -> Option<f64> {
    let added = |name| {
        let row = row::named(rows, name);
        costs[row].less(&costs[row::base(rows, &rows[row])?]).instructions
    };
    Some(added(peer)? / added(row)?)
}

fn share(part: Option<f64>, whole: Option<f64>) -> String {
    part.zip(whole).map_or("?".to_owned(), |(part, whole)| format!("{:.2}", part / whole))
}

/// A count per request: whole ones as such, amortised ones with a fraction.
fn count(count: Option<f64>) -> String {
    match count {
        None => "?".to_owned(),
        Some(count) if count.abs() >= 100.0 || count.fract() == 0.0 => format!("{count:.0}"),
        Some(count) => format!("{count:.2}"),
    }
}

impl Cost {
    /// What it is more than `base`; times are compared within a round.
    pub(crate) fn less(&self, base: &Self) -> Self {
        Self {
            instructions: self.instructions.zip(base.instructions).map(|(row, base)| row - base),
            allocations: self.allocations - base.allocations,
            bytes: self.bytes - base.bytes,
            nanos: self.nanos.iter().zip(&base.nanos).map(|(row, base)| row - base).collect(),
            ratio: self.ratio - base.ratio,
        }
    }

    /// Whether it is known that both fewer instructions and fewer allocations are made.
    fn is_fewer_than(&self, peer: &Self) -> bool {
        self.allocations < peer.allocations
            && self.instructions.zip(peer.instructions).is_some_and(|(own, peer)| own < peer)
    }
}

impl Budget {
    /// Whether it is known that no more than these instructions are added.
    fn allows(&self, added: &Cost, instructions: u32) -> bool {
        // an allocation once in many requests is not one a request
        added.allocations < f64::from(self.allocations) + 0.01
            && added.instructions.is_some_and(|added| added <= f64::from(instructions))
    }
}

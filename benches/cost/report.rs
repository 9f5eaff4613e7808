//! The table, and whether each budget was met.

use crate::Cost;
use crate::rows::{self, Budget, Row};

/// Prints the table; `true` when every limit was seen to hold.
pub(crate) fn print(rows: &[Row], costs: &[Cost]) -> bool {
    println!(
        "{:36} {:>9} {:>7} {:>7} {:>7} | {:>9} {:>7} {:>7}  {:28} {:>12}",
        "per request",
        "instr.",
        "allocs",
        "bytes",
        "time",
        "+instr.",
        "+allocs",
        "+bytes",
        "over",
        "budget",
    );
    let mut all_held = true;
    for (row, cost) in rows.iter().zip(costs) {
        print!(
            "{:36} {:>9} {:>7} {:>7} {:>6.2}x |",
            row.name,
            count(cost.instructions),
            count(Some(cost.allocations)),
            count(Some(cost.bytes)),
            cost.ratio,
        );
        let Some(base) = rows::base(rows, row) else {
            println!();
            continue;
        };
        let added = cost.less(&costs[base]);
        print!(
            " {:>9} {:>7} {:>7}  {:28}",
            count(added.instructions),
            count(Some(added.allocations)),
            count(Some(added.bytes)),
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
    all_held
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
    fn less(&self, base: &Self) -> Self {
        Self {
            instructions: self.instructions.zip(base.instructions).map(|(row, base)| row - base),
            allocations: self.allocations - base.allocations,
            bytes: self.bytes - base.bytes,
            ratio: self.ratio - base.ratio,
        }
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

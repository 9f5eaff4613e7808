//! Whether memory stays as it is while exchanges go on.

use std::fs;

use crate::Allocated;

/// Growth that is none of what runs: the caches of threads, and what the kernel hands out in pages.
const BYTES: i64 = 64 * 1024;
const RESIDENT_KB: i64 = 2 * 1024;

/// Runs ten times so many exchanges, and prints what memory is held after each; whether it was the same
/// after the last as after the second.
pub fn is_flat(tenth: u64, run: impl Fn(u64)) -> bool {
    println!("{:>12} {:>14} {:>12}", "exchanges", "bytes held", "resident kB");
    let mut at = Vec::new();
    for turn in 1..=10 {
        run(tenth);
        let now = (Allocated::now().held(), resident_kb());
        println!("{:>12} {:>14} {:>12}", turn * tenth, now.0, now.1);
        at.push(now);
    }
    // the first two make what is kept for good
    let (first, last) = (at[1], at[9]);
    last.0 - first.0 <= BYTES && last.1 - first.1 <= RESIDENT_KB
}

/// The memory of this process that is in use, of which the allocator's own is a part.
fn resident_kb() -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux system");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}

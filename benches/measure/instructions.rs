//! Instructions per request, counted by valgrind: what a second batch as large as the first adds.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use super::Cost;
use super::process;
use super::row::Row;

const WARM_UP: u32 = 500;
const BATCH: u32 = 2_000;

/// Fills in the instructions of each row.
///
/// # Errors
/// Why they cannot be counted; a number is never made up.
pub(crate) fn count(rows: &[Row], costs: &mut [Cost]) -> Result<(), String> {
    for (row, cost) in rows.iter().zip(costs) {
        // both at once: counts do not suffer from sharing the machine
        let (one, two) = (spawn(row.name, BATCH)?, spawn(row.name, 2 * BATCH)?);
        let added = finish(two)?.checked_sub(finish(one)?).ok_or("the counts make no sense")?;
        cost.instructions = Some(added as f64 / f64::from(BATCH));
    }
    Ok(())
}

fn spawn(row: &str, exchanges: u32) -> Result<Child, String> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(process::program())
        .env(process::COUNTED, "1")
        .stderr(Stdio::piped());
    let mut child = process::command(valgrind, row)
        .spawn()
        .map_err(|error| format!("valgrind does not start ({error})"))?;
    if let Some(mut input) = child.stdin.take() {
        write!(input, "{WARM_UP}\n{exchanges}\n").map_err(|error| error.to_string())?;
    }
    Ok(child)
}

/// The total of `I refs: 1,234,567`.
fn finish(child: Child) -> Result<u64, String> {
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stderr);
    let total = told.lines().find_map(|line| line.split_once("refs:").map(|(_, total)| total));
    let digits: String = total.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    digits.parse().map_err(|_| format!("valgrind gave no count:\n{told}"))
}

//! The tables that `--once` prints.

use std::ops::Range;

use crate::seen::{COLUMNS, Exchange};

/// The exchanges of each request under its title, in aligned columns.
pub fn print(requests: &[(String, Vec<Exchange>)]) {
    let mut widths = COLUMNS.map(width);
    for (_, exchanges) in requests {
        for Exchange { row, .. } in exchanges {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = width(cell).max(*widest);
            }
        }
    }
    print_row(&widths, &COLUMNS, "took");
    for (title, exchanges) in requests {
        println!("\n{title}");
        for exchange in exchanges {
            let took = milliseconds(exchange.duration.as_secs_f64() * 1e9);
            print_row(&widths, &exchange.row, &took);
        }
    }
}

fn print_row(widths: &[usize], cells: &[impl AsRef<str>], took: &str) {
    let mut line = String::from("  ");
    for (cell, widest) in cells.iter().zip(widths) {
        let cell = cell.as_ref();
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
    }
    println!("{line}{took:>9}");
}

/// Rows in aligned columns, those of numbers to the right.
pub fn print_columns<const N: usize>(
    titles: [&str; N],
    rows: &[[String; N]],
    numbers: Range<usize>,
) {
    let titles = titles.map(str::to_owned);
    let all = || std::iter::once(&titles).chain(rows);
    let widths: [usize; N] =
        std::array::from_fn(|column| all().map(|row| width(&row[column])).max().unwrap_or(0));
    for row in all() {
        let mut line = String::new();
        for (column, (cell, widest)) in row.iter().zip(widths).enumerate() {
            let padded = match numbers.contains(&column) {
                true => format!("  {cell:>widest$}"),
                false => format!("  {cell:<widest$}"),
            };
            line.push_str(&padded);
        }
        println!("{}", line.trim_end());
    }
}

pub fn milliseconds(nanos: f64) -> String {
    format!("{:.1} ms", nanos / 1e6)
}

fn width(text: &str) -> usize {
    text.chars().count()
}

//! The table that `--once` prints.

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
            let took = format!("{:.1} ms", exchange.duration.as_secs_f64() * 1000.0);
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

fn width(text: &str) -> usize {
    text.chars().count()
}

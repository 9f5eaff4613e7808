//! Where in the code something happened.

/// The parts of `file:line:column`; what has another form is the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
}

impl<'a> Place<'a> {
    /// `None` where nothing is said.
    pub(crate) fn of(location: &'a str) -> Option<Self> {
        if location.is_empty() {
            return None;
        }
        let mut parts = location.rsplitn(3, ':');
        let mut number = || parts.next()?.parse().ok();
        let (column, line) = (number(), number());
        Some(match (column, line, parts.next()) {
            (Some(_), Some(_), Some(file)) => Self { file, line, column },
            _ => Self { file: location, line: None, column: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_file_with_a_line_and_a_column_or_a_file() {
        let file = |file| Some(Place { file, line: None, column: None });
        for (location, expected) in [
            ("", None),
            ("src/a.rs:1:23", Some(Place { file: "src/a.rs", line: Some(1), column: Some(23) })),
            ("C:\\a.rs:1:23", Some(Place { file: "C:\\a.rs", line: Some(1), column: Some(23) })),
            ("src/a.rs", file("src/a.rs")),
            ("src/a.rs:1", file("src/a.rs:1")),
            ("a:b:1", file("a:b:1")),
            ("1:2", file("1:2")),
        ] {
            assert_eq!(Place::of(location), expected);
        }
    }
}

//! A text of any size, line by line: it takes little more than its bytes, and only what is seen of it is made.

use std::ops::Range;

use crate::output::{plain, rows::Rows};

/// A text in lines, and in rows that fit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lines {
    /// The lines, one after the other, without what only a terminal understands.
    text: String,
    /// The byte after each line.
    ends: Vec<usize>,
    rows: Rows,
}

impl Lines {
    /// Lays out a text.
    pub fn new(text: &str) -> Self {
        let mut lines = Self {
            text: String::with_capacity(text.len()),
            ..Self::default()
        };
        for line in text.lines() {
            plain::push(&mut lines.text, line);
            lines.ends.push(lines.text.len());
        }
        lines.break_rows();
        lines
    }

    /// Breaks the lines into rows of at most so many columns.
    pub fn wrap(&mut self, columns: usize) {
        let rows = Rows::of(columns);
        if rows.columns() != self.rows.columns() {
            self.rows = rows;
            self.break_rows();
        }
    }

    fn break_rows(&mut self) {
        for (line, end) in self.ends.iter().enumerate() {
            self.rows.push(&self.text[..*end], line);
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The rows of a range.
    pub fn shown(&self, range: Range<usize>) -> impl Iterator<Item = &str> {
        let range = range.start.min(self.len())..range.end.min(self.len());
        range.map(|row| &self.text[self.rows.range(row)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_as_it_is_in_rows_that_fit() {
        let mut lines = Lines::new("{\"a\": 1}\n\n\tone two three four five six\n\u{1b}[31mred");
        lines.wrap(18);
        let rows: Vec<&str> = lines.shown(0..99).collect();
        assert_eq!(rows, ["{\"a\": 1}", "", " one two three ", "four five six", "red"]);
        lines.wrap(100);
        assert_eq!(lines.len(), 4);
        assert!(Lines::new("").is_empty());
    }

    #[test]
    fn ten_megabytes_are_broken_again_soon() {
        let mut lines = Lines::new(&"0123456789abcde\n".repeat(625_000));
        for columns in [80, 10, 200] {
            lines.wrap(columns);
        }
        assert_eq!(lines.len(), 625_000);
        assert_eq!(lines.shown(624_999..700_000).collect::<Vec<_>>(), ["0123456789abcde"]);
    }
}

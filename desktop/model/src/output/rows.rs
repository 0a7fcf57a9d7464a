//! Lines broken into rows that fit into so many columns.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

/// The columns until somebody knows better.
const COLUMNS: usize = 120;

/// The fewest columns: below, nothing can be read anyway.
const FEWEST: usize = 10;

/// The rows of all lines, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows {
    columns: usize,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    /// The byte after it.
    end: usize,
    line: usize,
}

impl Default for Rows {
    fn default() -> Self {
        Self::of(COLUMNS)
    }
}

impl Rows {
    /// No rows yet, of so many columns.
    pub(crate) fn of(columns: usize) -> Self {
        Self {
            columns: columns.max(FEWEST),
            rows: Vec::new(),
        }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The line that a text ends with: what follows the last row.
    pub(crate) fn push(&mut self, text: &str, line: usize) {
        let mut from = self.rows.last().map_or(0, |row| row.end);
        loop {
            let end = from + first(&text[from..], self.columns);
            self.rows.push(Row { end, line });
            if end >= text.len() {
                return;
            }
            from = end;
        }
    }

    /// The line of a row; the last one for a row beyond the end.
    pub(crate) fn line(&self, row: usize) -> usize {
        self.rows.get(row).or(self.rows.last()).map_or(0, |row| row.line)
    }

    /// The bytes of a row.
    pub(crate) fn range(&self, row: usize) -> Range<usize> {
        row.checked_sub(1).map_or(0, |before| self.rows[before].end)..self.rows[row].end
    }

    /// The first row of a line.
    pub(crate) fn first_of(&self, line: usize) -> usize {
        self.rows.partition_point(|row| row.line < line)
    }

    /// The row that a byte is in.
    pub(crate) fn at(&self, byte: usize) -> usize {
        self.rows.partition_point(|row| row.end <= byte)
    }
}

/// How many bytes of a line go into its first row: after a space, where there is one near its end.
pub(crate) fn first(text: &str, columns: usize) -> usize {
    if text.len() <= columns {
        return text.len();
    }
    let near = columns - columns / 4;
    let (mut width, mut space, mut before) = (0, None, ' ');
    for (at, c) in text.char_indices() {
        let wide = c.width().unwrap_or(0);
        // What a joiner joins is one picture, and what has no width belongs to what is before it.
        if wide > 0 && width + wide > columns && before != '\u{200d}' {
            return if c == ' ' { at + 1 } else { space.unwrap_or(at) };
        }
        width += wide;
        if c == ' ' && width > near {
            space = Some(at + 1);
        }
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, columns: usize) -> Vec<&str> {
        let mut rows = Rows::of(columns);
        rows.push(text, 0);
        (0..rows.len()).map(|row| &text[rows.range(row)]).collect()
    }

    #[test]
    fn rows_end_after_words_where_they_can() {
        assert_eq!(broken("", 10), [""]);
        assert_eq!(broken("0123456789", 10), ["0123456789"]);
        assert_eq!(broken("0123456789ab", 10), ["0123456789", "ab"]);
        assert_eq!(broken("01234567 9ab", 10), ["01234567 ", "9ab"]);
        assert_eq!(broken("0123456789 ab", 10), ["0123456789 ", "ab"]);
        assert_eq!(
            broken("0 23456789ab", 10),
            ["0 23456789", "ab"],
            "half a row would be empty"
        );
    }

    #[test]
    fn wide_letters_take_two_columns_and_pictures_stay_whole() {
        assert_eq!(broken("日本語日本語", 10), ["日本語日本", "語"]);
        let family = "👩\u{200d}👩\u{200d}👧";
        let rows = broken("12345678👩\u{200d}👩\u{200d}👧abc", 10);
        assert!(rows.iter().any(|row| row.contains(family)), "{rows:?}");
        assert_eq!(broken("مرحبا بالعالم", 10).concat(), "مرحبا بالعالم");
        // What has no width at all is not broken, and ends.
        assert_eq!(broken(&"\u{301}".repeat(50), 10).len(), 1);
    }
}

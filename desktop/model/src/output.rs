//! What a task wrote: lines that may be very many and very long, broken into rows that fit, searched while they grow.

pub(crate) mod plain;
pub(crate) mod rows;

use std::ops::Range;

use orchestrator_protocol::{LogLine, Seq, Timestamp};

use self::rows::Rows;

/// A line, without its text.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    end: usize,
    at: Timestamp,
    stderr: bool,
}

/// A row as it is shown: a line, or a part of one that is too long for its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown<'o> {
    /// Its number among the rows, from 0.
    pub row: usize,
    /// The number of its line, from 0.
    pub line: usize,
    /// Whether the line begins with it.
    pub is_first: bool,
    /// When the line was written.
    pub at: Timestamp,
    /// Whether it went to the error stream.
    pub stderr: bool,
    /// Its text.
    pub text: &'o str,
}

/// What a task wrote, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Output {
    text: String,
    lines: Vec<Line>,
    rows: Rows,
    after: Seq,
    search: Search,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Search {
    needle: String,
    found: Vec<usize>,
    current: usize,
}

impl Output {
    /// More lines have come: a page after [`Output::after`]. What is known already is passed over.
    pub fn extend(&mut self, lines: Vec<LogLine>) {
        let first = self.lines.len();
        for line in lines {
            if line.seq <= self.after {
                continue;
            }
            self.after = line.seq;
            plain::push(&mut self.text, &line.text);
            self.rows.push(&self.text, self.lines.len());
            self.lines.push(Line {
                end: self.text.len(),
                at: line.at,
                stderr: line.stream == "stderr",
            });
        }
        self.find_from(first);
    }

    /// The place after which the next lines are asked for.
    pub fn after(&self) -> Seq {
        self.after
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    fn text_of(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.lines[before].end);
        &self.text[start..self.lines[number].end]
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Breaks lines into rows of so many columns. Says whether that is something else than before.
    pub fn wrap(&mut self, columns: usize) -> bool {
        let mut rows = Rows::of(columns);
        if rows.columns() == self.rows.columns() {
            return false;
        }
        for (number, line) in self.lines.iter().enumerate() {
            rows.push(&self.text[..line.end], number);
        }
        self.rows = rows;
        true
    }

    /// The first row of a line.
    pub fn row_of(&self, line: usize) -> usize {
        self.rows.first_of(line)
    }

    /// The line of a row; the last one for a row beyond the end.
    pub fn line_of(&self, row: usize) -> usize {
        self.rows.line(row)
    }

    /// The rows of a range, as they are shown; what is beyond the end is left out.
    pub fn shown(&self, range: Range<usize>) -> impl Iterator<Item = Shown<'_>> {
        let range = range.start.min(self.rows())..range.end.min(self.rows());
        range.map(|row| {
            let number = self.rows.line(row);
            let line = self.lines[number];
            Shown {
                row,
                line: number,
                is_first: row == 0 || self.rows.line(row - 1) != number,
                at: line.at,
                stderr: line.stderr,
                text: &self.text[self.rows.range(row)],
            }
        })
    }

    /// Everything, a line each.
    pub fn whole(&self) -> String {
        let mut all = String::with_capacity(self.text.len() + self.lines.len());
        for number in 0..self.lines.len() {
            all.push_str(self.text_of(number));
            all.push('\n');
        }
        all
    }

    /// Looks for a text, whatever its case; an empty one finds nothing.
    pub fn search(&mut self, needle: &str) {
        self.search = Search {
            needle: needle.to_lowercase(),
            ..Search::default()
        };
        self.find_from(0);
    }

    fn find_from(&mut self, first: usize) {
        if self.search.needle.is_empty() {
            return;
        }
        let found: Vec<usize> = (first..self.lines.len())
            .filter(|number| contains(self.text_of(*number), &self.search.needle))
            .collect();
        self.search.found.extend(found);
    }

    /// How many lines hold what is looked for.
    pub fn found(&self) -> usize {
        self.search.found.len()
    }

    /// Which of them is looked at, from 1, and its line.
    pub fn current(&self) -> Option<(usize, usize)> {
        let line = self.search.found.get(self.search.current)?;
        Some((self.search.current + 1, *line))
    }

    /// The row in which the line that is looked at first holds it.
    pub fn current_row(&self) -> Option<usize> {
        let (_, line) = self.current()?;
        let start = line.checked_sub(1).map_or(0, |before| self.lines[before].end);
        let at = start + place(self.text_of(line), &self.search.needle);
        Some(self.rows.at(at).max(self.row_of(line)))
    }

    /// Goes on to the next line that holds it, or back, round the ends.
    pub fn step(&mut self, forward: bool) -> Option<usize> {
        let count = self.search.found.len();
        if count == 0 {
            return None;
        }
        let step = if forward { 1 } else { count - 1 };
        self.search.current = (self.search.current + step) % count;
        self.current().map(|(_, line)| line)
    }

    /// Whether a line holds what is looked for.
    pub fn is_found(&self, line: usize) -> bool {
        self.search.found.binary_search(&line).is_ok()
    }
}

/// Whether a text holds a needle in lower case.
fn contains(text: &str, needle: &str) -> bool {
    if text.is_ascii() && needle.is_ascii() {
        let needle = needle.as_bytes();
        return text
            .as_bytes()
            .windows(needle.len())
            .any(|part| part.eq_ignore_ascii_case(needle));
    }
    text.to_lowercase().contains(needle)
}

/// Where a text first holds a needle in lower case: the byte. A letter that is longer or shorter in lower case may move
/// it by a little.
fn place(text: &str, needle: &str) -> usize {
    let lower = text.to_lowercase();
    let letters = lower.find(needle).map_or(0, |at| lower[..at].chars().count());
    text.char_indices().nth(letters).map_or(0, |(at, _)| at)
}

/// Which rows of a list are seen, and some before and after, so that scrolling shows no gap.
pub fn window(rows: usize, height: f32, offset: f32, seen: f32) -> Range<usize> {
    const MORE: usize = 6;
    let first = (offset / height).floor().max(0.0) as usize;
    let count = (seen / height).ceil().max(0.0) as usize + 1;
    first.saturating_sub(MORE).min(rows)..(first + count + MORE).min(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    fn line(seq: i64, text: &str) -> LogLine {
        LogLine {
            seq: Seq(seq),
            at: at(seq as f64),
            stream: if text.starts_with('!') { "stderr" } else { "stdout" }.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn lines_come_once_whatever_they_hold() {
        let mut output = Output::default();
        output.extend(vec![line(1, "one"), line(2, ""), line(3, "!دو 🚀\u{1b}[0m\u{7}")]);
        output.extend(vec![line(3, "again"), line(4, "four")]);
        let shown: Vec<_> = output.shown(0..99).map(|line| line.text.to_owned()).collect();
        assert_eq!(shown, ["one", "", "!دو 🚀\u{fffd}", "four"]);
        assert_eq!(output.after(), Seq(4));
        assert!(output.shown(2..3).all(|line| line.stderr));
        assert_eq!(output.whole(), "one\n\n!دو 🚀\u{fffd}\nfour\n");
        assert_eq!(output.shown(7..9).count(), 0);
    }

    #[test]
    fn long_lines_go_on_in_the_rows_below() {
        let mut output = Output::default();
        output.wrap(10);
        output.extend(vec![line(1, "short"), line(2, &"é".repeat(25)), line(3, "the last")]);
        let shown = |output: &Output| -> Vec<_> {
            let rows = output.shown(0..9);
            rows.map(|row| (row.row, row.line, row.is_first, row.text.chars().count()))
                .collect()
        };
        let expected = [
            (0, 0, true, 5),
            (1, 1, true, 10),
            (2, 1, false, 10),
            (3, 1, false, 5),
            (4, 2, true, 8),
        ];
        assert_eq!(shown(&output), expected);
        assert_eq!((output.row_of(2), output.line_of(3), output.line_of(99)), (4, 1, 2));
        assert!(output.wrap(30) && !output.wrap(30));
        assert_eq!(shown(&output), [(0, 0, true, 5), (1, 1, true, 25), (2, 2, true, 8)]);
        assert_eq!(output.whole().lines().nth(1).map(|line| line.chars().count()), Some(25));
    }

    #[test]
    fn what_is_found_in_a_long_line_is_shown_in_its_row() {
        let mut output = Output::default();
        output.wrap(100);
        output.extend(vec![
            line(1, "x"),
            line(2, &format!("{}NEEDLE{}", "a".repeat(500_000), "b".repeat(500_000))),
        ]);
        output.search("needle");
        assert_eq!(output.current(), Some((1, 1)));
        assert_eq!(output.current_row(), Some(1 + 5_000));
        let row = output.shown(5_001..5_002).next().expect("a row");
        assert!(row.text.starts_with("NEEDLEb"), "{}", row.text);
        output.search("");
        assert_eq!(output.current_row(), None);
    }

    #[test]
    fn searching_goes_on_while_it_grows() {
        let mut output = Output::default();
        output.extend(vec![line(1, "An Error"), line(2, "fine"), line(3, "no error")]);
        output.search("ERROR");
        assert_eq!((output.found(), output.current()), (2, Some((1, 0))));
        output.extend(vec![line(4, "error: Ünïcode"), line(5, "fine")]);
        assert_eq!(output.found(), 3);
        assert_eq!(
            [output.step(true), output.step(true), output.step(true)],
            [Some(2), Some(3), Some(0)]
        );
        assert_eq!(output.step(false), Some(3));
        assert!(output.is_found(2) && !output.is_found(1));
        output.search("ünï");
        assert_eq!(output.current(), Some((1, 3)));
        output.search("");
        assert_eq!((output.found(), output.step(true)), (0, None));
    }

    #[test]
    fn ten_megabytes_take_little_more_than_their_bytes() {
        let mut output = Output::default();
        let text = "x".repeat(99);
        for n in 0..200 {
            output.extend((0..500).map(|k| line(1 + n * 500 + k, &text)).collect());
        }
        assert_eq!((output.len(), output.bytes()), (100_000, 9_900_000));
        assert_eq!(output.shown(99_990..100_100).count(), 10);
    }

    #[test]
    fn only_what_is_seen_is_drawn() {
        assert_eq!(window(100_000, 20.0, 0.0, 400.0), 0..27);
        assert_eq!(window(100_000, 20.0, 20_000.0, 400.0), 994..1_027);
        assert_eq!(window(5, 20.0, 1e9, 400.0), 5..5);
        assert_eq!(window(0, 20.0, 0.0, 400.0), 0..0);
    }
}

//! What a task wrote: lines that may be very many, searched while they grow.

use std::ops::Range;

use orchestrator_protocol::{LogLine, Seq, Timestamp};

/// A line that is longer is cut where it is shown; what is copied is whole.
pub const LONGEST: usize = 2_000;

/// A line, without its text.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    end: usize,
    at: Timestamp,
    stderr: bool,
}

/// A line as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown<'o> {
    /// Its number, from 0.
    pub number: usize,
    /// When it was written.
    pub at: Timestamp,
    /// Whether it went to the error stream.
    pub stderr: bool,
    /// Its text, cut where it is too long.
    pub text: &'o str,
    /// Whether it was cut.
    pub cut: bool,
}

/// What a task wrote, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Output {
    text: String,
    lines: Vec<Line>,
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
            // A line is one line, whatever it holds.
            self.text.extend(line.text.chars().map(|c| match c {
                '\t' => ' ',
                c if c.is_control() => '\u{fffd}',
                c => c,
            }));
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

    /// The lines of a range, as they are shown; what is beyond the end is left out.
    pub fn shown(&self, range: Range<usize>) -> impl Iterator<Item = Shown<'_>> {
        let range = range.start.min(self.lines.len())..range.end.min(self.lines.len());
        range.map(|number| {
            let (whole, line) = (self.text_of(number), self.lines[number]);
            let cut = whole.char_indices().nth(LONGEST).map(|(at, _)| at);
            Shown {
                number,
                at: line.at,
                stderr: line.stderr,
                text: &whole[..cut.unwrap_or(whole.len())],
                cut: cut.is_some(),
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
        output.extend(vec![line(1, "one"), line(2, ""), line(3, "!دو 🚀\u{1b}[0m")]);
        output.extend(vec![line(3, "again"), line(4, "four")]);
        let shown: Vec<_> = output.shown(0..99).map(|line| line.text.to_owned()).collect();
        assert_eq!(shown, ["one", "", "!دو 🚀\u{fffd}[0m", "four"]);
        assert_eq!(output.after(), Seq(4));
        assert!(output.shown(2..3).all(|line| line.stderr));
        assert_eq!(output.whole(), "one\n\n!دو 🚀\u{fffd}[0m\nfour\n");
        assert_eq!(output.shown(7..9).count(), 0);
    }

    #[test]
    fn long_lines_are_cut_where_they_are_shown() {
        let mut output = Output::default();
        output.extend(vec![line(1, &"é".repeat(100_000))]);
        let shown = output.shown(0..1).next().expect("a line");
        assert_eq!((shown.text.chars().count(), shown.cut), (LONGEST, true));
        assert_eq!(output.whole().chars().count(), 100_001);
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

//! JSON as it is read: indented, its order and its numbers as they were written, long texts going on in the rows below.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use crate::output::rows;

/// How many columns each level stands further to the right.
pub const INDENT: usize = 2;

/// The fewest columns of a row, however deep it stands.
const FEWEST: usize = 16;

/// What a piece of JSON is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A key of an object.
    Key,
    /// A text.
    Text,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Word,
    /// Brackets, commas, colons.
    Mark,
}

/// A line: how deep it stands and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// How deep, from 0.
    pub depth: usize,
    /// Pieces: what they are and where in the text of [`Pretty`].
    pub pieces: Vec<(Kind, Range<usize>)>,
}

/// JSON in lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pretty {
    text: String,
    lines: Vec<Line>,
    /// What is shown, once it is known how wide that may be: the lines, or parts of them.
    rows: Option<(usize, Vec<Line>)>,
}

impl Pretty {
    /// Lays out a JSON text, which is valid.
    pub fn new(json: &str) -> Self {
        let mut writer = Writer {
            pretty: Self {
                text: json.to_owned(),
                lines: Vec::new(),
                rows: None,
            },
            line: Line::default(),
            depth: 0,
        };
        writer.write();
        writer.pretty
    }

    /// Breaks the lines into rows of at most so many columns. What goes on stands one level deeper.
    pub fn wrap(&mut self, columns: usize) {
        if self.rows.as_ref().is_some_and(|(known, _)| *known == columns) {
            return;
        }
        let rows = self.lines.iter().flat_map(|line| self.broken(line, columns)).collect();
        self.rows = Some((columns, rows));
    }

    fn broken(&self, line: &Line, columns: usize) -> Vec<Line> {
        let row = |depth| Line {
            depth,
            pieces: Vec::new(),
        };
        // With the space after a colon, and the comma at the end.
        let room = |depth: usize| columns.saturating_sub(depth * INDENT + 2).max(FEWEST);
        let mut done = Vec::new();
        let mut now = row(line.depth);
        let mut left = room(now.depth);
        for (kind, range) in &line.pieces {
            let mut at = range.start;
            loop {
                let rest = &self.text[at..range.end];
                // A mark never begins a row.
                let fits = if *kind == Kind::Mark {
                    rest.len()
                } else {
                    rows::first(rest, left)
                };
                let end = at + fits;
                // Where hardly anything fits it begins in the next row.
                let begins = end < range.end && left < room(line.depth) / 4;
                if !begins {
                    now.pieces.push((*kind, at..end));
                    if end >= range.end {
                        left = left.saturating_sub(rest.width()).max(1);
                        break;
                    }
                    at = end;
                }
                done.push(std::mem::replace(&mut now, row(line.depth + 1)));
                left = room(line.depth + 1);
            }
        }
        done.push(now);
        done
    }

    fn rows(&self) -> &[Line] {
        self.rows.as_ref().map_or(self.lines.as_slice(), |(_, rows)| rows)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The rows of a range: depth and pieces.
    pub fn shown(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Vec<(Kind, &str)>)> {
        let rows = self.rows();
        let range = range.start.min(rows.len())..range.end.min(rows.len());
        rows[range].iter().map(|line| {
            let pieces = line
                .pieces
                .iter()
                .map(|(kind, range)| (*kind, &self.text[range.clone()]));
            (line.depth, pieces.collect())
        })
    }

    /// All of it as text, two spaces a level.
    pub fn whole(&self) -> String {
        let mut all = String::with_capacity(self.text.len() * 2);
        for line in &self.lines {
            all.extend(std::iter::repeat_n("  ", line.depth));
            for (kind, range) in &line.pieces {
                all.push_str(&self.text[range.clone()]);
                if *kind == Kind::Mark && &self.text[range.clone()] == ":" {
                    all.push(' ');
                }
            }
            all.push('\n');
        }
        all
    }
}

struct Writer {
    pretty: Pretty,
    line: Line,
    depth: usize,
}

impl Writer {
    fn write(&mut self) {
        let text = std::mem::take(&mut self.pretty.text);
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let start = at;
            match byte {
                b'{' | b'[' => {
                    at += 1;
                    let rest = text[at..].trim_start();
                    // Nothing in it: both brackets on one line.
                    if rest.starts_with(['}', ']']) {
                        self.push(Kind::Mark, start..at);
                        at = text.len() - rest.len();
                        self.push(Kind::Mark, at..at + 1);
                        at += 1;
                    } else {
                        self.push(Kind::Mark, start..at);
                        self.depth += 1;
                        self.end();
                    }
                }
                b'}' | b']' => {
                    at += 1;
                    self.end();
                    self.depth = self.depth.saturating_sub(1);
                    self.line.depth = self.depth;
                    self.push(Kind::Mark, start..at);
                }
                b',' => {
                    at += 1;
                    self.push(Kind::Mark, start..at);
                    self.end();
                }
                b':' => {
                    at += 1;
                    self.push(Kind::Mark, start..at);
                }
                b'"' => {
                    at = string_end(bytes, at);
                    let key = text[at..].trim_start().starts_with(':');
                    self.push(if key { Kind::Key } else { Kind::Text }, start..at);
                }
                byte if byte.is_ascii_whitespace() => at += 1,
                byte => {
                    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                    at += bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at);
                    let number = byte.is_ascii_digit() || *byte == b'-';
                    self.push(if number { Kind::Number } else { Kind::Word }, start..at);
                }
            }
        }
        self.end();
        self.pretty.text = text;
    }

    fn push(&mut self, kind: Kind, range: Range<usize>) {
        self.line.pieces.push((kind, range));
    }

    fn end(&mut self) {
        let next = Line {
            depth: self.depth,
            pieces: Vec::new(),
        };
        let line = std::mem::replace(&mut self.line, next);
        if !line.pieces.is_empty() {
            self.pretty.lines.push(line);
        }
    }
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_indented_and_otherwise_as_it_was() {
        let json = r#"{"b":1.0,"a":[ ],"c":{"x":["é \" :,{",null,-2e9]},"d":{}}"#;
        let pretty = Pretty::new(json);
        let expected = "{\n  \"b\": 1.0,\n  \"a\": [],\n  \"c\": {\n    \"x\": [\n      \"é \\\" :,{\",\n      null,\n      \
                        -2e9\n    ]\n  },\n  \"d\": {}\n}\n";
        assert_eq!(pretty.whole(), expected);
        let kinds: Vec<Kind> = pretty
            .shown(1..2)
            .flat_map(|(_, pieces)| pieces)
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(kinds, [Kind::Key, Kind::Mark, Kind::Number, Kind::Mark]);
        assert_eq!(Pretty::new("null").whole(), "null\n");
    }

    fn wrapped(json: &str, columns: usize) -> Vec<String> {
        let mut pretty = Pretty::new(json);
        pretty.wrap(columns);
        let row = |(depth, pieces): (usize, Vec<(Kind, &str)>)| {
            let words: String = pieces.into_iter().map(|(_, word)| word).collect();
            format!("{}{words}", " ".repeat(depth * INDENT))
        };
        pretty.shown(0..pretty.len()).map(row).collect()
    }

    #[test]
    fn long_texts_go_on_in_the_rows_below() {
        let json = r#"{"name":"short","text":"one two three four five six seven eight nine ten eleven","n":[1]}"#;
        let expected = [
            "{",
            "  \"name\":\"short\",",
            "  \"text\":\"one two three ",
            "    four five six seven ",
            "    eight nine ten eleven\",",
            "  \"n\":[",
            "    1",
            "  ]",
            "}",
        ];
        assert_eq!(wrapped(json, 28), expected);
        assert_eq!(wrapped(json, 200).len(), Pretty::new(json).len(), "everything fits");
    }

    #[test]
    fn nothing_is_lost_when_rows_are_broken() {
        let long = "日本語 and 👩\u{200d}👧 ".repeat(200);
        let json =
            serde_json::json!({"a": {"b": [long.clone(), {long.clone(): 1}]}, "c": "x".repeat(5_000)}).to_string();
        let whole = Pretty::new(&json).whole();
        for columns in [0, 1, 20, 77, 100_000] {
            let mut pretty = Pretty::new(&json);
            pretty.wrap(columns);
            assert_eq!(pretty.whole(), whole);
            let rows = pretty.shown(0..pretty.len());
            let shown: String = rows.flat_map(|(_, row)| row).map(|(_, word)| word).collect();
            assert_eq!(shown, json, "{columns}");
            let widest = wrapped(&json, columns).iter().map(|row| row.width()).max();
            assert!(
                widest.is_some_and(|widest| widest <= columns.max(FEWEST) + 12),
                "{columns}: {widest:?}"
            );
        }
    }

    #[test]
    fn what_is_not_json_does_no_harm() {
        for text in ["", "{", "\"", "\"\\", "]", "{]}", "a b", "é"] {
            let mut pretty = Pretty::new(text);
            pretty.wrap(3);
            let _ = pretty.whole();
        }
    }
}

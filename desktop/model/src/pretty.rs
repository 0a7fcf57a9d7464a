//! JSON as it is read: indented, its order and its numbers as they were written.

use std::ops::Range;

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
}

impl Pretty {
    /// Lays out a JSON text, which is valid.
    pub fn new(json: &str) -> Self {
        let mut writer = Writer {
            pretty: Self {
                text: json.to_owned(),
                lines: Vec::new(),
            },
            line: Line::default(),
            depth: 0,
        };
        writer.write();
        writer.pretty
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines of a range: depth and pieces.
    pub fn shown(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Vec<(Kind, &str)>)> {
        let range = range.start.min(self.lines.len())..range.end.min(self.lines.len());
        self.lines[range].iter().map(|line| {
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

    #[test]
    fn what_is_not_json_does_no_harm() {
        for text in ["", "{", "\"", "\"\\", "]", "{]}", "a b", "é"] {
            let _ = Pretty::new(text).whole();
        }
    }
}

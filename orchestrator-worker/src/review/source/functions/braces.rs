//! Functions of languages with braces.

use std::ops::RangeInclusive;

use super::Found;
use super::headers::{Opens, Place, ends_at_newline, is_class, opens};
use crate::review::source::language::Language;
use crate::review::source::mask::Mask;

/// A header longer than this is a table, not a header; only its tail is kept.
const HEADER_BYTES: usize = 4_000;
/// Nobody nests deeper; what does is data or an attack, and is not scanned further.
const DEEPEST: usize = 300;

/// An open bracket.
struct Frame {
    bracket: u8,
    opens: Opens,
    class: bool,
    test: bool,
    /// The line where the header starts, and its column.
    line: u32,
    column: usize,
    /// The statement so far at this depth, flat.
    header: String,
    /// Where that statement starts.
    start: Option<usize>,
    nesting: u32,
    nesting_line: u32,
}

impl Frame {
    fn new(bracket: u8, opens: Opens, line: u32) -> Self {
        Self {
            bracket,
            opens,
            class: false,
            test: false,
            line,
            column: 0,
            header: String::new(),
            start: None,
            nesting: 0,
            nesting_line: 0,
        }
    }
}

struct Scanner<'m> {
    language: Language,
    mask: &'m Mask,
    stack: Vec<Frame>,
    found: Vec<Found>,
    tests: Vec<RangeInclusive<u32>>,
    functions_open: usize,
    controls_open: u32,
}

/// The functions and the test modules.
pub(super) fn find(language: Language, mask: &Mask) -> (Vec<Found>, Vec<RangeInclusive<u32>>) {
    let mut scanner = Scanner {
        language,
        mask,
        stack: vec![Frame::new(b'{', Opens::Block, 1)],
        found: Vec::new(),
        tests: Vec::new(),
        functions_open: 0,
        controls_open: 0,
    };
    scanner.run();
    (scanner.found, scanner.tests)
}

impl Scanner<'_> {
    fn run(&mut self) {
        let preprocessed = matches!(
            self.language,
            Language::C | Language::Cpp | Language::ObjectiveC | Language::CSharp
        );
        let code = self.mask.code.as_bytes();
        let mut at = 0;
        let mut line_start = true;
        while at < code.len() && self.stack.len() <= DEEPEST {
            let byte = code[at];
            if line_start && preprocessed && byte == b'#' {
                at = end_of_directive(code, at);
                continue;
            }
            match byte {
                b'(' | b'[' => self.stack.push(Frame::new(byte, Opens::Expression, 0)),
                b'{' => self.open_brace(at),
                b')' | b']' => self.close_bracket(byte),
                b'}' => self.close_brace(at),
                b';' => self.semicolon(),
                // The arguments and entries before this one say nothing about it.
                b',' if self.top().bracket != b'{' || self.top().opens == Opens::Expression => self.clear_statement(),
                b'\n' => self.end_line(),
                _ => self.push(at, byte),
            }
            line_start = byte == b'\n' || line_start && byte.is_ascii_whitespace();
            at += 1;
        }
    }

    fn top(&mut self) -> &mut Frame {
        if self.stack.is_empty() {
            self.stack.push(Frame::new(b'{', Opens::Block, 1));
        }
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    fn push(&mut self, at: usize, byte: u8) {
        let top = self.top();
        if top.start.is_none() && !byte.is_ascii_whitespace() {
            top.start = Some(at);
        }
        if top.header.len() > HEADER_BYTES {
            let tail = top.header.split_off(HEADER_BYTES / 2);
            top.header = tail;
        }
        // Names beyond ASCII are kept as a letter: only the shape matters.
        top.header.push(if byte.is_ascii() { char::from(byte) } else { 'u' });
    }

    /// A `;` ends the statement, but not in Go's `if x := f(); x {`.
    fn semicolon(&mut self) {
        let go = self.language == Language::Go;
        let top = self.top();
        let header = top.header.trim_start();
        if go && ["if ", "for ", "switch "].iter().any(|word| header.starts_with(word)) {
            top.header.push(';');
        } else {
            self.clear_statement();
        }
    }

    fn clear_statement(&mut self) {
        let top = self.top();
        top.header.clear();
        top.start = None;
    }

    fn end_line(&mut self) {
        let newline = ends_at_newline(self.language);
        let top = self.top();
        let header = top.header.trim_end();
        let goes_on = header.ends_with([',', '.', '=', '+', '|', '&', ':', '(']);
        if newline && top.bracket == b'{' && !goes_on {
            // The brace may stand on the next line in Swift and Kotlin, but not in Go.
            let waits = header.ends_with(')') && !header.is_empty() && self.language != Language::Go;
            if !waits {
                self.clear_statement();
                return;
            }
        }
        self.top().header.push('\n');
    }

    fn open_brace(&mut self, at: usize) {
        let place = Place {
            in_function: self.functions_open > 0,
            in_block: self.top().bracket == b'{',
            in_class: self.top().class,
        };
        let (language, line) = (self.language, self.mask.line_at(at));
        let top = self.top();
        let header = top.header.clone();
        let kind = opens(language, &header, place);
        let start = top.start.unwrap_or(at);
        let mut frame = Frame::new(b'{', kind, line);
        frame.class = is_class(&header);
        frame.test = language == Language::Rust && is_test_item(&self.mask.code[start..at]);
        if let Opens::Function(name) = &frame.opens {
            let header_at = self.header_offset(start, at, name);
            frame.line = self.mask.line_at(header_at);
            frame.column = start - self.mask.line_start(self.mask.line_at(start));
            self.functions_open += 1;
        } else if frame.test {
            frame.line = self.mask.line_at(start);
        }
        if frame.opens == Opens::Control {
            self.controls_open += 1;
            self.note_nesting(line);
        }
        self.stack.push(frame);
    }

    /// Where the name stands: attributes, decorators and older statements may come before it.
    fn header_offset(&self, start: usize, end: usize, name: &str) -> usize {
        self.mask.code[start..end]
            .rfind(name)
            .map_or(start, |found| start + found)
    }

    /// Records the nesting in the innermost open function.
    fn note_nesting(&mut self, line: u32) {
        let mut depth = 1;
        for frame in self.stack.iter_mut().rev() {
            match frame.opens {
                Opens::Control => depth += 1,
                Opens::Function(_) => {
                    if depth > frame.nesting {
                        frame.nesting = depth;
                        frame.nesting_line = line;
                    }
                    return;
                }
                _ => {}
            }
        }
    }

    fn close_bracket(&mut self, byte: u8) {
        let open = if byte == b')' { b'(' } else { b'[' };
        if self.top().bracket == open {
            self.stack.pop();
            let flat = if byte == b')' { "()" } else { "[]" };
            self.top().header.push_str(flat);
        }
    }

    fn close_brace(&mut self, at: usize) {
        let line = self.mask.line_at(at);
        // A brace in the first column ends a function that starts there, whatever else was left open by a macro, a
        // preprocessor branch or a piece that was misread.
        if at == self.mask.line_start(line) {
            let outer = self
                .stack
                .iter()
                .position(|frame| matches!(frame.opens, Opens::Function(_)) && frame.column == 0);
            if let Some(outer) = outer {
                while self.stack.len() > outer + 1 {
                    self.pop(line);
                }
            }
        }
        while self.stack.len() > 1 && self.top().bracket != b'{' {
            self.pop(line);
        }
        if self.stack.len() == 1 {
            self.clear_statement();
            return;
        }
        let expression = self.pop(line) == Opens::Expression;
        if expression {
            self.top().header.push_str("{}");
        } else {
            self.clear_statement();
        }
    }

    fn pop(&mut self, line: u32) -> Opens {
        let Some(frame) = self.stack.pop() else {
            return Opens::Block;
        };
        // A `#[test]` in a test module is in that module's range already: lines must not count twice.
        if frame.test && !self.stack.iter().any(|outer| outer.test) {
            self.tests.push(frame.line..=line);
        }
        match &frame.opens {
            Opens::Control => self.controls_open = self.controls_open.saturating_sub(1),
            Opens::Function(name) => {
                self.functions_open = self.functions_open.saturating_sub(1);
                self.found.push(Found {
                    name: name.clone(),
                    line: frame.line,
                    end_line: line,
                    nesting: frame.nesting,
                    nesting_line: frame.nesting_line,
                });
            }
            _ => {}
        }
        frame.opens
    }
}

/// `#[cfg(test)] mod tests` and `#[tokio::test] async fn x`, as written.
fn is_test_item(item: &str) -> bool {
    item.contains('#')
        && [
            "cfg(test)",
            "cfg(all(test",
            "cfg(any(test",
            "#[test]",
            "::test]",
            "::test(",
        ]
        .iter()
        .any(|mark| item.contains(mark))
}

/// The end of a preprocessor line with its continuation lines.
fn end_of_directive(code: &[u8], mut at: usize) -> usize {
    while at < code.len() {
        if code[at] == b'\n' && code[at - 1] != b'\\' {
            return at;
        }
        at += 1;
    }
    at
}

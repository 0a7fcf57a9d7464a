//! Which bytes of a text are code, which are comments and which are inside strings.
//!
//! A small lexer for every language at once. It is what keeps the checks precise: `eval(` inside a string, `TODO` in an
//! identifier and a brace in a comment are told apart from the real thing. Where a language cannot be lexed exactly
//! without its grammar (regular expressions in JavaScript, JSX) the lexer recovers at the end of the line.

mod special;

use super::language::Language;
use super::syntax::{Quote, Syntax};

/// What a byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Code,
    Comment,
    Text,
}

/// A text divided into code, comments and strings. Byte offsets are those of the text.
#[derive(Debug)]
pub struct Mask {
    /// The text with comments and the inside of strings blanked; the quotes stay.
    pub code: String,
    /// The text with everything but comments blanked.
    pub comments: String,
    line_starts: Vec<usize>,
    /// `code_before[n]`: how many of the first n lines hold code.
    code_before: Vec<u32>,
}

impl Mask {
    /// Divides `text`.
    pub fn new(language: Language, text: &str) -> Self {
        let mut lexer = Lexer::new(language, text);
        lexer.run();
        let blank = |keep: Class| {
            let bytes = text.bytes().zip(&lexer.classes).map(|(byte, class)| match byte {
                b'\n' => b'\n',
                byte if *class == keep => byte,
                _ => b' ',
            });
            // The classes change at ASCII characters only, so whole characters are kept or blanked.
            String::from_utf8(bytes.collect())
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
        };
        let code = blank(Class::Code);
        let mut line_starts = vec![0];
        line_starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at + 1),
        );
        let mut code_before = vec![0];
        let mut count = 0;
        for line in code.split('\n') {
            count += u32::from(!line.trim().is_empty());
            code_before.push(count);
        }
        Self {
            comments: blank(Class::Comment),
            code,
            line_starts,
            code_before,
        }
    }

    /// The line (from 1) of a byte offset.
    pub fn line_at(&self, offset: usize) -> u32 {
        self.line_starts.partition_point(|start| *start <= offset) as u32
    }

    /// The offset of the first byte of `line` (from 1).
    pub fn line_start(&self, line: u32) -> usize {
        self.line_starts
            .get((line as usize).saturating_sub(1))
            .copied()
            .unwrap_or(self.code.len())
    }

    /// How many lines of `first..=last` hold code; a line of a long string or a comment does not.
    pub fn code_lines_in(&self, first: u32, last: u32) -> u32 {
        let end = (last as usize).min(self.code_before.len() - 1);
        let start = (first as usize).saturating_sub(1).min(end);
        self.code_before[end] - self.code_before[start]
    }

    /// The code of each line.
    pub fn code_by_line(&self) -> impl Iterator<Item = &str> {
        self.code.split('\n')
    }

    /// The comments of each line.
    pub fn comments_by_line(&self) -> impl Iterator<Item = &str> {
        self.comments.split('\n')
    }

    /// True when the byte at `offset` is code.
    pub fn is_code(&self, offset: usize) -> bool {
        self.code
            .as_bytes()
            .get(offset)
            .is_some_and(|byte| !byte.is_ascii_whitespace())
    }
}

struct Lexer<'t> {
    bytes: &'t [u8],
    at: usize,
    classes: Vec<Class>,
    language: Language,
    syntax: Syntax,
    /// Open `${` of JavaScript template literals: the braces open inside each.
    templates: Vec<u32>,
    /// Here-documents announced on this line: terminator, and whether it may be indented.
    heredocs: Vec<(Vec<u8>, bool)>,
}

impl<'t> Lexer<'t> {
    fn new(language: Language, text: &'t str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            classes: vec![Class::Code; text.len()],
            language,
            syntax: Syntax::of(language),
            templates: Vec::new(),
            heredocs: Vec::new(),
        }
    }

    fn run(&mut self) {
        // A `#!` line is not code, whatever the language.
        if self.rest().starts_with(b"#!") && !self.rest().starts_with(b"#![") {
            self.comment_to_line_end();
        }
        while self.at < self.bytes.len() {
            if self.bytes[self.at] == b'\n' && !self.heredocs.is_empty() {
                self.skip_heredocs();
                continue;
            }
            if !(self.comment() || self.special() || self.string()) {
                self.at += 1;
            }
        }
    }

    fn rest(&self) -> &'t [u8] {
        &self.bytes[self.at..]
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// The byte before the current one; a newline at the start of the text.
    fn previous(&self) -> u8 {
        self.at.checked_sub(1).map_or(b'\n', |before| self.bytes[before])
    }

    /// Marks the next `length` bytes and steps over them.
    fn take(&mut self, length: usize, class: Class) {
        let end = (self.at + length).min(self.bytes.len());
        self.classes[self.at..end].fill(class);
        self.at = end;
    }

    fn line_end(&self) -> usize {
        self.rest()
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(self.bytes.len() - self.at)
    }

    fn comment_to_line_end(&mut self) {
        self.take(self.line_end(), Class::Comment);
    }

    fn comment(&mut self) -> bool {
        // Block comments first: Lua's `--[[` also starts like a line comment.
        for (open, close) in self.syntax.block_comments {
            let at_start = open.starts_with('\n') && self.at == 0 && self.rest().starts_with(&open.as_bytes()[1..]);
            if at_start || self.rest().starts_with(open.as_bytes()) {
                self.block_comment(open, close);
                return true;
            }
        }
        let starts = self
            .syntax
            .line_comments
            .iter()
            .any(|mark| self.rest().starts_with(mark.as_bytes()));
        if !starts {
            return false;
        }
        let word_start = matches!(self.previous(), b' ' | b'\t' | b'\n' | b';' | b'(' | b'|' | b'&');
        if self.syntax.hash_at_word_start && !word_start {
            return false;
        }
        // PHP attributes and Rust-like `#[` are code.
        if self.language == Language::Php && self.rest().starts_with(b"#[") {
            return false;
        }
        self.comment_to_line_end();
        true
    }

    fn block_comment(&mut self, open: &str, close: &str) {
        let mut depth = 1;
        let mut length = open.len();
        let rest = self.rest();
        while length < rest.len() && depth > 0 {
            if rest[length..].starts_with(close.as_bytes()) {
                depth -= 1;
                length += close.len();
            } else if self.syntax.nested && rest[length..].starts_with(open.as_bytes()) {
                depth += 1;
                length += open.len();
            } else {
                length += 1;
            }
        }
        self.take(length, Class::Comment);
        if open.starts_with('\n') {
            self.comment_to_line_end();
        }
    }

    fn string(&mut self) -> bool {
        let Some(quote) = self
            .syntax
            .quotes
            .iter()
            .find(|quote| self.rest().starts_with(quote.open.as_bytes()))
        else {
            return false;
        };
        self.quoted(*quote);
        true
    }

    /// Steps over a string: the quotes stay code, what is between them does not.
    fn quoted(&mut self, quote: Quote) {
        self.at += quote.open.len();
        let rest = self.rest();
        let mut length = 0;
        while length < rest.len() && !rest[length..].starts_with(quote.close.as_bytes()) {
            match rest[length] {
                b'\n' if !quote.multiline => break,
                b'\\' if quote.escapes => length += 2,
                _ => length += 1,
            }
        }
        let closed = length < rest.len() && rest[length..].starts_with(quote.close.as_bytes());
        self.take(length, Class::Text);
        if closed {
            self.at += quote.close.len();
        }
    }
}

#[cfg(test)]
mod tests;

//! One file as the checks see it: its path, language and role, its text, and what of the text is code.

mod functions;
mod language;
mod mask;
mod path;
mod role;
mod skip;
mod syntax;
mod text;

pub use functions::Function;
pub use language::{Kind, Language};
pub use mask::Mask;
pub use path::RepoPath;
pub use role::{Role, role_of};
pub use skip::{generated_marker, skip_reason};
pub use text::{Decoded, Encoding, decode};

use std::ops::RangeInclusive;

/// A file that is ready to be checked. Lines count from 1; byte offsets are equal in `text` and both masks.
#[derive(Debug)]
pub struct Source<'t> {
    /// Where it is.
    pub path: RepoPath,
    /// What it is written in.
    pub language: Language,
    /// What it is for.
    pub role: Role,
    /// Part of a library rather than a program: printing to the terminal is then unexpected.
    pub library: bool,
    /// The whole text.
    pub text: &'t str,
    /// The text's lines without line ends.
    pub lines: Vec<&'t str>,
    /// Which bytes are code, comments and strings.
    pub mask: Mask,
    /// Every named function, in order of their first line.
    pub functions: Vec<Function>,
    tests: Vec<RangeInclusive<u32>>,
}

impl<'t> Source<'t> {
    /// Reads the structure of `text`.
    pub fn new(path: RepoPath, language: Language, role: Role, library: bool, text: &'t str) -> Self {
        let mask = Mask::new(language, text);
        let (functions, tests) = functions::find(language, &mask);
        let lines = text
            .split('\n')
            .map(|line| line.strip_suffix('\r').unwrap_or(line))
            .collect();
        Self {
            path,
            language,
            role,
            library,
            text,
            lines,
            mask,
            functions,
            tests,
        }
    }

    /// The line (from 1) of a byte offset.
    pub fn line_at(&self, offset: usize) -> u32 {
        self.mask.line_at(offset)
    }

    /// The text of `line` (from 1), or nothing beyond the end.
    pub fn line(&self, line: u32) -> &'t str {
        (line as usize)
            .checked_sub(1)
            .and_then(|index| self.lines.get(index))
            .copied()
            .unwrap_or_default()
    }

    /// True in a test file and in a test module inside a production file (Rust's `#[cfg(test)]`).
    pub fn is_test_line(&self, line: u32) -> bool {
        self.role == Role::Test || self.tests.iter().any(|range| range.contains(&line))
    }

    /// True when the code is what users run: not a test, an example or documentation.
    pub fn is_production(&self) -> bool {
        matches!(self.role, Role::Source | Role::Build)
    }

    /// How many lines hold code.
    pub fn code_lines(&self) -> u32 {
        self.mask.code_lines_in(1, u32::MAX)
    }

    /// How many lines of code are test code.
    pub fn test_lines(&self) -> u32 {
        if self.role == Role::Test {
            return self.code_lines();
        }
        self.tests
            .iter()
            .map(|range| self.mask.code_lines_in(*range.start(), *range.end()))
            .sum()
    }
}

//! Where functions start and end, without a parser: enough for size and nesting, wrong rather rarely.

mod braces;
mod headers;
mod layout;

use std::ops::RangeInclusive;

use super::language::Language;
use super::mask::Mask;

/// A named function. Functions without a name are part of the one that holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of its header, from 1.
    pub line: u32,
    /// The line that closes it, inclusive.
    pub end_line: u32,
    /// Lines that hold code, without those of named functions inside it.
    pub code_lines: u32,
    /// The most control structures inside each other.
    pub nesting: u32,
    /// Where that is.
    pub nesting_line: u32,
}

/// A function as a scanner sees it, before its lines are counted.
#[derive(Debug)]
struct Found {
    name: String,
    line: u32,
    end_line: u32,
    nesting: u32,
    nesting_line: u32,
}

/// The named functions in order of their first line, and the ranges of lines that are test modules.
pub(super) fn find(language: Language, mask: &Mask) -> (Vec<Function>, Vec<RangeInclusive<u32>>) {
    let (mut found, tests) = match language {
        Language::Python => (layout::python(mask), Vec::new()),
        Language::Ruby | Language::Lua | Language::Elixir | Language::Shell | Language::Perl => {
            (layout::closed_at_same_indent(language, mask), Vec::new())
        }
        language if headers::is_supported(language) => braces::find(language, mask),
        _ => (Vec::new(), Vec::new()),
    };
    found.sort_by(|a, b| a.line.cmp(&b.line).then(b.end_line.cmp(&a.end_line)));
    (own_lines(found, mask), tests)
}

/// Counts each function's own lines of code: the whole span minus the spans of functions directly inside it.
fn own_lines(found: Vec<Found>, mask: &Mask) -> Vec<Function> {
    let mut functions: Vec<Function> = Vec::with_capacity(found.len());
    let mut open: Vec<usize> = Vec::new();
    for item in found {
        while open.last().is_some_and(|outer| functions[*outer].end_line < item.line) {
            open.pop();
        }
        let code_lines = mask.code_lines_in(item.line, item.end_line);
        if let Some(outer) = open.last() {
            let outer = &mut functions[*outer];
            outer.code_lines = outer.code_lines.saturating_sub(code_lines);
        }
        open.push(functions.len());
        functions.push(Function {
            name: item.name,
            line: item.line,
            end_line: item.end_line,
            code_lines,
            nesting: item.nesting,
            nesting_line: item.nesting_line,
        });
    }
    functions
}

#[cfg(test)]
mod tests;

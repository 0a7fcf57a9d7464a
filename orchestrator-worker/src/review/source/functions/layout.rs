//! Functions of languages where the layout says where a function ends: Python by rule, others by habit.

use std::sync::LazyLock;

use regex::Regex;

use super::Found;
use crate::review::source::language::Language;
use crate::review::source::mask::Mask;

static PYTHON_DEF: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\s*)(?:async\s+)?def\s+(\w+)").expect("a constant pattern, built by a test"));
static PYTHON_CONTROL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:async\s+)?(?:if|elif|else|for|while|try|except|finally|with|match|case)\b")
        .expect("a constant pattern, built by a test")
});

/// How wide a tab is when it is compared with blanks.
const TAB: usize = 8;
/// The most lines in which the end of a function is looked for, so that a file of headers without ends costs no hours.
const LONGEST: usize = 5_000;

fn indent(line: &str) -> usize {
    line.chars()
        .take_while(|c| c.is_whitespace())
        .map(|c| if c == '\t' { TAB } else { 1 })
        .sum()
}

struct OpenDef {
    name: String,
    line: u32,
    indent: usize,
    last: u32,
    nesting: u32,
    nesting_line: u32,
    /// Indents of the control structures open inside it.
    controls: Vec<usize>,
}

/// Python: a function goes on while lines are indented deeper than its `def`.
pub(super) fn python(mask: &Mask) -> Vec<Found> {
    let mut found = Vec::new();
    let mut open: Vec<OpenDef> = Vec::new();
    let mut brackets = 0i32;
    let mut continued = false;
    for (index, line) in mask.code_by_line().enumerate() {
        let number = index as u32 + 1;
        let code = line.trim();
        if code.is_empty() {
            continue;
        }
        // The closing quotes of a long string stand alone on their line; they belong to what is open.
        let closes_string = code.starts_with("\"\"\"") || code.starts_with("'''");
        if brackets <= 0 && !continued && !closes_string {
            python_statement(line, number, &mut open, &mut found);
        }
        for def in &mut open {
            def.last = number;
        }
        brackets += code.bytes().map(bracket_change).sum::<i32>();
        continued = code.ends_with('\\');
    }
    while let Some(def) = open.pop() {
        found.push(close(def));
    }
    found
}

fn bracket_change(byte: u8) -> i32 {
    match byte {
        b'(' | b'[' | b'{' => 1,
        b')' | b']' | b'}' => -1,
        _ => 0,
    }
}

fn python_statement(line: &str, number: u32, open: &mut Vec<OpenDef>, found: &mut Vec<Found>) {
    let width = indent(line);
    while open.last().is_some_and(|def| width <= def.indent) {
        found.extend(open.pop().map(close));
    }
    if let Some(captures) = PYTHON_DEF.captures(line) {
        open.push(OpenDef {
            name: captures[2].to_owned(),
            line: number,
            indent: width,
            last: number,
            nesting: 0,
            nesting_line: 0,
            controls: Vec::new(),
        });
        return;
    }
    let Some(def) = open.last_mut() else { return };
    def.controls.retain(|control| *control < width);
    if PYTHON_CONTROL.is_match(line.trim_start()) && line.trim_end().ends_with([':', '(', '[', '{', '\\', ',']) {
        def.controls.push(width);
        if def.controls.len() as u32 > def.nesting {
            def.nesting = def.controls.len() as u32;
            def.nesting_line = number;
        }
    }
}

fn close(def: OpenDef) -> Found {
    Found {
        name: def.name,
        line: def.line,
        end_line: def.last,
        nesting: def.nesting,
        nesting_line: def.nesting_line,
    }
}

macro_rules! pair {
    ($open:expr, $close:expr) => {{
        static PAIR: LazyLock<(Regex, Regex)> = LazyLock::new(|| {
            let build = |pattern| Regex::new(pattern).expect("a constant pattern, built by a test");
            (build($open), build($close))
        });
        &*PAIR
    }};
}

/// Languages whose functions end with a keyword or brace in the column where they started. Counting `end`s would need
/// each language's grammar; people indent.
pub(super) fn closed_at_same_indent(language: Language, mask: &Mask) -> Vec<Found> {
    let (opening, closing) = match language {
        Language::Ruby => pair!(
            r"^\s*(?:\w+\s+)?def\s+(?:self\.)?(?P<n>[\w?!.=\[\]<>+*/%-]+)",
            r"\bend\s*$|\)\s*=\s|^\s*def\s+\S+\s+=\s"
        ),
        Language::Lua => pair!(
            r"^\s*(?:local\s+)?(?:function\s+(?P<n>[\w.:]+)|(?P<v>[\w.\[\]]+)\s*=\s*function)\s*\(",
            r"\bend\b[\s),;]*$"
        ),
        Language::Elixir => pair!(
            r"^\s*(?:def|defp|defmacro|defmacrop)\s+(?P<n>[\w?!]+).*\bdo\s*$",
            r"\bend\s*$"
        ),
        Language::Perl => pair!(r"^\s*sub\s+(?P<n>\w+)", r"\}\s*;?\s*$"),
        _ => pair!(
            r"^\s*(?:function\s+(?P<n>[\w:.-]+)\s*(?:\(\s*\))?|(?P<v>[\w:.-]+)\s*\(\s*\))\s*\{?",
            r"[})]\s*;?\s*$"
        ),
    };
    let lines: Vec<&str> = mask.code_by_line().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(captures) = opening.captures(line) else {
            continue;
        };
        let Some(name) = captures.iter().skip(1).flatten().last() else {
            continue;
        };
        // `case` patterns of a shell, `a)`, and calls do not match; a one-line function closes where it opens.
        if closing.is_match(line) && !line.trim_end().ends_with("{ }") {
            continue;
        }
        if let Some(end) = end_at_indent(&lines, index, opening, closing) {
            found.push(Found {
                name: name.as_str().to_owned(),
                line: index as u32 + 1,
                end_line: end as u32 + 1,
                nesting: 0,
                nesting_line: 0,
            });
        }
    }
    found
}

/// The first line after `start` with the same indent that closes; None when a shallower line, the next
/// function or the end comes first.
///
/// A function of more lines than [`LONGEST`] is not looked for.
fn end_at_indent(lines: &[&str], start: usize, opening: &Regex, closing: &Regex) -> Option<usize> {
    let width = indent(lines[start]);
    for (index, line) in lines.iter().enumerate().skip(start + 1).take(LONGEST) {
        if line.trim().is_empty() {
            continue;
        }
        let here = indent(line);
        if here < width || here == width && opening.is_match(line) {
            return None;
        }
        if here == width && starts_closing(line.trim_start()) && closing.is_match(line) {
            return Some(index);
        }
    }
    None
}

fn starts_closing(line: &str) -> bool {
    line.starts_with("end") || line.starts_with('}') || line.starts_with(')')
}

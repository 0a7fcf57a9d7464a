//! Errors that are caught and forgotten, or that end the program.

use super::pattern::patterns;
use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::source::{Language, Role, Source};

patterns! {
    EMPTY_CATCH = r"\bcatch\b\s*(?:\([^(){}]*\)|_)?\s*(\{\s*\})";
    EMPTY_PROMISE_CATCH = r"\.catch\s*\(\s*(?:\(\s*\w*\s*\)\s*=>|\w+\s*=>|function\s*\(\s*\w*\s*\))\s*(\{\s*\})\s*\)";
    GO_EMPTY = r"\bif\s+(?:[^{}\n]*;\s*)?err\s*!=\s*nil\s*(\{\s*\})";
    GO_BLANK = r"(?m)^\s*(_\s*=\s*err)\s*$";
    RUBY_EMPTY = r"(?m)^\s*rescue(?:\s+(?:Exception|StandardError))?(?:\s*=>\s*\w+)?\s*(\n(?:\s*nil\s*\n)?\s*end\b)";
    RUBY_INLINE = r"\S\s+(rescue\s+nil)\b";
    EXCEPT_BROAD = r"^(\s*)except\s*(?:(?P<kind>BaseException|Exception)\b(?:\s+as\s+\w+)?)?\s*:\s*(?P<body>\S.*)?$";
    EXCEPT_NAMED = r"^\s*except\b.*\bas\s+(\w+)";
    UNWRAP = r"\.unwrap\s*\(\s*\)|\bpanic!\s*[(\[{]";
    // Poisoned locks, infallible conversions and writes to strings: nothing a caller could handle.
    UNWRAP_FINE = r"(?:\.(?:lock|read|write|join|borrow|borrow_mut|try_into|into_inner|wait)\s*\([^()]*\)\s*\.unwrap\s*\(|write(?:ln)?!\s*\(|Regex::new|NonZero|Layout::|\bconst\b|\bstatic\b)";
}

const FORGOTTEN: &str = "When this fails nobody learns of it, and what follows works on a wrong assumption. Handle it, pass it on, or log it; \
                         if it may really be ignored, say why in a comment.";

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    match source.language {
        Language::Python => python(source),
        Language::Rust => rust(source).into_iter().collect(),
        Language::Go => [&*GO_EMPTY, &*GO_BLANK]
            .iter()
            .flat_map(|regex| empty(source, regex, "An error is dropped"))
            .collect(),
        Language::Ruby => [&*RUBY_EMPTY, &*RUBY_INLINE]
            .iter()
            .flat_map(|regex| empty(source, regex, "An exception is dropped"))
            .collect(),
        Language::JavaScript | Language::TypeScript => {
            let mut findings = empty(source, &EMPTY_CATCH, "An empty catch block drops the error");
            findings.extend(empty(
                source,
                &EMPTY_PROMISE_CATCH,
                "An empty catch handler drops the promise's error",
            ));
            findings
        }
        Language::Java
        | Language::Kotlin
        | Language::Scala
        | Language::CSharp
        | Language::Cpp
        | Language::Php
        | Language::Dart
        | Language::Swift
        | Language::Groovy => empty(source, &EMPTY_CATCH, "An empty catch block drops the error"),
        _ => Vec::new(),
    }
}

fn swallowed(source: &Source<'_>, line: u32, severity: Severity, message: &str) -> Finding {
    Finding::builtin("error.swallowed", severity, Dimension::CodeQuality, &source.path)
        .at(line)
        .confident(Confidence::Medium)
        .says(message, FORGOTTEN)
}

/// Group 1 is the empty handler; a comment inside it or on its line is an explanation, and then all is well.
fn empty(source: &Source<'_>, regex: &regex::Regex, message: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for captures in regex.captures_iter(&source.mask.code) {
        let Some(body) = captures.get(1) else { continue };
        let (first, last) = (source.line_at(body.start()), source.line_at(body.end()));
        let explained = (first..=last).any(|line| has_comment(source, line));
        let line = source.line_at(
            captures
                .get(0)
                .map_or(body.start(), |all| all.end() - all.as_str().trim_start().len()),
        );
        if !explained && !source.is_test_line(line) {
            findings.push(swallowed(source, line, Severity::Medium, message));
        }
    }
    findings
}

fn has_comment(source: &Source<'_>, line: u32) -> bool {
    let start = source.mask.line_start(line);
    let end = source.mask.line_start(line + 1).max(start);
    !source.mask.comments[start..end].trim().is_empty()
}

/// `except:` and `except Exception:` whose body does nothing, and bare ones that also catch the request to stop.
fn python(source: &Source<'_>) -> Vec<Finding> {
    let code: Vec<&str> = source.mask.code_by_line().collect();
    let mut findings = Vec::new();
    for (index, line) in code.iter().enumerate() {
        let Some(captures) = EXCEPT_BROAD.captures(line) else {
            continue;
        };
        let number = index as u32 + 1;
        if source.is_test_line(number) {
            continue;
        }
        let indent = captures[1].len();
        let mut body: Vec<&str> = captures.name("body").map(|body| body.as_str()).into_iter().collect();
        let mut last = index;
        for (offset, next) in code.iter().enumerate().skip(index + 1) {
            if next.trim().is_empty() {
                continue;
            }
            if next.len() - next.trim_start().len() <= indent {
                break;
            }
            body.push(next.trim());
            last = offset;
        }
        let explained = (number..=last as u32 + 1).any(|line| has_comment(source, line));
        let nothing = body
            .iter()
            .all(|statement| matches!(*statement, "pass" | "..." | "continue"));
        let bare = captures
            .name("kind")
            .is_none_or(|kind| kind.as_str() == "BaseException");
        let raises = body
            .iter()
            .any(|statement| statement.contains("raise") || statement.contains("exit("));
        if nothing && !explained {
            findings.push(swallowed(
                source,
                number,
                Severity::Medium,
                "Every exception is caught here and dropped",
            ));
        } else if bare && !raises && !explained && !uses_exception(line, &body) {
            let message = "A bare `except` also catches KeyboardInterrupt and SystemExit, and mistakes in the code";
            findings.push(swallowed(source, number, Severity::Low, message));
        }
    }
    findings
}

/// `except BaseException as error:` that hands the error on is a deliberate boundary.
fn uses_exception(line: &str, body: &[&str]) -> bool {
    EXCEPT_NAMED
        .captures(line)
        .is_some_and(|captures| body.iter().any(|statement| statement.contains(&captures[1])))
}

/// Rust: how often a file may panic where it could return an error. One finding, when it is a habit.
fn rust(source: &Source<'_>) -> Option<Finding> {
    if source.role != Role::Source {
        return None;
    }
    let lines: Vec<u32> = source
        .mask
        .code_by_line()
        .zip(1u32..)
        .filter(|(code, line)| UNWRAP.is_match(code) && !UNWRAP_FINE.is_match(code) && !source.is_test_line(*line))
        .map(|(_, line)| line)
        .collect();
    let code = source.code_lines().saturating_sub(source.test_lines()) as usize;
    if lines.len() < 5 || lines.len() * 80 < code {
        return None;
    }
    let mut finding = Finding::builtin("error.unwrap", Severity::Low, Dimension::CodeQuality, &source.path)
        .at(lines[0])
        .confident(Confidence::Medium)
        .says(
            format!("{} places panic instead of returning an error (`unwrap()`, `panic!`)", lines.len()),
            "A caller cannot handle a panic, and its message names no cause. Return a Result; where it cannot fail, say why with `expect`.",
        );
    finding.count = lines.len() as u32;
    Some(finding)
}

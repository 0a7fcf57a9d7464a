//! Calls that have hurt many: they execute text, trust what comes from outside, or switch a protection off.

mod rules;

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::{constant, patterns};
use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::source::{Language, Source};
use rules::{Arguments, RULES, Rule, View};

static COMPILED: LazyLock<Vec<(Regex, Option<Regex>)>> = LazyLock::new(|| {
    RULES
        .iter()
        .map(|rule| {
            (
                constant(rule.pattern),
                (!rule.unless.is_empty()).then(|| constant(rule.unless)),
            )
        })
        .collect()
});

patterns! {
    // What anybody on the internet may write into the title of an issue or the name of a branch.
    UNTRUSTED = r"\$\{\{[^}]*\bgithub\.(?:event\.(?:issue\.(?:title|body)|pull_request\.(?:title|body|head\.(?:ref|label))|comment\.body|review\.body|review_comment\.body|head_commit\.message|discussion\.(?:title|body))|head_ref)\b[^}]*\}\}";
    // A value that is put into the statement, unlike a table's name: `= '{x}'`, `LIKE %s`, `VALUES (${x}`, `= '" + x`.
    SQL_VALUE = r#"(?i)(?:=|<|>|\blike|\bvalues\s*\()\s*['"]*(?:%s|%\(|%d|%v|%?\{|%?\$\{|%?#\{|["'`]\s*(?:\+|\.|$))"#;
    RUN_KEY = r"^\s*(?:-\s+)?(?:run|script)\s*:\s*(?P<rest>.*)$";
}

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (rule, (regex, unless)) in RULES.iter().zip(COMPILED.iter()) {
        if rule.languages.contains(&source.language) {
            apply(source, rule, regex, unless.as_ref(), &mut findings);
        }
    }
    if source.language == Language::Yaml && source.path.as_str().contains(".github/workflows/") {
        findings.extend(workflow_injection(source));
    }
    findings
}

fn apply(source: &Source<'_>, rule: &Rule, regex: &Regex, unless: Option<&Regex>, findings: &mut Vec<Finding>) {
    let text = match rule.view {
        View::Code => source.mask.code.as_str(),
        View::Raw => source.text,
    };
    for captures in regex.captures_iter(text) {
        let Some(hit) = captures.name("at").or_else(|| captures.get(0)) else {
            continue;
        };
        let start = hit.start() + hit.as_str().len() - hit.as_str().trim_start().len();
        if !source.mask.is_code(start) {
            continue;
        }
        let line = source.line_at(start);
        if unless.is_some_and(|unless| unless.is_match(statement(source, start))) {
            continue;
        }
        let constant = rule.arguments != Arguments::Any && has_constant_argument(source, hit.end());
        let severity = match (constant, rule.arguments) {
            (true, Arguments::NotConstant) => continue,
            (true, Arguments::LowerWhenConstant) => Severity::Low,
            // Names of tables cannot be parameters; programs that are made of such statements quote them.
            _ if rule.check == "danger.sql" && !SQL_VALUE.is_match(statement(source, start)) => Severity::Low,
            _ => rule.severity,
        };
        // Tests call dangerous things on purpose and with their own input.
        let severity = if source.is_test_line(line) {
            Severity::Info
        } else {
            severity
        };
        findings.push(
            Finding::builtin(rule.check, severity, Dimension::Security, &source.path)
                .at(line)
                .confident(rule.confidence)
                .says(rule.message, rule.why),
        );
    }
}

/// The text of the statement at `start`: to the end of its line, and further while a bracket is open (1,000 bytes at most).
fn statement<'t>(source: &Source<'t>, start: usize) -> &'t str {
    let line_start = source.mask.line_start(source.line_at(start));
    let mut depth = 0i32;
    let mut end = start;
    for byte in source.mask.code.as_bytes()[start..].iter().take(1_000) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b'\n' if depth <= 0 => break,
            _ => {}
        }
        end += 1;
    }
    while !source.text.is_char_boundary(end) {
        end -= 1;
    }
    &source.text[line_start..end]
}

/// True when the first argument (the text from `at`, which is just behind the opening bracket or the `=`) is made of
/// literals only: nobody outside can change it.
fn has_constant_argument(source: &Source<'_>, at: usize) -> bool {
    let mut depth = 0i32;
    let mut quotes = false;
    for byte in source.mask.code.as_bytes()[at..].iter().take(2_000) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' | b',' | b';' if depth == 0 => return quotes,
            b')' | b']' | b'}' => depth -= 1,
            b'\n' if depth == 0 && quotes => return quotes,
            b'"' | b'\'' | b'`' => quotes = true,
            byte if byte.is_ascii_whitespace() || byte.is_ascii_digit() || matches!(byte, b',' | b'.') => {}
            _ => return false,
        }
    }
    false
}

/// GitHub workflows that paste what a stranger wrote into a shell script.
fn workflow_injection(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut script: Option<usize> = None;
    for (line, number) in source.lines.iter().zip(1u32..) {
        let indent = line.len() - line.trim_start().len();
        if let Some(captures) = RUN_KEY.captures(line) {
            script = Some(indent);
            if !UNTRUSTED.is_match(&captures["rest"]) {
                continue;
            }
        } else if !line.trim().is_empty() && script.is_some_and(|outer| indent <= outer) {
            script = None;
        }
        if script.is_some() && UNTRUSTED.is_match(line) {
            findings.push(
                Finding::builtin("danger.workflow_injection", Severity::High, Dimension::Security, &source.path)
                    .at(number)
                    .confident(Confidence::High)
                    .says(
                        "Text that any stranger can write is pasted into a shell script",
                        "A title such as `$(command)` runs with the workflow's token. Pass it through `env:` and use the quoted variable.",
                    ),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests;

//! Functions and files that grew too large, and code that is nested too deep.

use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::options::Limits;
use crate::review::source::{Function, Source};

pub(super) fn check(source: &Source<'_>, limits: &Limits) -> Vec<Finding> {
    let mut findings = Vec::new();
    for function in &source.functions {
        // A long test is a list of steps; it hurts nobody.
        if source.is_test_line(function.line) {
            continue;
        }
        findings.extend(function_size(source, function, limits));
        findings.extend(nesting(source, function, limits));
    }
    findings.extend(file_size(source, limits));
    findings
}

fn function_size(source: &Source<'_>, function: &Function, limits: &Limits) -> Option<Finding> {
    let (lines, limit) = (function.code_lines, limits.function_lines);
    if lines <= limit {
        return None;
    }
    let severity = if lines > limit * 5 / 2 {
        Severity::Medium
    } else {
        Severity::Low
    };
    let finding = Finding::builtin("size.function", severity, Dimension::Architecture, &source.path)
        .span(function.line, function.end_line)
        .confident(Confidence::High)
        .says(
            format!("`{}` has {lines} lines of code", function.name),
            format!(
                "Past {limit} lines a reader no longer holds a function in mind, and tests reach its parts only through the \
                 whole. Give each step inside it a name and a function of its own."
            ),
        );
    Some(finding)
}

fn nesting(source: &Source<'_>, function: &Function, limits: &Limits) -> Option<Finding> {
    if function.nesting <= limits.nesting {
        return None;
    }
    let severity = if function.nesting > limits.nesting + 2 {
        Severity::Medium
    } else {
        Severity::Low
    };
    let finding = Finding::builtin("nesting.deep", severity, Dimension::CodeQuality, &source.path)
        .at(function.nesting_line)
        .confident(Confidence::Medium)
        .says(
            format!("`{}` nests {} control structures here", function.name, function.nesting),
            "Every level is one more condition to keep in mind. Return early, or move the inner part into a function.",
        );
    Some(finding)
}

fn file_size(source: &Source<'_>, limits: &Limits) -> Option<Finding> {
    // A file without a function is a table, however long.
    if !source.is_production() || source.functions.is_empty() {
        return None;
    }
    let lines = source.code_lines().saturating_sub(source.test_lines());
    if lines <= limits.file_lines {
        return None;
    }
    let severity = if lines > limits.file_lines * 3 {
        Severity::Medium
    } else {
        Severity::Low
    };
    let finding = Finding::builtin("size.file", severity, Dimension::Architecture, &source.path).says(
        format!("The file has {lines} lines of code"),
        "A file this long holds more than one concept; changes to unrelated things meet in it. Split it along its concepts.",
    );
    Some(finding)
}

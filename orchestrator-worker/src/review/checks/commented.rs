//! Code that was commented out and stayed.

use super::pattern::patterns;
use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::source::{Language, Source};

/// A block of fewer lines is a remark; so is one in which fewer than this share of lines looks like code.
const LEAST_LINES: usize = 5;
const CODE_PERCENT: usize = 75;

patterns! {
    BRACES = r"(?:[;{}]|\);?,?|=>)\s*$";
    PYTHON = r#"(?x)^\s*(?:(?:def|class|if|elif|for|while|with|try|except|else|finally)\b.*:\s*$ | (?:return|import|raise|assert|del|yield)\b(?:\s+[\w.\[\]("'{].*)?$
        | from\s+[\w.]+\s+import\b | [\w.\[\]'"]+\s*(?:=|\+=|-=)\s*\S.* | [\w.]+\(.*\)\s*$ | [\])}],?\s*$ | @\w[\w.]*(?:\(.*\))?$)"#;
    PROSE = r"(?i)\b(?:the|is|are|this|that|we|you|should|would|because|when|note|e\.g\.|i\.e\.|example|usage)\b";
}

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let Some(mark) = mark(source.language) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut block: Vec<(u32, &str)> = Vec::new();
    let lines = source
        .mask
        .code_by_line()
        .zip(source.mask.comments_by_line())
        .zip(1u32..);
    for ((code, comment), number) in lines {
        let text = comment.trim().strip_prefix(mark);
        // `///`, `//!` and `#!` are documentation.
        let text = text.filter(|text| code.trim().is_empty() && !text.starts_with(['/', '!', '*', '#', ':', '|']));
        if let Some(text) = text {
            block.push((number, text));
        } else {
            findings.extend(judge(source, &block));
            block.clear();
        }
    }
    findings.extend(judge(source, &block));
    findings
}

fn mark(language: Language) -> Option<&'static str> {
    match language {
        Language::Python => Some("#"),
        Language::Rust
        | Language::JavaScript
        | Language::TypeScript
        | Language::Go
        | Language::Java
        | Language::Kotlin
        | Language::C
        | Language::Cpp
        | Language::CSharp
        | Language::Swift
        | Language::Dart
        | Language::Php
        | Language::Scala => Some("//"),
        _ => None,
    }
}

fn judge(source: &Source<'_>, block: &[(u32, &str)]) -> Option<Finding> {
    let (first, last) = (block.first()?.0, block.last()?.0);
    let quoted = block
        .iter()
        .any(|(_, text)| text.contains("```") || text.contains(">>>") || text.trim_start().starts_with('$'));
    if block.len() < LEAST_LINES || quoted {
        return None;
    }
    let looks = if source.language == Language::Python {
        &*PYTHON
    } else {
        &*BRACES
    };
    let filled: Vec<&str> = block
        .iter()
        .map(|(_, text)| *text)
        .filter(|text| !text.trim().is_empty())
        .collect();
    let code = filled
        .iter()
        .filter(|text| looks.is_match(text) && !PROSE.is_match(text))
        .count();
    // Indented examples below an explanation start with prose; commented-out code starts with code.
    let starts_as_code = filled
        .first()
        .is_some_and(|text| looks.is_match(text) && !PROSE.is_match(text));
    if !starts_as_code || code < LEAST_LINES || code * 100 < filled.len() * CODE_PERCENT {
        return None;
    }
    let finding = Finding::builtin(
        "dead.commented_code",
        Severity::Info,
        Dimension::CodeQuality,
        &source.path,
    )
    .span(first, last)
    .confident(Confidence::Medium)
    .says(
        format!("{} lines of commented-out code", block.len()),
        "Nobody knows whether it still matters, and it is never updated. Delete it; the history remembers.",
    );
    Some(finding)
}

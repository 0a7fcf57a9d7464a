//! Rust: `unsafe` that does not say why it is sound.

use super::pattern::{patterns, plural};
use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::source::{Language, Source};

/// How many lines above the keyword the comment may start: a statement, attributes and the comment itself.
const LINES_ABOVE: u32 = 10;

patterns! {
    UNSAFE = r"\bunsafe\b\s*(?P<what>\{|impl\b)";
    PUBLIC_FN = r"(?m)^\s*pub\s+(?:const\s+|async\s+)*unsafe\s+(?:extern\s+\S+\s+)?fn\s+\w+";
}

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    if source.language != Language::Rust || !source.is_production() {
        return Vec::new();
    }
    let blocks: Vec<u32> = UNSAFE
        .find_iter(&source.mask.code)
        .map(|hit| source.line_at(hit.start()))
        .collect();
    let bare: Vec<u32> = blocks
        .iter()
        .copied()
        .filter(|line| !source.is_test_line(*line) && !is_explained(source, *line))
        .collect();
    let mut findings = Vec::new();
    if let Some(first) = bare.first() {
        findings.push(finding(
            source,
            *first,
            &bare,
            format!(
                "{} of {} without a SAFETY comment",
                bare.len(),
                plural(blocks.len(), "`unsafe` block")
            ),
        ));
    }
    let undocumented: Vec<u32> = PUBLIC_FN
        .find_iter(&source.mask.code)
        .map(|hit| source.line_at(hit.end()))
        .filter(|line| !source.is_test_line(*line) && !is_explained(source, *line))
        .collect();
    if let Some(first) = undocumented.first() {
        let message = format!(
            "{} without a `# Safety` section",
            plural(undocumented.len(), "public `unsafe fn`")
        );
        findings.push(finding(source, *first, &undocumented, message));
    }
    findings
}

fn finding(source: &Source<'_>, line: u32, lines: &[u32], message: String) -> Finding {
    let mut finding = Finding::builtin("unsafe.unexplained", Severity::Low, Dimension::Security, &source.path)
        .at(line)
        .confident(Confidence::Medium)
        .says(
            message,
            "The compiler checks nothing here, so the reader must, and does not know against what. Write down the condition that makes it sound.",
        );
    finding.count = lines.len() as u32;
    finding
}

/// A comment above, beside or directly inside that speaks of safety. A documentation comment may be longer than the
/// window, so it is followed to its start.
fn is_explained(source: &Source<'_>, line: u32) -> bool {
    let speaks = |line: u32| {
        let start = source.mask.line_start(line);
        let end = source.mask.line_start(line + 1).max(start);
        source.mask.comments[start..end].to_ascii_lowercase().contains("safe")
    };
    let is_attached = |line: u32| {
        let text = source.line(line).trim_start();
        text.starts_with("//") || text.starts_with("#[") || text.starts_with('*')
    };
    let mut first = line.saturating_sub(LINES_ABOVE).max(1);
    while first > 1 && is_attached(first) {
        first -= 1;
    }
    (first..=line + 1).rev().any(speaks)
}

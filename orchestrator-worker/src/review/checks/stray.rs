//! What strayed into a file: merge-conflict markers, lines that nobody can read.

use super::pattern::plural;
use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::options::Limits;
use crate::review::source::{Role, Source};

pub(super) fn check(source: &Source<'_>, limits: &Limits) -> Vec<Finding> {
    conflicts(source)
        .into_iter()
        .chain(long_lines(source, limits))
        .collect()
}

/// Each complete set of markers: `<<<<<<<`, then `=======`, then `>>>>>>>`. A rule of signs in prose is none.
fn conflicts(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut ours, mut middle) = (None, false);
    for (index, line) in source.lines.iter().enumerate() {
        let number = index as u32 + 1;
        if line.starts_with("<<<<<<< ") {
            (ours, middle) = (Some(number), false);
        } else if *line == "=======" {
            middle = ours.is_some();
        } else if line.starts_with(">>>>>>> ") && middle {
            let start = ours.take().unwrap_or(number);
            middle = false;
            let finding = Finding::builtin("merge.conflict", Severity::Critical, Dimension::Completeness, &source.path)
                .span(start, number)
                .says(
                    "A merge conflict was committed unresolved",
                    "The file holds two versions of the same lines and very likely does not work. Choose one, or combine them.",
                );
            findings.push(finding);
        }
    }
    findings
}

/// One finding for all the long lines of a file. Lines that are mostly one string, a link or data do not count.
fn long_lines(source: &Source<'_>, limits: &Limits) -> Option<Finding> {
    if !source.language.is_code() || source.role == Role::Test {
        return None;
    }
    let limit = limits.line_chars as usize;
    let long: Vec<u32> = source
        .mask
        .code_by_line()
        .zip(1..)
        .filter(|(code, _)| {
            code.len() > limit
                && code
                    .split_whitespace()
                    .map(|word| word.chars().count() + 1)
                    .sum::<usize>()
                    > limit
        })
        .map(|(_, number)| number)
        .collect();
    let first = *long.first()?;
    let count = long.len();
    let mut finding = Finding::builtin("line.long", Severity::Info, Dimension::CodeQuality, &source.path)
        .at(first)
        .confident(Confidence::High)
        .says(
            format!("{} of code longer than {limit} characters", plural(count, "line")),
            "Long lines hide what changed in a diff and what happens at their end. Break them.",
        );
    finding.count = count as u32;
    Some(finding)
}

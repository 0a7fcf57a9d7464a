//! The built-in checks: what can be said about one file in any language, without a linter and without a model.
//!
//! A check that cries wolf is worse than none: each looks at code only where it means code, knows tests from
//! production, counts repetitions instead of listing them, and stays silent in doubt.

mod commented;
mod danger;
mod debt;
mod leftover;
pub(crate) mod pattern;
pub mod secret;
mod size;
mod stray;
mod swallowed;
mod unsafety;

pub(crate) use pattern::{patterns, plural, shorten};

use std::collections::BTreeMap;

use super::finding::Finding;
use super::options::Limits;
use super::source::Source;

/// How many findings of one check are kept of one file.
const MOST_OF_A_CHECK: usize = 50;

/// Runs every check over one file. The findings are in the order of their lines.
pub fn check(source: &Source<'_>, limits: &Limits) -> Vec<Finding> {
    let mut findings = secret::check(source);
    findings.extend(stray::check(source, limits));
    findings.extend(danger::check(source));
    if source.language.is_code() {
        findings.extend(size::check(source, limits));
        findings.extend(debt::check(source));
        findings.extend(swallowed::check(source));
        findings.extend(unsafety::check(source));
        findings.extend(leftover::check(source));
        findings.extend(commented::check(source));
    }
    findings.sort_by(Finding::by_place);
    bound(findings)
}

/// Keeps the first findings of each check and counts the others in the very first: a file of a hundred thousand notes
/// must not become a result of a hundred thousand findings.
fn bound(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    let mut seen: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for finding in findings {
        let (first, count) = *seen
            .entry(finding.check.clone())
            .and_modify(|seen| seen.1 += 1)
            .or_insert((kept.len(), 1));
        if count <= MOST_OF_A_CHECK {
            kept.push(finding);
        } else {
            kept[first].count = kept[first].count.max(1) + finding.count.max(1);
        }
    }
    kept
}

#[cfg(test)]
mod tests;

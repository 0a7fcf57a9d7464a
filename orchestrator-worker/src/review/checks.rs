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

use super::finding::Finding;
use super::options::Limits;
use super::source::Source;

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
    findings
}

#[cfg(test)]
mod tests;

//! The report: one JSON document with everything, and one Markdown page for people.

mod markdown;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use markdown::markdown;

use super::analyser::ToolRun;
use super::critique::{Change, Critique, Dropped};
use super::file::FileReview;
use super::finding::{Confidence, Finding, Location, Severity, Unchecked};
use super::overview::{Overview, overview};
use super::scope::{GitFacts, Inventory, Scope};
use super::score::{self, Scores, scores};

/// The version of [`Report`]'s JSON. Fields are only ever added within a version.
pub const REPORT_VERSION: u32 = 1;

/// How many recommendations a report makes.
const RECOMMENDATIONS: usize = 10;

/// Something to do first: one check with all its places.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Recommendation {
    /// The check.
    pub check: String,
    /// How bad the worst place is.
    pub severity: Severity,
    /// What was found at the first place.
    pub message: String,
    /// Why it matters and what to do.
    pub why: String,
    /// Where, worst first.
    pub places: Vec<Location>,
}

/// How the report was made, so that it can be judged and made again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Method {
    /// The version of the built-in checks: that of this crate.
    pub builtin: String,
    /// The analysers that ran.
    pub tools: Vec<ToolRun>,
    /// The model that read the files; None when none did.
    pub model: Option<String>,
    /// How many files it read.
    pub model_files: u32,
    /// How many findings there were before the critique.
    pub raw_findings: u32,
}

/// The whole review. Equal repositories and options give equal reports, byte for byte: it holds no time and no path of
/// the machine but the name the user gave.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The version of this document, [`REPORT_VERSION`].
    pub version: u32,
    /// The repository as the user named it.
    pub repo: String,
    /// What git knows about it.
    pub git: Option<GitFacts>,
    /// The verdict and the scores.
    pub scores: Scores,
    /// What to do first.
    pub recommendations: Vec<Recommendation>,
    /// Every finding that the critique kept, worst first.
    pub findings: Vec<Finding>,
    /// The repository in numbers.
    pub overview: Overview,
    /// What it has, by its file names.
    pub inventory: Inventory,
    /// What could not be checked.
    pub unchecked: Vec<Unchecked>,
    /// How many files were left out on purpose, by reason.
    pub skipped: BTreeMap<String, u32>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// How it was made.
    pub method: Method,
    /// What the critique removed.
    pub dropped: Vec<Dropped>,
    /// What the critique changed.
    pub changed: Vec<Change>,
}

impl Report {
    /// How many findings there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }
}

/// What the steps of a review made; the input of [`report`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Parts {
    /// The first step's result.
    pub scope: Scope,
    /// One review a file, in any order.
    pub reviews: Vec<FileReview>,
    /// What the critics left.
    pub critique: Critique,
    /// What else could not be checked: analysers, the model.
    pub unchecked: Vec<Unchecked>,
    /// The analysers that ran.
    pub tools: Vec<ToolRun>,
    /// The model that was used.
    pub model: Option<String>,
    /// What else a reader should know.
    pub notes: Vec<String>,
}

/// Puts the report together. Pure.
pub fn report(parts: Parts) -> Report {
    let Parts {
        mut scope,
        reviews,
        critique,
        unchecked,
        mut tools,
        model,
        notes,
    } = parts;
    let mut findings = critique.kept;
    findings.sort_by(Finding::order);
    let overview = overview(&reviews, &findings);
    let all: BTreeSet<Unchecked> = scope
        .unchecked
        .into_iter()
        .chain(unchecked)
        .chain(reviews.iter().flat_map(|review| review.unchecked.clone()))
        .collect();
    for reason in reviews.iter().filter_map(|review| review.skipped.clone()) {
        *scope.skipped.entry(reason).or_default() += 1;
    }
    tools.sort();
    tools.dedup();
    let model_files = reviews
        .iter()
        .filter(|review| review.checked_by.iter().any(|by| by == super::finding::MODEL))
        .count() as u32;
    Report {
        version: REPORT_VERSION,
        repo: scope.repo,
        git: scope.git,
        scores: scores(&findings, overview.code_lines),
        recommendations: recommendations(&findings),
        method: Method {
            builtin: env!("CARGO_PKG_VERSION").to_owned(),
            tools,
            model,
            model_files,
            raw_findings: (findings.len() + critique.dropped.len()) as u32,
        },
        findings,
        overview,
        inventory: scope.inventory,
        unchecked: all.into_iter().collect(),
        skipped: scope.skipped,
        notes: scope.notes.into_iter().chain(notes).collect(),
        dropped: critique.dropped,
        changed: critique.changed,
    }
}

/// One recommendation a check, the worst first, then the one that weighs most in all its places. Guesses and remarks are
/// no recommendations.
fn recommendations(findings: &[Finding]) -> Vec<Recommendation> {
    let mut groups: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info && finding.confidence > Confidence::Low)
    {
        groups.entry(&finding.check).or_default().push(finding);
    }
    let mut ranked: Vec<(Severity, u64, &str, Vec<&Finding>)> = groups
        .into_iter()
        .filter_map(|(check, mut group)| {
            // The clearest case first: the longest, then the weightiest.
            let size = |finding: &Finding| finding.end_line.zip(finding.line).map_or(0, |(end, line)| end - line);
            let rank = |finding: &Finding| (finding.severity, size(finding), (score::load(finding) * 1_000.0) as u64);
            group.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.by_place(b)));
            let worst = group.first()?.severity;
            let load = group
                .iter()
                .map(|finding| (score::load(finding) * 1_000.0) as u64)
                .sum();
            Some((worst, load, check, group))
        })
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(b.2)));
    ranked.truncate(RECOMMENDATIONS);
    ranked
        .into_iter()
        .filter_map(|(severity, _, check, group)| {
            let first = group.first()?;
            let place = |finding: &&Finding| Location {
                file: finding.file.clone(),
                line: finding.line.unwrap_or(0),
                end_line: finding.end_line.or(finding.line).unwrap_or(0),
            };
            Some(Recommendation {
                check: check.to_owned(),
                severity,
                message: first.message.clone(),
                why: first.why.clone(),
                places: group.iter().map(place).collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;

//! The second look: a critic that reads all findings and removes what would make a report useless.
//!
//! This one works without a model and always gives the same answer; see [`model`] for a model's second look on top.
//! It never invents and never raises anything, and it records everything that it changed.

pub mod model;
mod topic;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::file::FileReview;
use super::finding::{BUILTIN, Confidence, Dimension, Finding, MODEL, Severity};
use super::options::Options;
use super::source::{RepoPath, Role};

/// How many findings of one check stay in one file, when they are low or mere remarks.
const MINOR_PER_FILE: usize = 3;
/// How many stay when they are worse.
const MAJOR_PER_FILE: usize = 10;

/// What the critic must know about a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FileFacts {
    /// The file.
    pub path: RepoPath,
    /// What it is for.
    pub role: Role,
    /// How many lines it has; 0 when nobody counted them, and then findings may point to any.
    pub lines: u32,
}

impl From<&FileReview> for FileFacts {
    fn from(review: &FileReview) -> Self {
        Self {
            path: review.path.clone(),
            role: review.role,
            lines: review.lines,
        }
    }
}

/// A finding that the critic removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dropped {
    /// What was removed.
    pub finding: Finding,
    /// Why.
    pub reason: String,
}

/// A finding that the critic changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// The finding's check.
    pub check: String,
    /// Where it is, as in a report.
    pub place: String,
    /// What was changed: `critical -> low`.
    pub change: String,
    /// Why.
    pub reason: String,
}

/// What is left of the findings, and what happened to the others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Critique {
    /// What stays, worst first.
    pub kept: Vec<Finding>,
    /// What was removed, in order of place.
    pub dropped: Vec<Dropped>,
    /// What was changed.
    pub changed: Vec<Change>,
}

impl Critique {
    fn drop(&mut self, finding: Finding, reason: impl Into<String>) {
        self.dropped.push(Dropped {
            finding,
            reason: reason.into(),
        });
    }

    fn lower(&mut self, finding: &mut Finding, to: Severity, reason: &str) {
        if to < finding.severity {
            self.changed.push(Change {
                check: finding.check.clone(),
                place: finding.place(),
                change: format!("{} -> {to}", finding.severity),
                reason: reason.to_owned(),
            });
            finding.severity = to;
        }
    }
}

/// Reviews the findings. The order in which they come does not matter.
pub fn critique(mut findings: Vec<Finding>, files: &[FileFacts], options: &Options) -> Critique {
    let facts: BTreeMap<&RepoPath, &FileFacts> = files.iter().map(|file| (&file.path, file)).collect();
    let mut critique = Critique::default();
    findings.sort_by(|a, b| a.by_place(b).then_with(|| a.order(b)));
    let mut sound = Vec::with_capacity(findings.len());
    for mut finding in findings {
        if let Some(reason) = invalid(&finding, &facts, options) {
            critique.drop(finding, reason);
            continue;
        }
        if let Some(file) = facts.get(&finding.file) {
            weigh_by_role(&mut finding, file.role, &mut critique);
        }
        sound.push(finding);
    }
    let merged = merge(sound, &mut critique);
    critique.kept = cap(merged, &mut critique);
    critique.kept.sort_by(Finding::order);
    critique
        .dropped
        .sort_by(|a, b| a.finding.by_place(&b.finding).then_with(|| a.reason.cmp(&b.reason)));
    critique
}

/// Why a finding cannot stand at all.
fn invalid(finding: &Finding, facts: &BTreeMap<&RepoPath, &FileFacts>, options: &Options) -> Option<String> {
    if finding.message.trim().is_empty() {
        return Some("it says nothing".to_owned());
    }
    if finding.confidence < options.min_confidence {
        return Some(format!("its confidence is below {}", options.min_confidence));
    }
    if finding.is_repo_level() {
        return None;
    }
    let Some(file) = facts.get(&finding.file) else {
        return Some("its file is not part of the review".to_owned());
    };
    let last = finding.end_line.or(finding.line).unwrap_or(1);
    let first = finding.line.unwrap_or(1);
    if first == 0 || last < first || (file.lines > 0 && last > file.lines + 1) {
        return Some(format!("it points to line {last} of a file with {} lines", file.lines));
    }
    None
}

/// What is no production code is judged more mildly.
fn weigh_by_role(finding: &mut Finding, role: Role, critique: &mut Critique) {
    // Analysers' names for dangerous calls are treated like ours.
    let dangerous = finding.dimension == Dimension::Security && !finding.check.starts_with("secret.");
    if role == Role::Build && dangerous && finding.severity < Severity::Critical {
        critique.lower(
            finding,
            Severity::Low,
            "it is in build code, which runs on its authors' input",
        );
        return;
    }
    let (place, mild) = match role {
        Role::Test => ("a test", true),
        Role::Example => ("an example", true),
        Role::Docs => ("documentation", true),
        Role::Source | Role::Build | Role::Config => ("", false),
    };
    // A focused test or a conflict is as bad in a test as elsewhere.
    if !mild || finding.check.starts_with("test.") || finding.check == "merge.conflict" {
        return;
    }
    if finding.check.starts_with("secret.") {
        // Keys for tests are made up as a rule; keys in examples and documentation get copied from real ones.
        let to = if role == Role::Test {
            Severity::Low
        } else {
            Severity::Medium
        };
        critique.lower(
            finding,
            to,
            &format!("it is in {place}, where keys are usually made up"),
        );
        if role == Role::Test {
            finding.confidence = finding.confidence.min(Confidence::Low);
        }
        return;
    }
    let to = match finding.severity {
        Severity::Critical | Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        _ => Severity::Info,
    };
    let to = if dangerous { Severity::Info } else { to };
    critique.lower(finding, to, &format!("it is in {place}"));
}

/// Makes one finding of those that say the same about the same place. The findings come in order of place.
fn merge(findings: Vec<Finding>, critique: &mut Critique) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        let same = kept
            .iter_mut()
            .rev()
            .take_while(|other| other.file == finding.file)
            .take(60)
            .find(|other| topic::same(other, &finding));
        let Some(other) = same else {
            kept.push(finding);
            continue;
        };
        // The one with the clearer words stays: ours, then an analyser's, then a model's.
        let rank = |finding: &Finding| match finding.sources.first().map(String::as_str) {
            Some(BUILTIN) => 0,
            Some(MODEL) => 2,
            _ => 1,
        };
        let mut weaker = finding;
        if (rank(&weaker), std::cmp::Reverse(weaker.severity)) < (rank(other), std::cmp::Reverse(other.severity)) {
            std::mem::swap(other, &mut weaker);
        }
        for source in &weaker.sources {
            if !other.sources.contains(source) {
                other.sources.push(source.clone());
            }
        }
        // Two independent finders are surer than one.
        if weaker.sources != other.sources && other.sources.len() > 1 {
            other.confidence = other.confidence.max(weaker.confidence).max(Confidence::Medium);
        }
        other.severity = other.severity.max(weaker.severity);
        let reason = format!("the same as {} at {}", other.check, other.place());
        critique.drop(weaker, reason);
    }
    kept
}

/// Keeps the first few findings of each check in each file, and lets the first one say how many there were.
fn cap(mut findings: Vec<Finding>, critique: &mut Critique) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        a.file
            .cmp(&b.file)
            .then_with(|| a.check.cmp(&b.check))
            .then_with(|| a.order(b))
    });
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    let mut start = 0;
    let mut index = 0;
    for finding in findings {
        let first = kept
            .get(start)
            .is_some_and(|first| first.file == finding.file && first.check == finding.check);
        if !first {
            start = kept.len();
            index = 0;
        }
        index += 1;
        let most = if finding.severity <= Severity::Low {
            MINOR_PER_FILE
        } else {
            MAJOR_PER_FILE
        };
        if index <= most || finding.is_repo_level() {
            kept.push(finding);
            continue;
        }
        let head = &mut kept[start];
        head.count = head.count.max(1) + finding.count.max(1);
        let reason = format!(
            "one of more than {most} of {} in the file; counted in {}",
            finding.check,
            head.place()
        );
        critique.drop(finding, reason);
    }
    kept
}

#[cfg(test)]
mod tests;

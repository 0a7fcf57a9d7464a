//! From findings to five scores and a verdict.
//!
//! For each dimension:
//!
//! ```text
//! load    = sum over findings in files of weight(severity) * certainty(confidence) * repetition(count)
//! density = load / (1 + thousands of lines of code)
//! score   = 10 / (1 + density / 6)  -  points of the repository's own findings
//! ```
//!
//! with the weights 0, 1, 4, 12, 40 for info to critical, the certainties 0.3, 0.6, 1, the repetition 1 + log2(count),
//! and the points 0, 0.5, 2, 5, 8. A critical finding that is not a mere guess caps its dimension at 3 and the overall score
//! at 4, a high one both at 7: no amount of good code makes up for a leaked key. Adding a finding never raises a score.

use serde::{Deserialize, Serialize};

use super::finding::{Confidence, Dimension, Finding, Severity, words};

/// The density that halves a score: one finding of medium severity and full certainty in about 700 lines.
const HALF: f64 = 6.0;

words! {
    /// The verdict on a repository.
    pub enum Verdict, unknown = NothingToReview {
        /// There was no code.
        NothingToReview = "nothing_to_review",
        /// Something critical was found: a leaked credential, a file that cannot work.
        FixFirst = "fix_first",
        /// Something serious was found, or the score is below 6.
        NeedsWork = "needs_work",
        /// Nothing serious.
        Acceptable = "acceptable",
        /// Nothing serious, and a score of 8.5 or more.
        Good = "good",
    }
}

impl Verdict {
    /// The verdict in words for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::NothingToReview => "nothing to review",
            Self::FixFirst => "fix first",
            Self::NeedsWork => "needs work",
            Self::Acceptable => "acceptable",
            Self::Good => "good",
        }
    }
}

/// The score of one dimension.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Score {
    /// Which dimension.
    pub dimension: Dimension,
    /// From 0 to 10 with one decimal; None when there was nothing to judge.
    pub score: Option<f64>,
    /// How many findings count against it, remarks (info) left out.
    pub findings: u32,
    /// The worst of them.
    pub worst: Option<Severity>,
}

/// All scores and the verdict.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scores {
    /// The verdict.
    pub verdict: Verdict,
    /// The weighted mean from 0 to 10; None when there was nothing to judge.
    pub overall: Option<f64>,
    /// One score a dimension, in the order of [`Dimension::ALL`].
    pub dimensions: Vec<Score>,
}

/// How much each dimension counts in the overall score. They sum up to 1.
pub fn weight(dimension: Dimension) -> f64 {
    match dimension {
        Dimension::Security => 0.30,
        Dimension::CodeQuality => 0.25,
        Dimension::Completeness | Dimension::Architecture | Dimension::Testability => 0.15,
    }
}

/// Scores findings against `code_lines` lines of code, tests included.
pub fn scores(findings: &[Finding], code_lines: u64) -> Scores {
    let dimensions: Vec<Score> = Dimension::ALL
        .iter()
        .map(|dimension| score(*dimension, findings, code_lines))
        .collect();
    let overall = dimensions
        .iter()
        .try_fold(0.0, |sum, score| Some(sum + weight(score.dimension) * score.score?));
    let sure = |severity| {
        findings
            .iter()
            .any(|finding| finding.severity == severity && finding.confidence >= Confidence::Medium)
    };
    let most = if sure(Severity::Critical) {
        4.0
    } else if sure(Severity::High) {
        7.0
    } else {
        10.0
    };
    let overall = overall.map(|overall| round(overall).min(most));
    let verdict = match overall {
        _ if sure(Severity::Critical) => Verdict::FixFirst,
        None => Verdict::NothingToReview,
        Some(overall) if sure(Severity::High) || overall < 6.0 => Verdict::NeedsWork,
        Some(overall) if overall < 8.5 => Verdict::Acceptable,
        Some(_) => Verdict::Good,
    };
    Scores {
        verdict,
        overall,
        dimensions,
    }
}

fn score(dimension: Dimension, findings: &[Finding], code_lines: u64) -> Score {
    let mine: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.dimension == dimension)
        .collect();
    let counted = mine.iter().filter(|finding| finding.severity > Severity::Info);
    let mut score = Score {
        dimension,
        score: None,
        findings: counted.clone().count() as u32,
        worst: counted.map(|finding| finding.severity).max(),
    };
    if code_lines == 0 {
        return score;
    }
    let (repo, files): (Vec<&Finding>, Vec<&Finding>) =
        mine.iter().copied().partition(|finding| finding.is_repo_level());
    let density = files.iter().map(|finding| load(finding)).sum::<f64>() / (1.0 + code_lines as f64 / 1_000.0);
    let points: f64 = repo.iter().map(|finding| points(finding.severity)).sum();
    let cap = mine.iter().map(|finding| cap(finding)).fold(10.0, f64::min);
    score.score = Some(round((10.0 / (1.0 + density / HALF) - points).clamp(0.0, cap)));
    score
}

/// How heavily a finding in a file counts.
pub(super) fn load(finding: &Finding) -> f64 {
    let weight = match finding.severity {
        Severity::Info => 0.0,
        Severity::Low => 1.0,
        Severity::Medium => 4.0,
        Severity::High => 12.0,
        Severity::Critical => 40.0,
    };
    let certainty = match finding.confidence {
        Confidence::Low => 0.3,
        Confidence::Medium => 0.6,
        Confidence::High => 1.0,
    };
    weight * certainty * (1.0 + f64::from(finding.count.max(1)).log2())
}

/// How many points a finding about the whole repository costs.
fn points(severity: Severity) -> f64 {
    match severity {
        Severity::Info => 0.0,
        Severity::Low => 0.5,
        Severity::Medium => 2.0,
        Severity::High => 5.0,
        Severity::Critical => 8.0,
    }
}

fn cap(finding: &Finding) -> f64 {
    match (finding.severity, finding.confidence) {
        (_, Confidence::Low) => 10.0,
        (Severity::Critical, _) => 3.0,
        (Severity::High, _) => 7.0,
        _ => 10.0,
    }
}

fn round(score: f64) -> f64 {
    (score * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::source::RepoPath;
    use proptest::prelude::*;

    fn finding(severity: Severity, dimension: Dimension, file: &str) -> Finding {
        Finding::builtin("x", severity, dimension, &RepoPath::from(file)).at(1)
    }

    fn of(scores: &Scores, dimension: Dimension) -> f64 {
        scores
            .dimensions
            .iter()
            .find(|score| score.dimension == dimension)
            .unwrap()
            .score
            .unwrap()
    }

    #[test]
    fn the_formula_is_the_documented_one() {
        let clean = scores(&[], 1_000);
        assert_eq!((clean.overall, clean.verdict), (Some(10.0), Verdict::Good));
        assert!((Dimension::ALL.iter().map(|dimension| weight(*dimension)).sum::<f64>() - 1.0).abs() < 1e-9);
        // Density 4 / 2 = 2: 10 / (1 + 2/6) = 7.5.
        let one = scores(&[finding(Severity::Medium, Dimension::CodeQuality, "a")], 1_000);
        assert!((of(&one, Dimension::CodeQuality) - 7.5).abs() < 1e-9);
        // The same in a hundred times more code hardly counts.
        let large = scores(&[finding(Severity::Medium, Dimension::CodeQuality, "a")], 100_000);
        assert!(of(&large, Dimension::CodeQuality) > 9.8);
        let repo = scores(&[finding(Severity::High, Dimension::Testability, "")], 1_000);
        assert!((of(&repo, Dimension::Testability) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn serious_findings_decide_the_verdict_whatever_the_size() {
        for (severity, verdict, most) in [
            (Severity::Critical, Verdict::FixFirst, 3.0),
            (Severity::High, Verdict::NeedsWork, 7.0),
            (Severity::Low, Verdict::Good, 10.0),
        ] {
            let result = scores(&[finding(severity, Dimension::Security, "a")], 1_000_000);
            assert_eq!(result.verdict, verdict);
            assert!(of(&result, Dimension::Security) <= most);
        }
        let guess = finding(Severity::Critical, Dimension::Security, "a").confident(Confidence::Low);
        assert_eq!(scores(&[guess], 1_000_000).verdict, Verdict::Good);
    }

    #[test]
    fn without_code_there_is_no_score() {
        let result = scores(&[], 0);
        assert_eq!((result.overall, result.verdict), (None, Verdict::NothingToReview));
        let leaked = scores(&[finding(Severity::Critical, Dimension::Security, "a.env")], 0);
        assert_eq!(leaked.verdict, Verdict::FixFirst);
    }

    proptest! {
        #[test]
        fn one_more_finding_never_raises_a_score(
            picks in proptest::collection::vec((0usize..5, 0usize..5, 0usize..3, any::<bool>(), 0u32..50), 1..30),
            lines in 0u64..200_000,
        ) {
            let mut findings = Vec::new();
            let mut before = scores(&findings, lines);
            for (severity, dimension, confidence, repo, count) in picks {
                let mut next = finding(Severity::ALL[severity], Dimension::ALL[dimension], if repo { "" } else { "a" });
                next.confidence = Confidence::ALL[confidence];
                next.count = count;
                findings.push(next);
                let after = scores(&findings, lines);
                prop_assert!(after.overall <= before.overall);
                for (a, b) in after.dimensions.iter().zip(&before.dimensions) {
                    prop_assert!(a.score <= b.score && a.score.unwrap_or(0.0) >= 0.0);
                }
                before = after;
            }
        }
    }
}

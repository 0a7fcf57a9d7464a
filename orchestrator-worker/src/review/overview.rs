//! What is true of the repository as a whole: its languages, its tests, what it has and what it lacks.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::duplicate::{Fingerprint, duplicates};
use super::file::{FileReview, Loaded, load};
use super::finding::{Dimension, Finding, Severity, Unchecked};
use super::options::Options;
use super::scope::Scope;
use super::score;
use super::source::{Kind, Language, RepoPath, Role, generated_marker};

/// How many files the lists of the largest and the most troubled hold.
const LISTED: usize = 8;
/// Below this many lines of code, missing tests and automation are nothing to speak of.
const SMALL: u64 = 200;

/// How much there is of one language.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LanguageShare {
    /// The language.
    pub language: Language,
    /// How many files.
    pub files: u32,
    /// All their lines.
    pub lines: u64,
    /// Those that hold code; 0 for languages without code.
    pub code_lines: u64,
}

/// A file and a number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ranked {
    /// The file.
    pub file: RepoPath,
    /// Lines of code, or findings.
    pub count: u64,
}

/// The repository in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Overview {
    /// How many files were reviewed.
    pub files: u32,
    /// Lines of code in them, tests included.
    pub code_lines: u64,
    /// Lines of test code.
    pub test_lines: u64,
    /// How many files are tests or hold some.
    pub test_files: u32,
    /// Named functions.
    pub functions: u64,
    /// The languages, most code first.
    pub languages: Vec<LanguageShare>,
    /// The production files with the most code.
    pub largest: Vec<Ranked>,
    /// The files with the weightiest findings; the number counts them.
    pub troubled: Vec<Ranked>,
}

/// Counts what the files' reviews say. Pure; the order of the reviews does not matter.
pub fn overview(reviews: &[FileReview], findings: &[Finding]) -> Overview {
    let mut overview = Overview::default();
    let mut languages: BTreeMap<Language, LanguageShare> = BTreeMap::new();
    let mut largest = Vec::new();
    for review in reviews.iter().filter(|review| review.skipped.is_none()) {
        overview.files += 1;
        let share = languages.entry(review.language).or_default();
        share.language = review.language;
        share.files += 1;
        share.lines += u64::from(review.lines);
        share.code_lines += u64::from(review.code_lines);
        overview.code_lines += u64::from(review.code_lines);
        overview.test_lines += u64::from(review.test_lines);
        overview.test_files += u32::from(review.test_lines > 0);
        overview.functions += u64::from(review.functions);
        let production = review.code_lines.saturating_sub(review.test_lines);
        if review.role == Role::Source && production > 0 {
            largest.push(Ranked {
                file: review.path.clone(),
                count: u64::from(production),
            });
        }
    }
    overview.languages = languages.into_values().collect();
    overview.languages.sort_by(|a, b| {
        (b.code_lines, b.lines)
            .cmp(&(a.code_lines, a.lines))
            .then(a.language.cmp(&b.language))
    });
    largest.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.file.cmp(&b.file)));
    largest.truncate(LISTED);
    overview.largest = largest;
    overview.troubled = troubled(findings);
    overview
}

fn troubled(findings: &[Finding]) -> Vec<Ranked> {
    let mut loads: BTreeMap<&RepoPath, (u64, u64)> = BTreeMap::new();
    for finding in findings
        .iter()
        .filter(|finding| !finding.is_repo_level() && finding.severity > Severity::Info)
    {
        let entry = loads.entry(&finding.file).or_default();
        // Thousandths, so that the order is exact.
        entry.0 += (score::load(finding) * 1_000.0) as u64;
        entry.1 += 1;
    }
    let mut ranked: Vec<_> = loads.into_iter().collect();
    ranked.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(b.0)));
    ranked
        .into_iter()
        .take(LISTED)
        .map(|(file, (_, count))| Ranked {
            file: file.clone(),
            count,
        })
        .collect()
}

/// The findings about the repository itself: what it lacks. Pure.
///
/// Empty when only changes or only a part of a repository are reviewed: what is missing there says nothing.
pub fn repository_findings(scope: &Scope, reviews: &[FileReview], options: &Options) -> Vec<Finding> {
    let inner = scope.git.as_ref().is_some_and(|git| !git.subfolder.is_empty());
    let changes = scope.git.as_ref().is_some_and(|git| git.base.is_some());
    if changes || inner || !options.include.is_empty() {
        return Vec::new();
    }
    let counts = overview(reviews, &[]);
    let mut findings = env_files(scope);
    if counts.code_lines > 0 {
        findings.extend(documents(scope));
    }
    if counts.code_lines > SMALL {
        findings.extend(tests(scope, &counts));
    }
    if !scope.inventory.manifests.is_empty() && scope.inventory.lock_files.is_empty() && !only_library(scope) {
        let why =
            "Two builds of the same commit can differ. Applications commit their lock file; libraries may choose.";
        let message = "Dependencies are declared but not pinned";
        findings.push(lack(
            "repo.no_lock_file",
            Severity::Info,
            Dimension::Completeness,
            message,
            why,
        ));
    }
    findings
}

fn lack(check: &str, severity: Severity, dimension: Dimension, message: &str, why: &str) -> Finding {
    Finding::builtin(check, severity, dimension, &RepoPath::default()).says(message, why)
}

fn env_files(scope: &Scope) -> Vec<Finding> {
    let [first, rest @ ..] = scope.inventory.env_files.as_slice() else {
        return Vec::new();
    };
    let more = if rest.is_empty() {
        String::new()
    } else {
        format!(" and {} more", rest.len())
    };
    let message = format!("An environment file is part of the repository: {first}{more}");
    let why = "Such files exist to hold credentials. Keep an example without values, and ignore the real one.";
    vec![lack(
        "repo.env_file",
        Severity::Medium,
        Dimension::Security,
        &message,
        why,
    )]
}

fn documents(scope: &Scope) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !scope.inventory.readme {
        let why = "Nobody can tell what this is, how to build it or how to use it without reading all of it.";
        findings.push(lack(
            "repo.no_readme",
            Severity::Low,
            Dimension::Completeness,
            "There is no README",
            why,
        ));
    }
    if !scope.inventory.license {
        let why = "Without a licence nobody else may use the code. If that is meant, say so in the README.";
        findings.push(lack(
            "repo.no_license",
            Severity::Low,
            Dimension::Completeness,
            "There is no licence file",
            why,
        ));
    }
    findings
}

fn tests(scope: &Scope, counts: &Overview) -> Vec<Finding> {
    // What is not a repository may be a released package, which often leaves its tests out and has no use for automation.
    let packaged = scope.git.is_none();
    let mut findings = Vec::new();
    let production = counts.code_lines.saturating_sub(counts.test_lines).max(1);
    let percent = counts.test_lines * 100 / production;
    if counts.test_lines == 0 {
        let why = "No change can be made with confidence. Start with the code that changes most, and with the next fault that is reported.";
        let severity = if packaged { Severity::Medium } else { Severity::High };
        let message = "There are no tests among the reviewed files";
        findings.push(lack("repo.no_tests", severity, Dimension::Testability, message, why));
    } else if percent < 25 {
        let severity = if percent < 10 { Severity::Medium } else { Severity::Low };
        let message = format!("There is little test code: {percent} lines for every 100 lines of production code");
        let why =
            "Well-tested projects have half as many to as many. Look at the largest and the most troubled files first.";
        findings.push(lack("repo.few_tests", severity, Dimension::Testability, &message, why));
    }
    if !packaged && scope.inventory.ci.is_empty() {
        let why = "Tests and linters that run on somebody's machine run sometimes. Let every change run them.";
        let message = "There is no configuration of continuous integration";
        findings.push(lack("repo.no_ci", Severity::Low, Dimension::Testability, message, why));
    }
    findings
}

/// Rust and Go libraries leave pinning to their users.
fn only_library(scope: &Scope) -> bool {
    scope
        .files
        .iter()
        .filter(|file| file.role == Role::Source && file.language.is_code())
        .all(|file| file.library)
}

/// How many duplicated blocks a repository is told of, the largest first.
const MOST_DUPLICATES: usize = 100;

/// The checks that need all files at once: duplicated blocks. Reads every production file again. Blocking.
pub fn cross_file_findings(root: &Path, scope: &Scope, options: &Options) -> (Vec<Finding>, Vec<Unchecked>) {
    let mut prints = Vec::new();
    for file in scope
        .files
        .iter()
        .filter(|file| file.role == Role::Source && file.language.kind() == Kind::Code)
    {
        let Loaded::Text(text, _) = load(root, &file.path, options.max_file_bytes) else {
            continue;
        };
        if generated_marker(file.language, &text).is_none() {
            prints.push(Fingerprint::of(&file.source(&text)));
        }
    }
    let mut findings = duplicates(prints, &options.limits);
    let all = findings.len();
    findings.truncate(MOST_DUPLICATES);
    let unchecked = (all > MOST_DUPLICATES).then(|| {
        let why = format!("only the {MOST_DUPLICATES} largest of {all} are among the findings");
        Unchecked::new("duplicated blocks", why)
    });
    (findings, unchecked.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::scope::{GitFacts, Inventory};

    fn review(role: Role, code_lines: u32, test_lines: u32) -> FileReview {
        FileReview {
            path: RepoPath::from("a.py"),
            language: Language::Python,
            role,
            code_lines,
            test_lines,
            ..FileReview::default()
        }
    }

    fn lacks(scope: &Scope, reviews: &[FileReview]) -> Vec<String> {
        repository_findings(scope, reviews, &Options::default())
            .into_iter()
            .map(|finding| finding.check)
            .collect()
    }

    #[test]
    fn what_a_repository_lacks_is_told() {
        let bare = Scope {
            git: Some(GitFacts::default()),
            ..Scope::default()
        };
        let all = ["repo.no_readme", "repo.no_license", "repo.no_tests", "repo.no_ci"];
        assert_eq!(lacks(&bare, &[review(Role::Source, 500, 0)]), all);
        assert_eq!(lacks(&bare, &[review(Role::Source, 50, 0)]), all[..2]);
        assert_eq!(lacks(&bare, &[]), Vec::<String>::new());
        let complete = Inventory {
            readme: true,
            license: true,
            ci: vec!["x".to_owned()],
            ..Inventory::default()
        };
        let complete = Scope {
            inventory: complete,
            ..bare.clone()
        };
        assert_eq!(
            lacks(&complete, &[review(Role::Source, 500, 0), review(Role::Test, 200, 200)]),
            Vec::<String>::new()
        );
        assert_eq!(
            lacks(&complete, &[review(Role::Source, 500, 0), review(Role::Test, 40, 40)]),
            ["repo.few_tests"]
        );
    }

    #[test]
    fn a_part_of_a_repository_lacks_nothing() {
        let reviews = [review(Role::Source, 500, 0)];
        for git in [
            GitFacts {
                base: Some("x".to_owned()),
                ..GitFacts::default()
            },
            GitFacts {
                subfolder: "x".to_owned(),
                ..GitFacts::default()
            },
        ] {
            assert_eq!(
                lacks(
                    &Scope {
                        git: Some(git),
                        ..Scope::default()
                    },
                    &reviews
                ),
                Vec::<String>::new()
            );
        }
    }

    #[test]
    fn the_largest_files_are_production_code() {
        let result = overview(&[review(Role::Source, 500, 100), review(Role::Test, 900, 900)], &[]);
        assert_eq!(
            (
                result.code_lines,
                result.test_lines,
                result.largest.len(),
                result.largest[0].count
            ),
            (1_400, 1_000, 1, 400)
        );
    }
}

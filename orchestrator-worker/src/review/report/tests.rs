use super::*;
use crate::review::finding::Dimension;
use crate::review::source::{Language, RepoPath, Role};
use proptest::prelude::*;

fn review(path: &str, code: u32, tests: u32) -> FileReview {
    FileReview {
        path: RepoPath::from(path),
        language: Language::Python,
        role: if tests > 0 { Role::Test } else { Role::Source },
        lines: code + 10,
        code_lines: code,
        test_lines: tests,
        ..FileReview::default()
    }
}

fn parts(findings: Vec<Finding>) -> Parts {
    Parts {
        scope: Scope {
            repo: "demo".to_owned(),
            ..Scope::default()
        },
        reviews: vec![review("src/a.py", 800, 0), review("tests/a.py", 200, 200)],
        critique: Critique {
            kept: findings,
            ..Critique::default()
        },
        ..Parts::default()
    }
}

fn finding(check: &str, severity: Severity, file: &str, line: u32) -> Finding {
    Finding::builtin(check, severity, Dimension::Security, &RepoPath::from(file))
        .at(line)
        .says(format!("{check} was found"), "Because.")
}

#[test]
fn an_empty_repository_has_a_sensible_report() {
    let scope = Scope {
        repo: "empty".to_owned(),
        ..Scope::default()
    };
    let report = report(Parts {
        scope,
        ..Parts::default()
    });
    let page = markdown(&report);
    assert!(
        page.contains("nothing to review") && page.contains("no files to review"),
        "{page}"
    );
    assert!(!page.contains("Fix first") && !page.contains("NaN"));
}

#[test]
fn a_clean_repository_is_not_called_perfect() {
    let page = markdown(&report(parts(vec![])));
    assert!(
        page.contains("does not prove that nothing is there") && page.contains("**Verdict: good** (10.0 of 10)"),
        "{page}"
    );
}

#[test]
fn the_summary_comes_first_and_the_lists_are_bounded() {
    let mut findings = vec![finding("secret.x", Severity::Critical, "src/a.py", 3)];
    findings.extend((1..=40).map(|line| finding("danger.y", Severity::Medium, "src/a.py", line)));
    findings.extend((0..60).map(|n| finding("size.z", Severity::Low, &format!("src/f{n:02}.py"), 1)));
    findings.extend((0..9).map(|line| finding("debt.todo", Severity::Info, "src/a.py", line + 1)));
    let report = report(parts(findings));
    let page = markdown(&report);
    assert!(page.lines().count() < 180, "{}", page.lines().count());
    assert!(page.find("Fix first").unwrap() < page.find("Findings by file").unwrap());
    assert_eq!(
        (report.recommendations.len(), report.recommendations[0].check.as_str()),
        (3, "secret.x")
    );
    assert_eq!(report.recommendations[1].places.len(), 40);
    for expected in [
        "and 35 more in this file",
        "more in 36 other files",
        "9 × `debt.todo`",
        "and 36 more places",
    ] {
        assert!(page.contains(expected), "{expected} is missing in\n{page}");
    }
}

#[test]
fn text_from_outside_cannot_break_the_page() {
    let mut evil = finding("x", Severity::High, "src/`|\n.py", 1);
    evil.message = "![a](http://evil/x.png) <script>\n# Heading ` [click](http://evil)".to_owned();
    let page = markdown(&report(parts(vec![evil])));
    assert!(
        !page.contains("](http") && !page.contains("<script>") && !page.contains("\n# Heading"),
        "{page}"
    );
}

#[test]
fn the_report_reads_back() {
    let report = report(parts(vec![finding("danger.y", Severity::Medium, "src/a.py", 7)]));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
    assert_eq!(serde_json::from_str::<Report>("{\"future\": 1}").unwrap().version, 0);
}

proptest! {
    #[test]
    fn the_order_of_the_parts_does_not_matter(picks in proptest::collection::vec((0usize..3, 0usize..5, 1u32..50), 0..20)) {
        let findings: Vec<Finding> =
            picks.iter().map(|(file, severity, line)| finding("c", Severity::ALL[*severity], ["a", "b", ""][*file], *line)).collect();
        let one = report(parts(findings.clone()));
        let mut turned = parts(findings.into_iter().rev().collect());
        turned.reviews.reverse();
        let two = report(turned);
        prop_assert_eq!(markdown(&one), markdown(&two));
        prop_assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&two).unwrap());
    }
}

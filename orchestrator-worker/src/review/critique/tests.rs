use super::*;
use crate::review::finding::Dimension;
use proptest::prelude::*;

fn finding(check: &str, severity: Severity, file: &str, line: u32, source: &str) -> Finding {
    let mut finding = Finding::builtin(check, severity, Dimension::Security, &RepoPath::from(file))
        .at(line)
        .says(format!("{check} here"), "why");
    finding.sources = vec![source.to_owned()];
    finding
}

fn files() -> Vec<FileFacts> {
    [
        ("src/a.py", Role::Source),
        ("tests/a.py", Role::Test),
        ("docs/a.py", Role::Docs),
    ]
    .map(|(path, role)| FileFacts {
        path: RepoPath::from(path),
        role,
        lines: 100,
    })
    .to_vec()
}

fn run(findings: Vec<Finding>) -> Critique {
    critique(findings, &files(), &Options::default())
}

#[test]
fn equal_findings_of_several_tools_become_one() {
    let result = run(vec![
        finding("bandit:B307", Severity::Medium, "src/a.py", 7, "bandit"),
        finding("danger.eval", Severity::High, "src/a.py", 7, "builtin"),
        finding("ruff:S307", Severity::Low, "src/a.py", 8, "ruff"),
        finding("danger.eval", Severity::High, "src/a.py", 40, "builtin"),
    ]);
    assert_eq!(result.kept.len(), 2);
    assert_eq!(
        (
            result.kept[0].check.as_str(),
            result.kept[0].sources.len(),
            result.dropped.len()
        ),
        ("danger.eval", 3, 2)
    );
}

#[test]
fn a_model_that_repeats_a_tool_is_merged_and_one_that_adds_is_kept() {
    let mut repeat = finding("model", Severity::Medium, "src/a.py", 9, MODEL);
    repeat.message = "The text is executed by eval".to_owned();
    let mut eval = finding("danger.eval", Severity::High, "src/a.py", 7, "builtin");
    eval.message = "Text is executed as Python".to_owned();
    let mut new = finding("model", Severity::Medium, "src/a.py", 9, MODEL);
    new.message = "The lock is held across an await".to_owned();
    let result = run(vec![repeat, eval, new]);
    assert_eq!(
        result.kept.iter().map(|f| f.sources.clone()).collect::<Vec<_>>(),
        [vec!["builtin", "model"], vec!["model"]]
    );
}

#[test]
fn what_points_nowhere_is_dropped() {
    let mut silent = finding("a", Severity::High, "src/a.py", 1, "x");
    silent.message.clear();
    let mut backwards = finding("b", Severity::High, "src/a.py", 9, "x");
    backwards.end_line = Some(3);
    let result = run(vec![
        silent,
        backwards,
        finding("c", Severity::High, "src/a.py", 102, "x"),
        finding("d", Severity::High, "src/a.py", 0, "x"),
        finding("e", Severity::High, "src/unknown.py", 1, "x"),
    ]);
    assert_eq!((result.kept.len(), result.dropped.len()), (0, 5));
    let strict = Options {
        min_confidence: Confidence::High,
        ..Options::default()
    };
    let unsure = finding("a", Severity::High, "src/a.py", 1, "x").confident(Confidence::Medium);
    assert_eq!(critique(vec![unsure], &files(), &strict).kept, vec![]);
}

#[test]
fn tests_and_documentation_are_judged_mildly() {
    let result = run(vec![
        finding("secret.github_token", Severity::Critical, "tests/a.py", 1, "builtin"),
        finding("secret.github_token", Severity::Critical, "docs/a.py", 1, "builtin"),
        finding("secret.github_token", Severity::Critical, "src/a.py", 1, "builtin"),
        finding("danger.eval", Severity::High, "tests/a.py", 2, "builtin"),
        finding("test.only", Severity::High, "tests/a.py", 3, "builtin"),
    ]);
    let severities: Vec<_> = result.kept.iter().map(|f| (f.place(), f.severity.as_str())).collect();
    let expected = [
        ("src/a.py:1", "critical"),
        ("tests/a.py:3", "high"),
        ("docs/a.py:1", "medium"),
        ("tests/a.py:1", "low"),
        ("tests/a.py:2", "info"),
    ];
    assert_eq!(
        severities,
        expected.map(|(place, severity)| (place.to_owned(), severity))
    );
    assert_eq!(
        (result.changed.len(), result.changed[0].change.as_str()),
        (3, "critical -> medium")
    );
}

#[test]
fn noise_is_capped_and_counted() {
    let todos = (1..=20)
        .map(|line| finding("debt.todo", Severity::Info, "src/a.py", line, "builtin"))
        .collect();
    let result = run(todos);
    assert_eq!(
        (result.kept.len(), result.kept[0].count, result.dropped.len()),
        (3, 18, 17)
    );
}

proptest! {
    #[test]
    fn nothing_is_lost_or_raised_and_the_order_does_not_matter(
        picks in proptest::collection::vec((0usize..6, 0usize..3, 0u32..120, 0usize..5, 0usize..3), 0..40),
    ) {
        let checks = ["danger.eval", "ruff:S307", "debt.todo", "secret.jwt", "model", "clippy::x"];
        let sources = ["builtin", "ruff", MODEL];
        let places = ["src/a.py", "tests/a.py", "nowhere.py"];
        let findings: Vec<Finding> = picks
            .iter()
            .map(|(check, place, line, severity, source)| finding(checks[*check], Severity::ALL[*severity], places[*place], *line, sources[*source]))
            .collect();
        let worst = findings.iter().map(|f| f.severity).max();
        let result = run(findings.clone());
        prop_assert_eq!(result.kept.len() + result.dropped.len(), findings.len());
        prop_assert!(result.kept.iter().map(|f| f.severity).max() <= worst);
        let mut reversed = findings;
        reversed.reverse();
        prop_assert_eq!(run(reversed), result);
    }
}

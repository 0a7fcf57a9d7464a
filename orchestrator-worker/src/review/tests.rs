//! The whole way from a folder to a page, as the agents go it.

use std::fs;
use std::path::Path;

use super::options::{AnalyserChoice, Options};
use super::report::{Parts, Report, markdown, report};
use super::runner::ProcessRunner;
use super::*;

/// Every step in its order, with the results passed on as JSON as between tasks.
async fn whole(dir: &Path, options: &Options) -> Report {
    let runner = ProcessRunner;
    let scope = handed_on(scope::scope("demo", dir, options, &runner).await.unwrap());
    let detection = handed_on(analyser::detect(dir, &scope, options, &runner).await);
    let mut reviews = Vec::new();
    for file in &scope.files {
        let mut review = file::inspect(dir, file, options);
        let analysis = handed_on(analyser::analyse_file(dir, file, &detection.tools, options, &runner).await);
        review.add(analysis);
        reviews.push(handed_on(review));
    }
    let mut findings: Vec<_> = reviews.iter().flat_map(|review| review.findings.clone()).collect();
    findings.extend(overview::cross_file_findings(dir, &scope, options).0);
    findings.extend(overview::repository_findings(&scope, &reviews, options));
    let facts: Vec<_> = reviews.iter().map(critique::FileFacts::from).collect();
    let critique = handed_on(critique::critique(findings, &facts, options));
    report(Parts {
        scope,
        reviews,
        critique,
        unchecked: detection.unchecked,
        tools: detection.tools,
        model: None,
        notes: Vec::new(),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it replaces the value")]
fn handed_on<T: serde::Serialize + serde::de::DeserializeOwned>(value: T) -> T {
    serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap()
}

fn builtin_only() -> Options {
    Options {
        analysers: AnalyserChoice::None,
        ..Options::default()
    }
}

fn write(dir: &Path, path: &str, text: impl AsRef<[u8]>) {
    let full = dir.join(path);
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(full, text).unwrap();
}

fn fill(dir: &Path) {
    let token = ["gh", "p_", "q7Rk2ZpX9vLw4Ns8Tb3YcGh6JdMf1Ae5Uy0K"].concat();
    write(dir, "README.md", "# Demo\n");
    write(dir, "app/config.py", format!("TOKEN = '{token}'\n"));
    write(
        dir,
        "app/run.py",
        "import os\n\ndef run(name):\n    os.system('ls ' + name)\n",
    );
    write(dir, "app/alt.py", b"# gr\xf6\xdfe\nx = 1\n");
    write(dir, "app/blob.py", b"\0\0\0");
    write(dir, "app/api_pb2.py", "x = 1\n");
    write(dir, "tests/test_run.py", "def test_run():\n    assert eval('1') == 1\n");
    write(dir, "odd \u{fc}\n.py", "try:\n    f()\nexcept:\n    pass\n");
}

#[tokio::test]
async fn a_small_repository_gets_a_true_report() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let report = whole(dir.path(), &builtin_only()).await;
    assert_eq!(report.scores.verdict, score::Verdict::FixFirst);
    let top: Vec<&str> = report
        .recommendations
        .iter()
        .take(2)
        .map(|item| item.check.as_str())
        .collect();
    assert_eq!(top, ["secret.github_token", "danger.shell"]);
    let reasons: Vec<String> = report
        .unchecked
        .iter()
        .map(|item| format!("{}: {}", item.what, item.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            "app/alt.py: not UTF-8: checked as Latin-1, so letters beyond ASCII may be wrong",
            "app/blob.py: binary"
        ]
    );
    let page = markdown(&report);
    assert!(
        page.contains("`app/config.py:1`") && page.contains("`odd ü\\n.py:3`") && page.contains("not a git repository"),
        "{page}"
    );
    let json = serde_json::to_string(&report).unwrap();
    assert!(!json.contains("q7Rk2ZpX") && !json.contains(dir.path().to_str().unwrap()));
}

#[tokio::test]
async fn the_same_repository_gives_the_same_report() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(one.path());
    fill(two.path());
    let (a, b) = (
        whole(one.path(), &builtin_only()).await,
        whole(two.path(), &builtin_only()).await,
    );
    assert_eq!(serde_json::to_string(&a).unwrap(), serde_json::to_string(&b).unwrap());
    assert_eq!(markdown(&a), markdown(&b));
}

#[tokio::test]
async fn nothing_to_review_is_a_report_too() {
    let dir = tempfile::tempdir().unwrap();
    let report = whole(dir.path(), &Options::default()).await;
    assert_eq!(
        (report.scores.verdict, report.findings.len()),
        (score::Verdict::NothingToReview, 0)
    );
    assert!(markdown(&report).contains("There are no files to review here."));
}

#[tokio::test]
async fn two_thousand_files_are_reviewed() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..2_000 {
        write(
            dir.path(),
            &format!("pkg{}/mod{n}.py", n % 20),
            format!("def f{n}(x):\n    # TODO: {n}\n    return x + {n}\n"),
        );
    }
    let report = whole(dir.path(), &builtin_only()).await;
    assert_eq!((report.overview.files, report.overview.functions), (2_000, 2_000));
    assert!(markdown(&report).lines().count() < 200);
}

use super::*;
use crate::review::finding::Severity;
use crate::review::scope::Inventory;
use crate::review::source::{RepoPath, Role};
use std::sync::Mutex;

/// Answers with what was recorded, and remembers what was asked.
struct Recorded {
    answers: Vec<(&'static str, i32, &'static str, &'static str)>,
    asked: Mutex<Vec<Invocation>>,
}

impl Recorded {
    fn new(answers: &[(&'static str, i32, &'static str, &'static str)]) -> Self {
        Self {
            answers: answers.to_vec(),
            asked: Mutex::default(),
        }
    }
}

#[async_trait::async_trait]
impl Runner for Recorded {
    async fn run(&self, invocation: Invocation) -> Result<Output, RunError> {
        let version = invocation
            .args
            .iter()
            .any(|arg| arg == "--version" || arg == "version" || arg == "-h");
        let answer = self.answers.iter().find(|(program, ..)| *program == invocation.program);
        let name = invocation.program.clone();
        self.asked.lock().unwrap().push(invocation);
        let Some((_, code, stdout, stderr)) = answer else {
            return Err(RunError::NotFound(name));
        };
        if version {
            return Ok(Output {
                code: Some(0),
                stdout: format!("{name} 1.2.3\n").into_bytes(),
                ..Output::default()
            });
        }
        Ok(Output {
            code: Some(*code),
            stdout: stdout.as_bytes().to_vec(),
            stderr: stderr.as_bytes().to_vec(),
            truncated: false,
        })
    }
}

fn scope_of(paths: &[&str]) -> Scope {
    let all: Vec<RepoPath> = paths.iter().map(|path| RepoPath::from(*path)).collect();
    let files = all
        .iter()
        .map(|path| SourceFile {
            path: path.clone(),
            language: Language::detect(path, ""),
            role: Role::Source,
            ..SourceFile::default()
        })
        .collect();
    Scope {
        files,
        inventory: Inventory::of(all.iter()),
        ..Scope::default()
    }
}

fn tool(name: &str) -> Vec<ToolRun> {
    vec![ToolRun {
        name: name.to_owned(),
        version: "1".to_owned(),
    }]
}

async fn one_file(name: &str, path: &str, code: i32, stdout: &'static str, stderr: &'static str) -> Analysis {
    let program = ANALYSERS.iter().find(|analyser| analyser.name == name).unwrap().program;
    let runner = Recorded::new(&[(program, code, stdout, stderr)]);
    let file = scope_of(&[path]).files.remove(0);
    analyse_file(Path::new("/repo"), &file, &tool(name), &Options::default(), &runner).await
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn the_output_of_each_file_analyser_is_read() {
    for (name, path, code, stdout, stderr, check, line, severity) in [
        (
            "ruff",
            "a.py",
            1,
            r#"[{"code":"F401","message":"`os` imported but unused","filename":"/repo/a.py","location":{"row":3,"column":8},"end_location":{"row":3,"column":10},"url":"https://docs.astral.sh/ruff/rules/unused-import","fix":null}]"#,
            "",
            "ruff:F401",
            3,
            Severity::Low,
        ),
        (
            "ruff",
            "a.py",
            1,
            r#"[{"code":null,"message":"SyntaxError: x","filename":"a.py","location":{"row":1,"column":1},"url":null}]"#,
            "",
            "ruff:invalid-syntax",
            1,
            Severity::High,
        ),
        (
            "pyflakes",
            "a.py",
            1,
            "./a.py:2:5: undefined name 'x'\n",
            "",
            "pyflakes:undefined",
            2,
            Severity::High,
        ),
        (
            "python",
            "a.py",
            0,
            "./a.py:7: syntax error: invalid syntax\n",
            "",
            "python:syntax",
            7,
            Severity::High,
        ),
        (
            "bandit",
            "a.py",
            1,
            r#"{"errors":[],"results":[{"filename":"./a.py","test_id":"B602","issue_severity":"HIGH","issue_confidence":"HIGH","issue_text":"shell","line_number":4}]}"#,
            "",
            "bandit:B602",
            4,
            Severity::High,
        ),
        (
            "shellcheck",
            "a.sh",
            1,
            r#"[{"file":"./a.sh","line":2,"endLine":2,"column":1,"level":"warning","code":2034,"message":"x appears unused."}]"#,
            "",
            "shellcheck:SC2034",
            2,
            Severity::Low,
        ),
        (
            "bash",
            "a.sh",
            2,
            "",
            "./a.sh: line 9: syntax error: unexpected end of file\n",
            "shell:syntax",
            9,
            Severity::High,
        ),
        (
            "hadolint",
            "Dockerfile",
            1,
            r#"[{"file":"./Dockerfile","line":1,"column":1,"level":"warning","code":"DL3006","message":"tag"}]"#,
            "",
            "hadolint:DL3006",
            1,
            Severity::Low,
        ),
        ("gofmt", "a.go", 0, "./a.go\n", "", "gofmt:format", 1, Severity::Info),
        (
            "gofmt",
            "a.go",
            2,
            "",
            "./a.go:3:1: expected declaration\n",
            "gofmt:syntax",
            3,
            Severity::High,
        ),
    ] {
        let analysis = one_file(name, path, code, stdout, stderr).await;
        assert_eq!(analysis.unchecked, vec![], "{name}");
        let found: Vec<_> = analysis
            .findings
            .iter()
            .map(|f| (f.check.as_str(), f.line, f.severity, f.file.as_str()))
            .collect();
        assert_eq!(found, [(check, Some(line), severity, path)], "{name}");
        assert_eq!(analysis.findings[0].sources, [name]);
    }
}

#[tokio::test]
async fn failing_is_told_from_finding() {
    for (name, path, code, stdout, stderr, reason) in [
        (
            "ruff",
            "a.py",
            2,
            "",
            "error: unknown option\n",
            "ruff: failed: error: unknown option",
        ),
        ("ruff", "a.py", 1, "not json", "", "ruff: its output could not be read"),
        ("bandit", "a.py", 0, "{}", "", "bandit: its output could not be read"),
        (
            "python",
            "a.py",
            1,
            "",
            "Traceback\n  /repo/x broke\n",
            "python: failed: x broke",
        ),
    ] {
        let analysis = one_file(name, path, code, stdout, stderr).await;
        assert!(analysis.findings.is_empty() && analysis.ran.is_empty());
        assert!(
            analysis.unchecked[0].reason.starts_with(reason),
            "{:?}",
            analysis.unchecked
        );
    }
    assert_eq!(one_file("ruff", "a.py", 0, "[]", "").await.ran, ["ruff"]);
}

#[tokio::test]
async fn secrets_that_analysers_quote_are_masked() {
    let text = concat!(
        r#"[{"code":"S105","message":"Possible hardcoded password: \"gh"#,
        r#"p_q7Rk2ZpX9vLw4Ns8Tb3YcGh6JdMf1Ae5Uy0K\"","filename":"a.py","location":{"row":1,"column":1}}]"#
    );
    let analysis = one_file("ruff", "a.py", 1, text, "").await;
    assert!(
        analysis.findings[0].message.contains("ghp_…"),
        "{}",
        analysis.findings[0].message
    );
}

#[tokio::test]
async fn clippy_runs_once_outside_of_the_repository_and_its_findings_are_distributed() {
    let warning = r#"{"reason":"compiler-artifact"}
{"reason":"compiler-message","message":{"message":"this could be simplified","level":"warning","code":{"code":"clippy::x"},"spans":[{"file_name":"src/lib.rs","line_start":5,"line_end":6,"is_primary":true}]}}
{"reason":"compiler-message","message":{"message":"this could be simplified","level":"warning","code":{"code":"clippy::x"},"spans":[{"file_name":"src/lib.rs","line_start":5,"line_end":6,"is_primary":true}]}}
{"reason":"compiler-message","message":{"message":"elsewhere","level":"warning","code":null,"spans":[{"file_name":"/elsewhere/dep.rs","line_start":5,"line_end":6,"is_primary":true}]}}
"#;
    let runner = Recorded::new(&[("cargo", 101, warning, "")]);
    let scope = scope_of(&["Cargo.toml", "src/lib.rs", "sub/Cargo.toml"]);
    let analysis = analyse_repository(
        Path::new("/repo"),
        &scope,
        &tool("clippy"),
        &Options::default(),
        Path::new("/scratch"),
        &runner,
    )
    .await;
    assert_eq!(analysis.findings.len(), 1);
    assert_eq!(
        (analysis.findings[0].place().as_str(), analysis.findings[0].end_line),
        ("src/lib.rs:5", Some(6))
    );
    let asked = runner.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0]
            .env
            .contains(&("CARGO_TARGET_DIR".to_owned(), "/scratch/clippy".to_owned()))
    );
    assert!(asked[0].args.iter().any(|arg| arg == "--locked"));
}

#[tokio::test]
async fn a_project_in_a_subfolder_keeps_its_paths() {
    let runner = Recorded::new(&[(
        "eslint",
        1,
        r#"[{"filePath":"/repo/web/a.js","messages":[{"ruleId":"no-undef","severity":2,"message":"x","line":4},{"ruleId":null,"severity":1,"message":"ignored"}]}]"#,
        "",
    )]);
    let scope = scope_of(&["web/package.json", "web/a.js", "web/.eslintrc.json"]);
    let analysis = analyse_repository(
        Path::new("/repo"),
        &scope,
        &tool("eslint"),
        &Options::default(),
        Path::new("/scratch"),
        &runner,
    )
    .await;
    assert_eq!(
        analysis.findings.iter().map(Finding::place).collect::<Vec<_>>(),
        ["web/a.js:4"]
    );
    let runner = Recorded::new(&[("cargo", 101, "", "error: the lock file needs to be updated\n")]);
    let scope = scope_of(&["rs/Cargo.toml", "rs/src/lib.rs"]);
    let analysis = analyse_repository(
        Path::new("/repo"),
        &scope,
        &tool("clippy"),
        &Options::default(),
        Path::new("/scratch"),
        &runner,
    )
    .await;
    assert_eq!(
        analysis.unchecked,
        [Unchecked::new(
            "clippy in rs",
            "failed: error: the lock file needs to be updated"
        )]
    );
}

#[tokio::test]
async fn only_what_is_present_wanted_and_allowed_is_used() {
    let all = [
        ("cargo", 0, "", ""),
        ("ruff", 0, "", ""),
        ("python3", 0, "", ""),
        ("pyflakes", 0, "", ""),
    ];
    let scope = scope_of(&["Cargo.toml", "src/lib.rs", "a.py", "b.sh"]);
    let run = async |options: Options| detect(Path::new("/repo"), &scope, &options, &Recorded::new(&all)).await;
    let names = |detection: &Detection| detection.tools.iter().map(|tool| tool.name.clone()).collect::<Vec<_>>();
    let careful = run(Options::default()).await;
    assert_eq!(names(&careful), ["ruff"]);
    let reasons: Vec<_> = careful
        .unchecked
        .iter()
        .map(|unchecked| format!("{}: {}", unchecked.what, unchecked.reason))
        .collect();
    let clippy =
        "clippy: skipped: it runs the repository's build scripts and procedural macros; pass --trust to allow that";
    assert_eq!(reasons, [clippy, "shellcheck: not installed"]);
    assert_eq!(
        names(
            &run(Options {
                trust: true,
                ..Options::default()
            })
            .await
        ),
        ["clippy", "ruff"]
    );
    let named = Options {
        analysers: AnalyserChoice::parse("pyflakes,bandit,nonsense"),
        ..Options::default()
    };
    let named = run(named).await;
    assert_eq!((names(&named), named.unchecked.len()), (vec!["pyflakes".to_owned()], 2));
    assert_eq!(
        run(Options {
            analysers: AnalyserChoice::None,
            ..Options::default()
        })
        .await,
        Detection::default()
    );
}

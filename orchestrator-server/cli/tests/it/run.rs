//! `run`: a task to its end in one process.

use std::fs;

use serde_json::json;

use crate::support::{Place, write};

#[test]
fn a_task_runs_and_its_result_is_printed() {
    let place = Place::new();
    let out = place
        .run(&["run", "command", "--input", &Place::shell("echo hello; echo hmm >&2")])
        .expect(0);
    assert_eq!(
        out.json(),
        json!({"exit_code": 0, "stdout": "hello\n", "stderr": "hmm\n"})
    );
    assert!(out.stderr.contains("command: hello\n"), "{out:#?}");
    assert!(
        out.stderr
            .lines()
            .last()
            .is_some_and(|l| l.starts_with("command succeeded after ")),
        "{out:#?}"
    );
}

#[test]
fn for_programs_the_task_itself_is_printed() {
    let place = Place::new();
    let out = place.run(&[
        "run",
        "command",
        "--json",
        "--label",
        "team:shop",
        "--input",
        &Place::shell("echo hello"),
    ]);
    let task = out.expect(0).json();
    assert_eq!(
        (&task["state"], &task["output"]["stdout"]),
        (&json!("succeeded"), &json!("hello\n"))
    );
    assert_eq!(task["labels"], json!({"team": "shop"}));
}

#[test]
fn a_task_that_fails_says_why_and_what_to_do() {
    let place = Place::new();
    let args = ["run", "command", "--attempts", "1", "--progress", "none", "--input"];
    let shell = Place::shell("echo broken >&2; exit 7");
    let out = place.run(&[&args[..], &[&shell]].concat());
    out.complains(1, &["exit code 7", "broken", "orchestrator retry"]);
    let out = place.run(&[&args[..], &[&shell, "--json"]].concat()).expect(1);
    assert_eq!(out.json()["error"]["detail"]["exit_code"], 7);
}

#[test]
fn the_input_comes_from_a_file_or_standard_input() {
    let place = Place::new();
    write(&place.path("in.json"), &Place::shell("echo file"));
    let out = place.run(&["run", "command", "--input", "@in.json"]).expect(0);
    assert_eq!(out.json()["stdout"], "file\n");
    let mut command = place.command(&["run", "command", "--input", "-"]);
    command.stdin(fs::File::open(place.path("in.json")).expect("the file"));
    assert_eq!(place.begin(command).end().expect(0).json()["stdout"], "file\n");
}

#[test]
fn variables_and_the_file_are_flags_that_need_not_be_typed() {
    let place = Place::new();
    write(
        &place.path("c.toml"),
        "[run]\ndescription = 'from the file'\ninput = '{\"argv\": [\"true\"]}'\n",
    );
    let mut command = place.command(&["run", "command"]);
    command
        .env("ORCHESTRATOR_CONFIG", place.path("c.toml"))
        .env("ORCHESTRATOR_JSON", "1");
    let task = place.begin(command).end().expect(0).json();
    assert_eq!(task["description"], "from the file");
}

#[test]
fn a_repeated_key_gives_the_first_result() {
    let place = Place::new();
    let shell = Place::shell("echo $$");
    let args = ["run", "command", "--idempotency-key", "k", "--input", &shell];
    let first = place.run(&args).expect(0);
    let second = place.run(&args).expect(0);
    assert_eq!(first.stdout, second.stdout);
    assert!(second.stderr.contains("submitted before"), "{second:#?}");
    let other = Place::shell("echo something else");
    place
        .run(&["run", "command", "--idempotency-key", "k", "--input", &other])
        .complains(2, &["`k`", "another body"]);
}

#[test]
fn nothing_is_left_behind_in_memory() {
    let place = Place::new();
    place
        .run(&[
            "run",
            "command",
            "--database",
            "memory:",
            "--input",
            &Place::shell("true"),
        ])
        .expect(0);
    assert!(!place.database().exists());
}

#[test]
fn the_default_store_is_in_the_data_folder() {
    let place = Place::new();
    let mut command = place.command(&["run", "command", "--input", &Place::shell("true")]);
    command.env_remove("ORCHESTRATOR_DATABASE");
    place.begin(command).end().expect(0);
    assert!(place.path("home/.local/share/orchestrator/orchestrator.db").exists());
    let mut command = place.command(&["list"]);
    command
        .env_remove("ORCHESTRATOR_DATABASE")
        .env("XDG_DATA_HOME", place.path("nowhere"));
    place.begin(command).end().complains(2, &["nothing has run here yet"]);
}

#[test]
fn a_review_writes_its_report_where_it_is_told_and_nowhere_else() {
    let place = Place::new();
    let files = [
        ("src/a.py".to_owned(), "def f(x):\n    return eval(x)\n".to_owned()),
        ("b.rs".to_owned(), "fn main() {}\n".to_owned()),
    ];
    let repo = place.repository("repo", &files);
    let args = ["run", "code_review", "--repo", "repo"];
    let out = place.run(&[&args[..], &["--out", "out/deep"]].concat()).expect(0);
    assert_eq!(out.stdout, "");
    assert!(out.stderr.contains("wrote out/deep/report.md"), "{out:#?}");
    let written = fs::read_to_string(place.path("out/deep/report.md")).expect("the report");
    assert!(written.contains("src/a.py"), "{written}");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path("out/deep/report.json")).expect("the report")).expect("JSON");
    assert!(report["findings"].as_array().is_some_and(|f| !f.is_empty()), "{report}");
    let printed = place.run(&args).expect(0);
    assert_eq!(printed.stdout.trim(), written.trim());
    let mut left: Vec<_> = fs::read_dir(&repo)
        .expect("the folder")
        .flatten()
        .map(|e| e.file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["b.rs", "src"]);
}

/// Two runs share a database and nothing else: neither works on the other's tasks.
#[test]
fn runs_side_by_side_keep_to_themselves() {
    let place = Place::new();
    let slow = Place::shell("touch started; until test -e go; do sleep 0.05; done; echo slow");
    let mut first = place.start(&["run", "command", "--input", &slow, "--slots", "1"]);
    crate::support::eventually("the first to run", || place.path("started").exists());
    let second = place
        .run(&["run", "command", "--json", "--input", &Place::shell("echo quick")])
        .expect(0);
    assert_eq!(second.json()["output"]["stdout"], "quick\n");
    assert!(!first.has_ended());
    write(&place.path("go"), "");
    assert_eq!(first.end().expect(0).json()["stdout"], "slow\n");
}

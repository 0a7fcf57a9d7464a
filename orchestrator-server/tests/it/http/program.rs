//! The program itself.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

struct Program(Child);

impl Program {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrator-server"));
        command.args(args).env_remove("ORCHESTRATOR_ADMIN_TOKEN");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().expect("it starts"))
    }

    /// The URL that it says it listens on.
    fn url(&mut self) -> String {
        let mut line = String::new();
        let out = self.0.stdout.as_mut().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        line.trim().rsplit(' ').next().unwrap_or_default().to_owned()
    }

    fn end(mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        let stderr = self.0.stderr.as_mut().expect("its errors");
        stderr.read_to_string(&mut errors).expect("text");
        (self.0.wait().expect("it ends").code(), errors)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Program {
    fn terminate(&self) {
        let killed = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(killed.expect("kill is there").success());
    }
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop_and_keeps_what_it_has() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite:{}", folder.path().join("o.db").display());
    let args = ["--listen", "127.0.0.1:0", "--database", &database];
    let mut ids = Vec::new();
    for round in 1..=2 {
        let mut program = Program::start(&args);
        let url = program.url();
        let made = reqwest::Client::new()
            .post(format!("{url}/api/v1/tasks"))
            .json(&serde_json::json!({"task_type": "a"}))
            .send()
            .await
            .expect("an answer");
        ids.push(made.json::<serde_json::Value>().await.expect("a task")["id"].clone());
        let listed = reqwest::get(format!("{url}/api/v1/tasks")).await.expect("an answer");
        let listed: serde_json::Value = listed.json().await.expect("a list");
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(round));
        program.terminate();
        let (code, errors) = tokio::task::spawn_blocking(|| program.end()).await.expect("it ends");
        assert_eq!(code, Some(0), "{errors}");
    }
}

#[test]
fn what_is_wrong_is_said_in_a_line() {
    for (args, part) in [
        (&["--listen", "0.0.0.0:0"][..], "ORCHESTRATOR_ADMIN_TOKEN"),
        (&["--listen", "nowhere"], "is not an address"),
        (&["--database", "mysql://x"], "is not a database"),
        (&["--config", "/no/such/file.toml"], "/no/such/file.toml"),
        (
            &["--listen", "127.0.0.1:0", "--database", "sqlite:/no/such/folder/x.db"],
            "no directory",
        ),
        (&["--tls-key", "x"], "belong together"),
    ] {
        let mut args = args.to_vec();
        if !args.contains(&"--listen") {
            args.extend(["--listen", "127.0.0.1:0"]);
        }
        let (code, errors) = Program::start(&args).end();
        assert!(code.is_some_and(|code| code != 0), "{args:?}");
        assert!(
            errors.starts_with("error: ") && errors.contains(part),
            "{args:?}: {errors}"
        );
    }
}

/// Runs the program to its end: its exit status, what it printed, and what it complained of.
fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrator-server"));
    let output = command
        .args(args)
        .env_remove("ORCHESTRATOR_DATABASE")
        .output()
        .expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_schema_is_changed_by_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite:{}", folder.path().join("o.db").display());
    let migrate = |flags: &[&str]| {
        let (code, printed, errors) = run(&[&["migrate", "--database", &database], flags].concat());
        assert_eq!(code, Some(0), "{errors}");
        printed
    };
    let dry = migrate(&["--dry-run"]);
    assert!(dry.lines().all(|line| line.ends_with("would be applied")), "{dry}");
    let script = migrate(&["--sql"]);
    assert!(
        script.contains("create table task") && script.trim_end().ends_with("commit;"),
        "{script}"
    );
    let (code, _, errors) = run(&["--listen", "127.0.0.1:0", "--migrate", "false", "--database", &database]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("orchestrator-server migrate"), "{errors}");
    let done = migrate(&[]);
    assert!(done.lines().all(|line| line.ends_with("applied now")), "{done}");
    let again = migrate(&[]);
    assert!(again.lines().all(|line| line.ends_with(" applied")), "{again}");
    let down = migrate(&["--down", "1"]);
    assert_eq!(
        down.lines().filter(|line| line.ends_with("taken back now")).count(),
        1,
        "{down}"
    );
    let (code, _, errors) = run(&["migrate", "--database", "memory:"]);
    assert_eq!((code, errors.contains("has no schema")), (Some(1), true), "{errors}");
}

#[tokio::test]
async fn every_line_of_the_log_of_a_request_says_which_one() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrator-server"));
    command
        .args([
            "--listen",
            "127.0.0.1:0",
            "--database",
            "memory:",
            "--log-format",
            "json",
        ])
        .env("RUST_LOG", "orchestrator_server=debug")
        .env_remove("ORCHESTRATOR_ADMIN_TOKEN")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut program = Program(command.spawn().expect("it starts"));
    let url = program.url();
    let asked = reqwest::Client::new()
        .get(format!("{url}/api/v1/tasks"))
        .header("x-request-id", "mine");
    let answer = asked.send().await.expect("an answer");
    assert_eq!(answer.headers()["x-request-id"], "mine");
    program.terminate();
    let (code, log) = tokio::task::spawn_blocking(|| program.end()).await.expect("it ends");
    assert_eq!(code, Some(0), "{log}");
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let lines: Vec<_> = lines.collect();
    let of_it = lines
        .iter()
        .find(|line| line["span"]["request.id"] == "mine")
        .expect("its line");
    assert_eq!(of_it["message"], "GET /api/v1/tasks");
    assert_eq!(of_it["http.status"], 200);
    assert_eq!(of_it["span"]["url.path"], "/api/v1/tasks");
}

//! Real programs.

use std::{path::Path, time::Duration};

use orchestrator_core::{
    Config, Error, Json, NewTask, Orchestrator,
    protocol::{ErrorClass, Seq, TaskState},
    store::LogQuery,
};
use orchestrator_worker::command::{CommandOutput, command};
use serde_json::json;

async fn orchestrator() -> Orchestrator {
    let orchestrator = Orchestrator::open_with("memory:", Config::default())
        .await
        .expect("a store");
    orchestrator.register(command()).expect("registered");
    orchestrator
}

fn task(input: serde_json::Value) -> NewTask {
    let mut task = NewTask::new("command", Json::from(input));
    task.retry.max_attempts = 1;
    task
}

fn sh(script: &str) -> NewTask {
    task(json!({"argv": ["sh", "-c", script]}))
}

async fn run(new: NewTask) -> Result<CommandOutput, Error> {
    orchestrator().await.submit(new).await?.output().await
}

async fn failure(new: NewTask) -> orchestrator_core::TaskError {
    match run(new).await {
        Err(Error::TaskFailed { error, .. }) => error,
        other => panic!("a failure, not {other:?}"),
    }
}

/// Waits for something that comes by itself, within bounds.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come: {what}");
}

fn is_alive(pid: &str) -> bool {
    // A zombie has ended; who collects it is not our business.
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

fn pid_in(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok().filter(|text| text.ends_with('\n'))
}

#[tokio::test]
async fn both_outputs_and_the_exit_code() {
    let output = run(sh("echo out; echo err >&2; printf 'no end'"))
        .await
        .expect("success");
    let expected = CommandOutput {
        exit_code: 0,
        stdout: "out\nno end".into(),
        stderr: "err\n".into(),
    };
    assert_eq!(output, expected);
    let error = failure(sh("echo broken >&2; exit 3")).await;
    assert_eq!(
        (error.class, error.detail["exit_code"].as_i64()),
        (ErrorClass::Retryable, Some(3))
    );
    assert!(error.message.contains("exit code 3: broken"), "{error}");
    let odd = task(json!({"argv": ["sh", "-c", "exit 3"], "ok_exit_codes": [0, 3]}));
    assert_eq!(run(odd).await.expect("success").exit_code, 3);
    assert!(failure(sh("kill -SEGV $$")).await.message.contains("signal 11"));
}

#[tokio::test]
async fn standard_input_is_what_was_given_or_nothing() {
    let fed = task(json!({"argv": ["cat"], "stdin": "naïve 🦀\n"}));
    assert_eq!(run(fed).await.expect("success").stdout, "naïve 🦀\n");
    assert_eq!(run(task(json!({"argv": ["cat"]}))).await.expect("success").stdout, "");
    let unread = task(json!({"argv": ["true"], "stdin": "x".repeat(1 << 20)}));
    assert_eq!(run(unread).await.expect("nobody has to read").exit_code, 0);
}

#[tokio::test]
async fn lines_are_told_as_they_come() {
    let orchestrator = orchestrator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let go = folder.path().join("go");
    let script = format!(
        "echo first; while [ ! -e {} ]; do sleep 0.01; done; echo second",
        go.display()
    );
    let handle = orchestrator.submit(sh(&script)).await.expect("submitted");
    let lines = || async {
        let query = LogQuery {
            task: handle.id(),
            after: Seq(0),
            limit: 0,
        };
        orchestrator
            .engine()
            .logs(query)
            .await
            .expect("a read")
            .into_iter()
            .map(|l| l.text)
            .collect::<Vec<_>>()
    };
    while lines().await != ["first"] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::write(go, "").expect("a file");
    handle.settled().await.expect("an end");
    assert_eq!(lines().await, ["first", "second"]);
}

#[tokio::test]
async fn the_environment_is_what_was_allowed() {
    let env = task(json!({"argv": ["env"], "env": {"GIVEN": "1"}}));
    let output = run(env).await.expect("success").stdout;
    assert!(output.lines().any(|l| l == "GIVEN=1") && output.lines().any(|l| l.starts_with("PATH=")));
    // Cargo sets this one for tests; nobody allowed it.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !output.contains("CARGO_MANIFEST_DIR"));
    let passed = task(json!({"argv": ["env"], "pass_env": ["CARGO_MANIFEST_DIR"]}));
    assert!(
        run(passed)
            .await
            .expect("success")
            .stdout
            .contains("CARGO_MANIFEST_DIR=")
    );
}

#[tokio::test]
async fn what_cannot_start_says_why_and_is_not_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("plain");
    std::fs::write(&file, "echo hi").expect("a file");
    for (input, said) in [
        (json!({"argv": ["no-such-program-here"]}), "no such program"),
        (json!({"argv": [file]}), "permissions"),
        (
            json!({"argv": ["true"], "cwd": "/nowhere/at/all"}),
            "/nowhere/at/all is not a folder",
        ),
        (json!({"argv": []}), "name a program"),
        (json!({"argv": ["true"], "timeout_s": -1.0}), "timeout_s"),
        (json!({"argv": "true"}), "argv"),
        (json!({"argv": ["true"], "argw": 1}), "argw"),
    ] {
        let error = failure(task(input.clone())).await;
        assert_eq!(error.class, ErrorClass::Terminal, "{input}: {error}");
        assert!(error.message.contains(said), "{input}: {error}");
    }
}

#[tokio::test]
async fn too_long_and_too_quiet() {
    let error = failure(task(json!({"argv": ["sleep", "1000"], "timeout_s": 0.1}))).await;
    assert!(error.message.contains("longer than 0.1 s"), "{error}");
    let quiet = json!({"argv": ["sh", "-c", "echo once; sleep 1000"], "silence_timeout_s": 0.2});
    let error = failure(task(quiet)).await;
    assert!(error.message.contains("wrote nothing for 0.2 s"), "{error}");
    assert_eq!(error.detail["stdout"], "once\n");
}

/// Much output in little memory: the beginning and the end are kept, and the log has lines of bounded length.
#[tokio::test]
async fn much_output_is_capped() {
    let input = json!({"argv": ["sh", "-c", "echo begin; head -c 50000000 /dev/zero; echo; echo end"], "output_cap_bytes": 1000});
    let output = run(task(input)).await.expect("success");
    assert!(output.stdout.starts_with("begin\n") && output.stdout.ends_with("end\n"));
    assert!(output.stdout.contains("bytes left out") && output.stdout.len() < 2000);
    let binary = run(sh("printf '\\377\\376ok'")).await.expect("success");
    assert!(binary.stdout.ends_with("ok"));
}

/// A cancel ends the program, its children, and what has run away from its group.
#[tokio::test]
async fn a_cancel_leaves_nothing_behind() {
    let orchestrator = orchestrator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (child, daemon) = (folder.path().join("child"), folder.path().join("daemon"));
    let script = format!(
        "sh -c 'echo $$ > {}; exec sleep 1000' & setsid sh -c 'echo $$ > {}; trap \"\" TERM; sleep 1000; sleep 1000' & wait",
        child.display(),
        daemon.display()
    );
    let new = task(json!({"argv": ["sh", "-c", script], "grace_s": 0.3}));
    let handle = orchestrator.submit(new).await.expect("submitted");
    until("both children run", || {
        pid_in(&child).is_some() && pid_in(&daemon).is_some()
    })
    .await;
    let pids = [pid_in(&child).expect("a pid"), pid_in(&daemon).expect("a pid")];
    assert!(pids.iter().all(|pid| is_alive(pid)));
    handle.cancel("enough").await.expect("a cancel");
    assert_eq!(handle.settled().await.expect("an end").state, TaskState::Cancelled);
    until("nothing is left", || pids.iter().all(|pid| !is_alive(pid))).await;
}

/// A program that ends at SIGTERM in its own way gets the time to do so.
#[tokio::test]
async fn a_cancel_is_a_request_first() {
    let orchestrator = orchestrator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (ready, tidy) = (folder.path().join("ready"), folder.path().join("tidy"));
    let script = format!(
        "trap 'echo tidied > {}; exit 0' TERM; echo > {}; while :; do sleep 0.01; done",
        tidy.display(),
        ready.display()
    );
    let handle = orchestrator.submit(sh(&script)).await.expect("submitted");
    until("it runs", || ready.exists()).await;
    handle.cancel("enough").await.expect("a cancel");
    assert_eq!(handle.settled().await.expect("an end").state, TaskState::Cancelled);
    assert_eq!(std::fs::read_to_string(tidy).expect("it tidied up"), "tidied\n");
}

/// What a program leaves running when it ends does not hold the task, and ends with it.
#[tokio::test]
async fn leftovers_end_with_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pid");
    let script = format!(
        "setsid sh -c 'echo $$ > {}; exec sleep 1000' & while [ ! -s {0} ]; do sleep 0.01; done; echo done",
        file.display()
    );
    assert_eq!(run(sh(&script)).await.expect("success").stdout, "done\n");
    let pid = pid_in(&file).expect("a pid");
    until("the leftover is gone", || !is_alive(&pid)).await;
}

/// A worker that is dropped where it is takes its programs with it.
#[tokio::test]
async fn an_aborted_worker_kills_its_programs() {
    let orchestrator = orchestrator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pid");
    let script = format!("echo $$ > {}; sleep 1000", file.display());
    orchestrator.submit(sh(&script)).await.expect("submitted");
    until("it runs", || pid_in(&file).is_some()).await;
    let pid = pid_in(&file).expect("a pid");
    orchestrator.abort();
    until("it is gone", || !is_alive(&pid)).await;
}

//! The review of a repository as a tree of tasks, with and without a model.

use std::{fs, path::Path, sync::Arc};

use orchestrator_core::{
    Json, NewTask, Orchestrator,
    protocol::{CheckpointFrequency, Decision, Task, TaskId, TaskState, Verdict},
};
use orchestrator_worker::builtin::{self, ModelSettings};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

/// Reviews a folder; gives the task, its tree and the report.
async fn review(folder: &Path, model: Option<ModelSettings>) -> (Vec<Task>, Value) {
    let orchestrator = Orchestrator::open("memory:").await.expect("a store");
    for agent in builtin::agents(model).expect("agents") {
        orchestrator.register_shared(Arc::clone(&agent)).expect("an agent");
    }
    let input = json!({"repo": folder, "analysers": "none"});
    let handle = orchestrator
        .submit(NewTask::new("code_review", Json::from(input)))
        .await
        .expect("a task");
    let output: Value = handle.output().await.expect("a report");
    let tree = orchestrator.engine().tree(handle.id()).await.expect("its tree").tasks;
    (tree, output["report"].clone())
}

/// A review that asks people, in memory.
async fn asking(folder: &Path) -> (Orchestrator, TaskId) {
    let orchestrator = Orchestrator::open("memory:").await.expect("a store");
    for agent in builtin::agents(None).expect("agents") {
        orchestrator.register_shared(Arc::clone(&agent)).expect("an agent");
    }
    let input = json!({"repo": folder, "analysers": "none"});
    let mut task = NewTask::new("code_review", Json::from(input));
    task.checkpoint_frequency = CheckpointFrequency::Low;
    let id = orchestrator.submit(task).await.expect("a task").id();
    (orchestrator, id)
}

/// The checkpoint that is open, once one is.
async fn open(orchestrator: &Orchestrator) -> (TaskId, Value) {
    let mut events = orchestrator.engine().bus.subscribe();
    loop {
        let open = orchestrator
            .engine()
            .checkpoints(None, 0, None)
            .await
            .expect("checkpoints");
        if let Some(checkpoint) = open.items.first() {
            return (checkpoint.task.id, checkpoint.task.input.to_value());
        }
        events.recv().await.expect("something happens");
    }
}

async fn decide(orchestrator: &Orchestrator, checkpoint: TaskId, decision: Verdict, feedback: &str) {
    let feedback = feedback.to_owned();
    let decision = Decision { decision, feedback };
    orchestrator
        .engine()
        .decide(checkpoint, &decision)
        .await
        .expect("a decision");
}

/// A model that finds something in every first line, and takes back what it found in `b.py`.
async fn model() -> (MockServer, ModelSettings) {
    let server = MockServer::start().await;
    let answer = |request: &Request| {
        let body: Value = request.body_json().expect("JSON");
        let asked = body["messages"].to_string();
        let said = if asked.contains("verdicts") {
            let number = |line: &str| line.split('.').next().and_then(|n| n.parse::<u32>().ok());
            let list = body["messages"][1]["content"].as_str().unwrap_or_default().to_owned();
            let verdicts = list.lines().filter_map(|line| {
                Some(json!({"number": number(line)?, "keep": !line.contains("b.py"), "reason": "a matter of taste"}))
            });
            json!({"verdicts": verdicts.collect::<Vec<_>>()}).to_string()
        } else if asked.contains("findings") {
            json!({"findings": [{"line": 1, "end_line": 1, "severity": "medium", "dimension": "code_quality",
                "message": "The model has seen something.", "why": "Because."}]})
            .to_string()
        } else {
            "ready".to_owned()
        };
        ResponseTemplate::new(200).set_body_json(json!({
            "model": "m", "choices": [{"message": {"content": said}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5}
        }))
    };
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let settings = ModelSettings {
        model: "m".to_owned(),
        base_url: format!("{}/v1", server.uri()),
        key_env: None,
        price: None,
    };
    (server, settings)
}

fn unchecked(report: &Value) -> String {
    report["unchecked"].to_string()
}

#[tokio::test]
async fn every_file_is_a_task_and_no_input_holds_its_text() {
    let folder = repository(&[("a.py", "def f(x):\n    return eval(x)\n"), ("src/b.py", "y = 1\n")]);
    let (tree, report) = review(folder.path(), None).await;
    let steps: Vec<&str> = tree.iter().filter_map(|t| t.step.as_deref()).collect();
    assert_eq!(steps.len(), 5, "{steps:?}");
    for step in ["together", "file[0]", "file[1]", "critique", "report"] {
        assert!(steps.contains(&step), "no {step} in {steps:?}");
    }
    for task in tree.iter().filter(|t| t.task_type == "code_review.file") {
        assert!(!task.input.get().contains("eval"), "{}", task.input.get());
    }
    assert!(report["findings"].to_string().contains("a.py"), "{report}");
}

#[tokio::test]
async fn a_model_takes_part_and_judges_its_own_findings() {
    let folder = repository(&[("a.py", "x = 1\n"), ("b.py", "y = 1\n")]);
    let (server, settings) = model().await;
    let (tree, report) = review(folder.path(), Some(settings)).await;
    let findings = report["findings"].to_string();
    assert!(findings.contains("The model has seen something."), "{report}");
    assert!(findings.contains("a.py") && !findings.contains("b.py"), "{findings}");
    assert!(report["dropped"].to_string().contains("a matter of taste"), "{report}");
    assert_eq!(report["method"]["model"], "m");
    // One question whether it is there, one for each file, one about all findings.
    assert_eq!(server.received_requests().await.map(|r| r.len()), Some(4));
    let spent = &tree[0].tree_usage;
    assert_eq!((spent.input_tokens, spent.output_tokens), (40, 20));
}

#[tokio::test]
async fn a_model_that_is_not_there_is_told_once() {
    let folder = repository(&[("a.py", "x = 1\n"), ("b.py", "y = 1\n"), ("c.py", "z = 1\n")]);
    let settings = ModelSettings {
        model: "m".to_owned(),
        base_url: "http://127.0.0.1:9/v1".to_owned(),
        key_env: None,
        price: None,
    };
    let (_, report) = review(folder.path(), Some(settings)).await;
    let unchecked = unchecked(&report);
    assert_eq!(unchecked.matches("model `m`").count(), 1, "{unchecked}");
    assert_eq!(report["method"]["model"], Value::Null);
}

/// A model that says it is ready, and answers everything else with a status and headers.
async fn moody(status: u16, headers: &[(&'static str, &'static str)]) -> (MockServer, ModelSettings) {
    let server = MockServer::start().await;
    let refusal = headers
        .iter()
        .fold(ResponseTemplate::new(status), |answer, (name, value)| {
            answer.insert_header(*name, *value)
        });
    let answer = move |request: &Request| {
        let body = String::from_utf8_lossy(&request.body);
        if body.contains("Answer with one word: ready") {
            ResponseTemplate::new(200).set_body_json(json!({
                "model": "m", "choices": [{"message": {"content": "ready"}, "finish_reason": "stop"}]
            }))
        } else {
            refusal.clone()
        }
    };
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let settings = ModelSettings {
        model: "m".to_owned(),
        base_url: format!("{}/v1", server.uri()),
        key_env: None,
        price: None,
    };
    (server, settings)
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.map_or(0, |requests| requests.len())
}

fn many(files: usize) -> tempfile::TempDir {
    let names: Vec<String> = (0..files).map(|n| format!("f{n:02}.py")).collect();
    repository(&names.iter().map(|name| (name.as_str(), "x = 1\n")).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_model_that_went_away_is_given_up_and_has_read_nothing() {
    let folder = many(30);
    let (server, settings) = moody(500, &[]).await;
    let (_, report) = review(folder.path(), Some(settings)).await;
    let asked = asked(&server).await;
    assert!(asked < 20, "{asked} questions for 30 files");
    assert_eq!(report["method"]["model_files"], 0);
    let unchecked = unchecked(&report);
    assert!(
        unchecked.contains("f29.py") && unchecked.contains("answered 500"),
        "{unchecked}"
    );
}

#[tokio::test]
async fn a_model_that_asks_for_an_hour_is_not_waited_for() {
    let folder = many(3);
    let (_server, settings) = moody(429, &[("retry-after", "3600")]).await;
    let (_, report) = review(folder.path(), Some(settings)).await;
    let unchecked = unchecked(&report);
    assert!(
        unchecked.contains("f02.py") && unchecked.contains("3600 s of patience"),
        "{unchecked}"
    );
}

#[tokio::test]
async fn an_empty_folder_has_a_report_too() {
    let folder = repository(&[]);
    let (tree, report) = review(folder.path(), None).await;
    assert!(tree.iter().all(|task| task.task_type != "code_review.file"));
    assert_eq!(report["findings"], json!([]));
}

#[tokio::test]
async fn a_person_corrects_a_review_and_accepts_it() {
    let folder = repository(&[
        ("a.py", "def f(x):\n    return eval(x)\n"),
        ("gen/b.py", "def g(x):\n    return eval(x)\n"),
    ]);
    let (orchestrator, id) = asking(folder.path()).await;
    let (first, shown) = open(&orchestrator).await;
    let page = shown["content"].as_str().expect("a page");
    assert!(page.contains("a.py:2") && page.contains("gen/b.py:2"), "{page}");
    assert!(shown["evaluation"]["scores"]["overall"].is_number(), "{shown}");
    decide(&orchestrator, first, Verdict::Correct, "gen/ is generated").await;

    let (second, shown) = open(&orchestrator).await;
    assert_ne!(first, second);
    assert!(
        shown["question"].as_str().is_some_and(|q| q.contains("corrected once")),
        "{shown}"
    );
    let page = shown["content"].as_str().expect("a page");
    assert!(page.contains("a.py:2") && !page.contains("gen/b.py:2"), "{page}");
    decide(&orchestrator, second, Verdict::Accept, "").await;

    let task = orchestrator.engine().settled(id).await.expect("its end").task;
    let report = task.output.expect("a report").to_value()["report"].clone();
    let places: Vec<&Value> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|f| &f["file"])
        .collect();
    assert!(
        places.contains(&&json!("a.py")) && !places.contains(&&json!("gen/b.py")),
        "{report}"
    );
    assert!(report["notes"].to_string().contains("gen/ is generated"), "{report}");
    let tree = orchestrator.engine().tree(id).await.expect("its tree").tasks;
    let files = tree.iter().filter(|task| task.task_type == "code_review.file");
    assert_eq!(files.count(), 2, "a correction reviews no file again");
}

#[tokio::test]
async fn a_review_that_is_rejected_fails_with_the_reason() {
    let folder = repository(&[("a.py", "x = 1\n")]);
    let (orchestrator, id) = asking(folder.path()).await;
    let (checkpoint, _) = open(&orchestrator).await;
    decide(&orchestrator, checkpoint, Verdict::Reject, "the wrong repository").await;
    let task = orchestrator.engine().settled(id).await.expect("its end").task;
    assert_eq!(task.state, TaskState::Failed);
    let error = task.error.expect("an error");
    assert_eq!(error.message, "a person rejected the review: the wrong repository");
}

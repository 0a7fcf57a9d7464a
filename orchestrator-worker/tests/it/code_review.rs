//! The review of a repository as a tree of tasks, with and without a model.

use std::{fs, path::Path, sync::Arc};

use orchestrator_core::{Json, NewTask, Orchestrator, protocol::Task};
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
    };
    let (_, report) = review(folder.path(), Some(settings)).await;
    let unchecked = unchecked(&report);
    assert_eq!(unchecked.matches("model `m`").count(), 1, "{unchecked}");
    assert_eq!(report["method"]["model"], Value::Null);
}

#[tokio::test]
async fn an_empty_folder_has_a_report_too() {
    let folder = repository(&[]);
    let (tree, report) = review(folder.path(), None).await;
    assert!(tree.iter().all(|task| task.task_type != "code_review.file"));
    assert_eq!(report["findings"], json!([]));
}

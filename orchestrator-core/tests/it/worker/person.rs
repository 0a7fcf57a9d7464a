//! Checkpoints and external events.

use std::time::Duration;

use orchestrator_core::{
    agent::agent,
    context::{Checkpoint, External, TaskContext},
    protocol::{Decision, TaskError, Verdict},
    store::ReportBody,
};
use serde_json::json;

use super::scripted::{Scripted, id, json, task};

async fn asked(source: &Scripted) -> orchestrator_core::protocol::NewTask {
    let spawned = source.reported(|item| matches!(item.body, ReportBody::Spawn(_))).await;
    let ReportBody::Spawn(children) = spawned.body else {
        panic!()
    };
    (*children[0].task).clone()
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_is_a_child_that_a_person_completes() {
    let source = Scripted::new();
    let _worker = source.run(agent("asks", |ctx: TaskContext, (): ()| async move {
        ctx.checkpoint("Publish?", "the text").await
    }));
    let first = source.grant(id(1), task("asks"));
    source.parked(first).await;
    let checkpoint = asked(&source).await;
    assert_eq!(checkpoint.task_type, "checkpoint");
    assert_eq!(
        checkpoint.input.to_value(),
        json!({"question": "Publish?", "content": "the text"})
    );
    source.settle(
        "Publish?",
        Ok(json(json!({"decision": "correct", "feedback": "shorter"}))),
    );
    let second = source.resume(id(1), task("asks"), first);
    assert_eq!(
        source.output(second).await,
        json!({"decision": "correct", "feedback": "shorter"})
    );
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_is_refused_is_an_error_with_the_reason() {
    let source = Scripted::new();
    let _worker = source.run(agent("asks", |ctx: TaskContext, (): ()| async move {
        ctx.approval("Publish?", &json!({"n": 1})).await
    }));
    let first = source.grant(id(1), task("asks"));
    source.parked(first).await;
    source.settle(
        "Publish?",
        Ok(json(json!({"decision": "reject", "feedback": "too early"}))),
    );
    let second = source.resume(id(1), task("asks"), first);
    assert_eq!(
        source.error(second).await,
        TaskError::terminal("`Publish?` was rejected: too early")
    );
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_can_end_with_a_default() {
    let source = Scripted::new();
    let _worker = source.run(agent("asks", |ctx: TaskContext, (): ()| async move {
        let checkpoint = Checkpoint::new("Go on?")
            .expires_in(Duration::from_mins(1))
            .default(Decision {
                decision: Verdict::Accept,
                feedback: String::new(),
            });
        ctx.checkpoint_with("go", checkpoint).await
    }));
    source.grant(id(1), task("asks"));
    let checkpoint = asked(&source).await;
    assert!(checkpoint.deadline.is_some());
    assert_eq!(checkpoint.description, "Go on?");
    let input = checkpoint.input.to_value();
    assert_eq!(
        (&input["default"]["decision"], &input["expires_in_s"]),
        (&json!("accept"), &json!(60.0))
    );
}

#[tokio::test(start_paused = true)]
async fn an_external_event_is_a_child_that_a_call_completes() {
    let source = Scripted::new();
    let _worker = source.run(agent("waits", |ctx: TaskContext, (): ()| async move {
        let payment = External::new("The payment").input(json(json!({"order": 7})));
        ctx.wait_external::<u32>("payment", payment).await
    }));
    let first = source.grant(id(1), task("waits"));
    source.parked(first).await;
    let external = asked(&source).await;
    assert_eq!((external.task_type.as_str(), external.deadline), ("external", None));
    source.settle("payment", Ok(json(json!(100))));
    let second = source.resume(id(1), task("waits"), first);
    assert_eq!(source.output(second).await, json!(100));
}

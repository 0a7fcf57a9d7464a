//! What people and outside systems complete.

use std::time::Duration;

use orchestrator_core::store::{ReportAck, StoreError};
use orchestrator_protocol::{Decision, EventType, ExternalResult, Join, Json, NewTask, TaskError, TaskState, Verdict};

use crate::harness::{Harness, child, task};

fn accept() -> ExternalResult {
    let decision = Decision {
        decision: Verdict::Accept,
        feedback: "fine".into(),
    };
    ExternalResult::Output(Json::of(&decision).expect("JSON"))
}

pub async fn people_answer_once(h: &Harness) {
    let session = h.session(&["a", "checkpoint"]).await;
    let leased = h.running(session, task("a")).await;
    let asked = h.spawn(&leased, vec![child(h, "Publish?", task("checkpoint"))]).await[0];
    assert_eq!(asked.state, TaskState::Waiting);
    assert_eq!(h.wait(&leased, vec![asked.id], Join::All).await, ReportAck::Parked);
    assert!(h.claim(session, 1).await.is_empty(), "no worker answers for people");
    let answered = h.settle(asked.id, accept()).await.expect("an answer");
    assert_eq!(answered.state, TaskState::Succeeded);
    let again = h.settle(asked.id, accept()).await;
    assert!(matches!(again, Err(StoreError::StateConflict { .. })), "{again:?}");
    assert!(h.claim_one(session).await.resumed);
}

pub async fn nonsense_is_no_decision(h: &Harness) {
    let id = h.submit(task("checkpoint")).await;
    let refused = h
        .settle(id, ExternalResult::Output(Json::parse("42").expect("JSON")))
        .await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    assert_eq!(h.state(id).await, TaskState::Waiting);
    h.settle(id, accept()).await.expect("it is still open");
}

pub async fn external_tasks_end_either_way(h: &Harness) {
    let ids = h.submit_all(vec![task("external"); 2]).await;
    h.settle(ids[0], ExternalResult::Output(Json::parse("[1]").expect("JSON")))
        .await
        .expect("an end");
    h.settle(ids[1], ExternalResult::Error(TaskError::retryable("it broke")))
        .await
        .expect("an end");
    let (good, bad) = (h.get(ids[0]).await, h.get(ids[1]).await);
    assert_eq!(
        (good.state, good.output.expect("output").get()),
        (TaskState::Succeeded, "[1]")
    );
    assert_eq!(
        (bad.state, bad.error.expect("error").message.as_str()),
        (TaskState::Failed, "it broke")
    );
}

pub async fn only_external_tasks(h: &Harness) {
    let id = h.submit(task("a")).await;
    let refused = h.settle(id, accept()).await;
    assert!(matches!(refused, Err(StoreError::StateConflict { .. })), "{refused:?}");
    let later = NewTask {
        depends_on: vec![id.into()],
        ..task("external")
    };
    let later = h.submit(later).await;
    assert_eq!(h.state(later).await, TaskState::Blocked);
    assert!(h.settle(later, accept()).await.is_err(), "its turn has not come");
}

pub async fn an_unanswered_checkpoint_takes_its_default(h: &Harness) {
    let deadline = Some(h.now().plus(Duration::from_mins(1)));
    let with = r#"{"question":"?","default":{"decision":"reject","feedback":"too late"}}"#;
    let with = NewTask {
        deadline,
        input: Json::parse(with).expect("JSON"),
        ..task("checkpoint")
    };
    let ids = h
        .submit_all(vec![
            with,
            NewTask {
                deadline,
                ..task("checkpoint")
            },
        ])
        .await;
    h.pass(Duration::from_mins(1)).await;
    assert_eq!(h.states(&ids).await, [TaskState::Succeeded, TaskState::Failed]);
    let decision: Decision = h.get(ids[0]).await.output.expect("output").to().expect("a decision");
    assert_eq!(decision.decision, Verdict::Reject);
}

pub async fn checkpoints_are_told(h: &Harness) {
    let id = h.submit(task("checkpoint")).await;
    h.settle(id, accept()).await.expect("an answer");
    let kinds: Vec<_> = h.events(id).await.iter().map(|e| e.kind).collect();
    use EventType::{CheckpointDecided, CheckpointOpened, TaskCreated, TaskState as State};
    assert_eq!(kinds, [TaskCreated, CheckpointOpened, CheckpointDecided, State]);
    let decided = &h.events(id).await[2];
    assert_eq!(
        decided.body.decision.as_ref().map(|d| d.feedback.as_str()),
        Some("fine")
    );
}

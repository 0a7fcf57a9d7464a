//! What waits for people.

use orchestrator_core::{
    protocol::{Decision, EventType, ExternalResult, Json, NewTask, TaskState, Verdict},
    store::{EventQuery, StoreError},
};

use super::world::{engine, submit, task};

fn asks(question: &str) -> NewTask {
    let input = serde_json::json!({"question": question, "content": {"text": "Hello"}});
    NewTask::new("checkpoint", Json::from(input))
}

fn accept(feedback: &str) -> Decision {
    Decision {
        decision: Verdict::Accept,
        feedback: feedback.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn open_questions_are_listed_with_the_work_under_review() {
    let engine = engine();
    let first = submit(&engine, asks("Publish?")).await;
    let mut plain = task("checkpoint");
    plain.description = "Go on?".to_owned();
    let second = submit(&engine, plain).await;
    submit(&engine, task("external")).await;
    let page = engine.checkpoints(None, 0, None).await.unwrap();
    let seen: Vec<_> = page.items.iter().map(|c| (c.task.id, c.question.as_str())).collect();
    assert_eq!(seen, [(second, "Go on?"), (first, "Publish?")]);
    assert_eq!(page.items[1].content.to_value(), serde_json::json!({"text": "Hello"}));
    engine.decide(second, &accept("")).await.unwrap();
    let of_tree = engine.checkpoints(Some(first), 0, None).await.unwrap().items;
    assert_eq!(of_tree.len(), 1);
    assert_eq!(engine.checkpoints(None, 0, None).await.unwrap().items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_the_output_and_an_event() {
    let engine = engine();
    let id = submit(&engine, asks("Publish?")).await;
    let decided = engine.decide(id, &accept("well done")).await.unwrap();
    assert_eq!(decided.state, TaskState::Succeeded);
    let output: Decision = decided.output.unwrap().to().unwrap();
    assert_eq!(output, accept("well done"));
    let events = engine.events(EventQuery::default()).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventType::TaskCreated,
            EventType::CheckpointOpened,
            EventType::CheckpointDecided,
            EventType::TaskState
        ]
    );
    assert_eq!(events[2].body.decision, Some(accept("well done")));
}

#[tokio::test(start_paused = true)]
async fn only_the_first_of_two_decisions_counts() {
    let engine = engine();
    let id = submit(&engine, asks("Publish?")).await;
    let reject = Decision {
        decision: Verdict::Reject,
        feedback: "no".to_owned(),
    };
    let (accept, first) = (accept("yes"), engine.decide(id, &reject).await);
    first.unwrap();
    let second = engine.decide(id, &accept).await.unwrap_err();
    assert_eq!(
        second.to_string(),
        format!("task {id} is succeeded: it cannot be decided again")
    );
    let kept: Decision = engine.get(id).await.unwrap().output.unwrap().to().unwrap();
    assert_eq!(kept, reject);
}

#[tokio::test(start_paused = true)]
async fn only_open_checkpoints_are_decided() {
    let engine = engine();
    let plain = submit(&engine, task("a")).await;
    let refused = engine.decide(plain, &accept("")).await.unwrap_err();
    assert!(refused.to_string().ends_with("it is not a checkpoint"), "{refused}");
    let mut later = asks("Publish?");
    later.depends_on = vec![plain.into()];
    let later = submit(&engine, later).await;
    let refused = engine.decide(later, &accept("")).await.unwrap_err();
    assert!(
        refused.to_string().ends_with("is blocked: it cannot be decided yet"),
        "{refused}"
    );
    let unknown = engine.sources.ids.task();
    let refused = engine.decide(unknown, &accept("")).await.unwrap_err();
    assert_eq!(refused, StoreError::TaskNotFound(unknown));
    let open = submit(&engine, asks("Publish?")).await;
    let nonsense = ExternalResult::Output(Json::from(serde_json::json!("perhaps")));
    assert!(matches!(
        engine.complete(open, nonsense).await,
        Err(StoreError::Invalid { .. })
    ));
    assert_eq!(engine.get(open).await.unwrap().state, TaskState::Waiting);
}

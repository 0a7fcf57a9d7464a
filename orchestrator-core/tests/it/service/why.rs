//! Why, from the store's facts to words.

use orchestrator_core::{
    protocol::{Budget, LimitRule, NewTask, TaskId, Usage, WorkerState},
    service::{Engine, LocalSource, SourceConfig},
    store::{ReportBody, StoreError},
};

use super::world::{claim, engine, field, open, report, submit, task};

async fn why(engine: &Engine, task: TaskId) -> Vec<(String, String)> {
    let why = engine.why(task).await.unwrap();
    why.reasons.into_iter().map(|r| (r.code, r.message)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_full_limit_names_its_holder() {
    let engine = engine();
    let rule = LimitRule {
        max_running: Some(1),
        ..LimitRule::default()
    };
    engine.put_limit("gpu", Some(rule.clone())).await.unwrap();
    assert_eq!(engine.limits().await.unwrap(), [("gpu".to_owned(), rule)]);
    assert_eq!(field(engine.put_limit("", None).await), "key");
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    let limited = NewTask {
        limits: vec!["gpu".to_owned()],
        ..task("a")
    };
    let holder = submit(&engine, limited.clone()).await;
    let waits = submit(&engine, limited).await;
    claim(&source, session).await;
    assert!(source_is_full(&source, session).await);
    let reasons = why(&engine, waits).await;
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    let expected = format!("the limit `gpu` allows 1 at once, and 1 run: `a` ({holder})");
    assert_eq!(reasons[0], ("limit".to_owned(), expected));
    engine.put_limit("gpu", None).await.unwrap();
    assert_eq!(why(&engine, waits).await[0].0, "next");
}

async fn source_is_full(source: &LocalSource, session: orchestrator_core::protocol::SessionId) -> bool {
    use orchestrator_core::worker::source::TaskSource;
    source.claim(session, 1).await.unwrap().is_empty()
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_says_whose_and_how_much() {
    let engine = engine();
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    let mut bounded = task("a");
    bounded.budget = Some(Budget {
        tokens: Some(100),
        ..Budget::default()
    });
    let id = submit(&engine, bounded).await;
    let leased = claim(&source, session).await;
    let child = NewTask {
        parent_id: Some(id),
        ..task("a")
    };
    let child = submit(&engine, child).await;
    let usage = Usage {
        input_tokens: 90,
        output_tokens: 30,
        ..Usage::default()
    };
    report(&source, &leased, 1, ReportBody::Usage(usage)).await;
    let (code, message) = why(&engine, child).await.remove(0);
    assert_eq!(code, "budget");
    let expected =
        format!("the budget of task {id} above it is spent (120 of 100 tokens); resume it to go on regardless");
    assert_eq!(message, expected);
}

#[tokio::test(start_paused = true)]
async fn a_paused_queue_a_cancellation_and_a_stranger() {
    let engine = engine();
    let id = submit(&engine, task("a")).await;
    engine.pause_queue("default", true).await.unwrap();
    let codes: Vec<_> = why(&engine, id).await.into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["queue_paused", "no_worker"]);
    assert_eq!(field(engine.pause_queue("", true).await), "queue");
    engine.cancel(id, "changed my mind").await.unwrap();
    let reasons = why(&engine, id).await;
    assert_eq!(reasons[0].1, "it was cancelled: changed my mind");
    let unknown = engine.sources.ids.task();
    assert_eq!(engine.why(unknown).await.err(), Some(StoreError::TaskNotFound(unknown)));
}

#[tokio::test(start_paused = true)]
async fn workers_are_listed_with_what_they_run() {
    let engine = engine();
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    submit(&engine, task("a")).await;
    claim(&source, session).await;
    let workers = engine.workers().await.unwrap();
    assert_eq!(workers.len(), 1);
    assert_eq!(
        (workers[0].state, workers[0].running, workers[0].slots),
        (WorkerState::Online, 1, 4)
    );
    assert_eq!(engine.worker(workers[0].id).await.unwrap(), workers[0]);
    let unknown = orchestrator_core::protocol::WorkerId::from_uuid(uuid::Uuid::from_u128(7));
    assert!(matches!(engine.worker(unknown).await, Err(StoreError::NotFound(_))));
    let stats = engine.stats().await.unwrap();
    assert_eq!(stats.by_state.values().sum::<u64>(), 1);
}

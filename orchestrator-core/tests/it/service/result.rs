//! Waiting for tasks to end.

use std::time::Duration;

use orchestrator_core::{
    protocol::{ExternalResult, Json, TaskState},
    service::{Engine, LocalSource, SourceConfig},
    store::StoreError,
};
use tokio::{runtime::Handle, time::Instant};

use super::world::{claim, complete, deaf, engine, helpless, open, report, submit, task};

/// Completes an external task after a while.
async fn complete_later(engine: &Engine, id: orchestrator_core::protocol::TaskId, after: Duration) {
    tokio::time::sleep(after).await;
    let done = ExternalResult::Output(Json::NULL);
    engine.complete(id, done).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_end_is_known_at_once() {
    let engine = engine();
    let id = submit(&engine, task("external")).await;
    let begin = Instant::now();
    let after = Duration::from_millis(2300);
    let (ended, ()) = tokio::join!(
        engine.result(id, Duration::from_secs(30)),
        complete_later(&engine, id, after)
    );
    assert_eq!(ended.unwrap().state, TaskState::Succeeded);
    assert_eq!(begin.elapsed(), after);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_gives_the_task_as_it_is() {
    let engine = engine();
    let id = submit(&engine, task("a")).await;
    let begin = Instant::now();
    let task = engine.result(id, Duration::from_secs(3)).await.unwrap();
    assert_eq!(
        (task.state, begin.elapsed()),
        (TaskState::Ready, Duration::from_secs(3))
    );
    let task = engine.result(id, Duration::ZERO).await.unwrap();
    assert_eq!(
        (task.state, begin.elapsed()),
        (TaskState::Ready, Duration::from_secs(3))
    );
    let unknown = engine.sources.ids.task();
    let refused = engine.result(unknown, Duration::from_secs(3)).await;
    assert_eq!(refused.err(), Some(StoreError::TaskNotFound(unknown)));
}

#[tokio::test(start_paused = true)]
async fn a_lost_event_costs_a_second() {
    let engine = deaf();
    let id = submit(&engine, task("external")).await;
    let begin = Instant::now();
    let (ended, ()) = tokio::join!(
        engine.settled(id),
        complete_later(&engine, id, Duration::from_millis(1500))
    );
    assert!(ended.unwrap().state.is_terminal());
    assert!(begin.elapsed() <= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_person_being_needed_settles_but_is_no_result() {
    let engine = engine();
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    let id = submit(&engine, task("a")).await;
    let leased = claim(&source, session).await;
    let (settled, _) = tokio::join!(engine.settled(id), report(&source, &leased, 1, helpless()));
    assert_eq!(settled.unwrap().state, TaskState::NeedsAttention);
    let begin = Instant::now();
    let result = engine.result(id, Duration::from_secs(2)).await.unwrap();
    assert_eq!(result.state, TaskState::NeedsAttention);
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
}

/// Many wait, for the same and for other tasks: one of them all listens, and nothing is left when they are gone.
#[tokio::test(start_paused = true)]
async fn a_thousand_wait_and_one_listens() {
    let engine = engine();
    let ids = engine.submit(vec![task("external"); 500]).await.unwrap();
    let ids: Vec<_> = ids.iter().map(orchestrator_core::store::SubmittedTask::id).collect();
    let waits: Vec<_> = ids
        .iter()
        .chain(&ids)
        .map(|id| {
            tokio::spawn({
                let (engine, id) = (engine.clone(), *id);
                async move { engine.settled(id).await.unwrap().id }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 1001);
    let begin = Instant::now();
    for id in &ids {
        complete_later(&engine, *id, Duration::ZERO).await;
    }
    for (wait, id) in waits.into_iter().zip(ids.iter().chain(&ids)) {
        assert_eq!(wait.await.unwrap(), *id);
    }
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "nobody had to poll: {:?}",
        begin.elapsed()
    );
    tokio::task::yield_now().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

/// Whoever stops being polled while waiting keeps nobody else from hearing.
#[tokio::test(start_paused = true)]
async fn a_waiter_that_sleeps_does_not_hold_up_others() {
    let engine = engine();
    let (first, second) = (
        submit(&engine, task("external")).await,
        submit(&engine, task("external")).await,
    );
    let mut asleep = Box::pin(engine.settled(first));
    assert!(futures::poll!(asleep.as_mut()).is_pending());
    let begin = Instant::now();
    let after = Duration::from_millis(10);
    let (ended, ()) = tokio::join!(engine.settled(second), complete_later(&engine, second, after));
    ended.unwrap();
    assert_eq!(begin.elapsed(), after);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_that_it_was_shut_down() {
    let engine = engine();
    let id = submit(&engine, task("a")).await;
    let (ended, ()) = tokio::join!(engine.settled(id), engine.close());
    assert!(matches!(ended, Err(StoreError::Unavailable(_))));
    assert!(matches!(engine.settled(id).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_is_answered_without_waiting() {
    let engine = engine();
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    let id = submit(&engine, task("a")).await;
    let leased = claim(&source, session).await;
    complete(&source, &leased).await;
    let begin = Instant::now();
    assert_eq!(engine.settled(id).await.unwrap().state, TaskState::Succeeded);
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

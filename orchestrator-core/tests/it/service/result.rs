//! Waiting for tasks to end.

use std::time::Duration;

use orchestrator_core::{
    protocol::{Budget, ExternalResult, Json, Need, NewTask, TaskId, TaskState, Usage},
    service::{Engine, LocalSource, SourceConfig},
    store::{ReportBody, StoreError},
};
use tokio::{runtime::Handle, time::Instant};

use super::world::{claim, complete, deaf, engine, helpless, open, report, submit, task};

/// Completes an external task after a while.
async fn complete_later(engine: &Engine, id: TaskId, after: Duration) {
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
    assert!(ended.unwrap().task.state.is_terminal());
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
    assert_eq!(settled.unwrap().task.state, TaskState::NeedsAttention);
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
                async move { engine.settled(id).await.unwrap().task.id }
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
    assert_eq!(engine.settled(id).await.unwrap().task.state, TaskState::Succeeded);
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

/// A task of the type `a` that may use some tokens.
fn thrifty(tokens: u64) -> NewTask {
    NewTask {
        budget: Some(Budget {
            tokens: Some(tokens),
            cost_usd: None,
        }),
        ..task("a")
    }
}

fn tokens(input_tokens: u64) -> ReportBody {
    ReportBody::Usage(Usage {
        input_tokens,
        ..Usage::default()
    })
}

fn sleep_until(engine: &Engine, after: Duration) -> ReportBody {
    ReportBody::Wait {
        tasks: Vec::new(),
        join: orchestrator_core::protocol::Join::All,
        until: Some(engine.now().plus(after)),
    }
}

/// Who waits for a tree whose budget is spent is told so as soon as it rests, what was spent, and again after a resume
/// only when there is something new.
#[tokio::test(start_paused = true)]
async fn a_spent_budget_is_told() {
    let engine = engine();
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    let id = submit(&engine, thrifty(100)).await;
    let leased = claim(&source, session).await;
    report(&source, &leased, 1, tokens(120)).await;
    assert_eq!(engine.get(id).await.unwrap().state, TaskState::Running);
    let begin = Instant::now();
    let rest = sleep_until(&engine, Duration::from_hours(1));
    let (settled, _) = tokio::join!(engine.settled(id), report(&source, &leased, 2, rest));
    let settled = settled.unwrap();
    assert!(settled.has_stopped() && settled.task.state == TaskState::Paused);
    assert_eq!(begin.elapsed(), Duration::ZERO, "it rang");
    let [spent] = &settled.attention[..] else {
        panic!("one: {:?}", settled.attention);
    };
    assert_eq!((spent.need, spent.task_id), (Need::BudgetExhausted, id));
    assert!(spent.message.contains("120 of 100 tokens"), "{}", spent.message);
    let same = engine.result_or_attention(id, Duration::from_secs(5)).await.unwrap();
    assert_eq!(same, settled);
    let plain = engine.result(id, Duration::from_secs(5)).await.unwrap();
    assert_eq!(
        (plain.state, begin.elapsed()),
        (TaskState::Paused, Duration::from_secs(5))
    );

    engine.resume(id).await.unwrap();
    let waits = tokio::time::timeout(Duration::from_mins(1), engine.settled(id)).await;
    assert!(waits.is_err(), "a person has let it go on: {waits:?}");
    engine.pause(id).await.unwrap();
    let waits = tokio::time::timeout(Duration::from_mins(1), engine.settled(id)).await;
    assert!(waits.is_err(), "an operator's pause is no budget's: {waits:?}");
}

/// A parent that waits for a child is told of the child's budget by whoever asks for it, and of each budget once.
#[tokio::test(start_paused = true)]
async fn a_budget_that_is_spent_below_is_told_to_whoever_asks() {
    let engine = engine();
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    let parent = submit(&engine, task("a")).await;
    let other = submit(&engine, task("external")).await;
    let leased = claim(&source, session).await;
    let child = NewTask {
        parent_id: Some(parent),
        ..thrifty(10)
    };
    let child = submit(&engine, child).await;
    let wait = ReportBody::Wait {
        tasks: vec![child],
        join: orchestrator_core::protocol::Join::All,
        until: None,
    };
    report(&source, &leased, 1, wait).await;
    let leased = claim(&source, session).await;
    assert_eq!(leased.id, child);
    for _ in 0..3 {
        let grandchild = NewTask {
            parent_id: Some(child),
            ..task("b")
        };
        submit(&engine, grandchild).await;
    }
    report(&source, &leased, 1, tokens(10)).await;
    let rest = sleep_until(&engine, Duration::from_hours(1));
    let day = Duration::from_hours(24);
    let (found, _) = tokio::join!(
        engine.result_or_attention(parent, day),
        report(&source, &leased, 2, rest)
    );
    let found = found.unwrap();
    assert_eq!((found.task.state, found.has_stopped()), (TaskState::Waiting, false));
    let told: Vec<_> = found
        .attention
        .iter()
        .map(|spent| (spent.need, spent.task_id))
        .collect();
    assert_eq!(told, [(Need::BudgetExhausted, child)]);
    let apart = engine.result_or_attention(other, Duration::from_secs(3)).await.unwrap();
    assert_eq!(apart.attention, []);
}

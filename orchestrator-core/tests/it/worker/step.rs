//! Steps and timers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use orchestrator_core::{
    agent::{Agent, AgentError, agent},
    context::TaskContext,
    protocol::{ErrorClass, Join, TaskError},
    store::{History, ReportBody, StepRecord},
};
use serde_json::json;

use super::scripted::{Scripted, id, json, task};

fn counting(runs: &Arc<AtomicUsize>) -> impl Agent + use<> {
    let runs = runs.clone();
    agent("counts", move |ctx: TaskContext, (): ()| {
        let runs = runs.clone();
        async move {
            let count = || async {
                runs.fetch_add(1, Ordering::SeqCst);
                Ok::<_, AgentError>(41)
            };
            let first: i64 = ctx.step("count", count).await?;
            let again: i64 = ctx.step("count", || async { Ok::<_, AgentError>(0) }).await?;
            Ok::<_, AgentError>(first + again)
        }
    })
}

fn history(name: &str, output: serde_json::Value) -> History {
    History {
        steps: vec![StepRecord {
            name: name.to_owned(),
            output: json(output),
        }],
        ..History::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_runs_once_and_is_recorded_before_it_returns() {
    let source = Scripted::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let _worker = source.run(counting(&runs));
    let lease = source.grant(id(1), task("counts"));
    assert_eq!(source.output(lease).await, json!(82));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    let script = source.script();
    assert_eq!(script.batches.len(), 2, "the step was answered before the task went on");
    assert!(matches!(&script.reports[0].body, ReportBody::Step { name, .. } if name == "count"));
}

#[tokio::test(start_paused = true)]
async fn a_finished_step_is_not_executed_again() {
    let source = Scripted::new();
    source.script().histories.insert(id(1), history("count", json!(10)));
    let runs = Arc::new(AtomicUsize::new(0));
    let _worker = source.run(counting(&runs));
    let lease = source.grant_with(id(1), task("counts"), |leased| leased.has_history = true);
    assert_eq!(source.output(lease).await, json!(20));
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert_eq!(source.kinds(lease), ["complete"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_is_not_recorded_and_its_error_is_passed_on() {
    let source = Scripted::new();
    let _worker = source.run(agent("fails", |ctx: TaskContext, (): ()| async move {
        let failed: Result<(), TaskError> = ctx
            .step("s", || async { Err::<(), _>(TaskError::terminal("no")) })
            .await;
        assert_eq!(failed, Err(TaskError::terminal("no")));
        ctx.step("s", || async { Ok::<_, TaskError>("yes".to_owned()) }).await
    }));
    let lease = source.grant(id(1), task("fails"));
    assert_eq!(source.output(lease).await, json!("yes"));
}

#[tokio::test(start_paused = true)]
async fn a_recorded_result_of_another_type_is_a_clear_error() {
    let source = Scripted::new();
    source.script().histories.insert(id(1), history("count", json!("many")));
    let _worker = source.run(counting(&Arc::default()));
    let lease = source.grant_with(id(1), task("counts"), |leased| leased.has_history = true);
    let error = source.error(lease).await;
    assert_eq!(error.class, ErrorClass::Terminal);
    assert!(error.message.contains("`count`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn two_branches_cannot_use_one_name_at_the_same_time() {
    let source = Scripted::new();
    let _worker = source.run(agent("twice", |ctx: TaskContext, (): ()| async move {
        let slow = || async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, TaskError>(1)
        };
        let (a, b) = tokio::join!(ctx.step("same", slow), ctx.step("same", slow));
        assert_eq!(a, Ok(1));
        b
    }));
    let lease = source.grant(id(1), task("twice"));
    let error = source.error(lease).await;
    assert!(error.message.contains("`same`"), "{error}");
    assert_eq!(error.class, ErrorClass::Terminal);
}

fn sleeper() -> impl Agent {
    agent("sleeps", |ctx: TaskContext, (): ()| async move {
        ctx.sleep("nap", Duration::from_secs(100)).await?;
        Ok::<_, TaskError>("awake")
    })
}

#[tokio::test(start_paused = true)]
async fn a_sleep_is_a_remembered_moment_and_holds_nothing() {
    let source = Scripted::new();
    let worker = source.run(sleeper());
    let first = source.grant(id(1), task("sleeps"));
    let (tasks, join, until) = source.parked(first).await;
    assert_eq!((tasks.len(), join), (0, Join::All));
    assert_eq!(source.kinds(first), ["step", "wait"]);
    tokio::task::yield_now().await;
    assert_eq!((worker.running(), worker.suspended()), (0, 1));
    // The store's clock may be ahead of ours: when it says that the time has come, it has.
    let second = source.resume(id(1), task("sleeps"), first);
    assert_eq!(source.output(second).await, json!("awake"));
    assert!(until.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_sleep_does_not_start_over_after_a_crash() {
    let source = Scripted::new();
    let worker = source.run(sleeper());
    let first = source.grant(id(1), task("sleeps"));
    let (_, _, until) = source.parked(first).await;
    source.remember(id(1));
    worker.abort();
    tokio::time::sleep(Duration::from_secs(40)).await;
    let _worker = source.run(sleeper());
    let second = source.resume(id(1), task("sleeps"), first);
    assert_eq!(source.parked(second).await.2, until, "it sleeps until the same moment");
    tokio::time::sleep(Duration::from_secs(100)).await;
    let third = source.grant_with(id(1), task("sleeps"), |leased| leased.has_history = true);
    assert_eq!(source.output(third).await, json!("awake"));
    assert_eq!(source.kinds(third), ["complete"]);
}

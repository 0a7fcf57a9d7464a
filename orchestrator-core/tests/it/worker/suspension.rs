//! Waiting holds nothing; going on, here or elsewhere.

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
    protocol::{LeaseId, TaskError},
    store::{ReportAck, ReportBody, ReportItem, StepRecord, StoreError},
    worker::{WorkerConfig, WorkerHandle},
};
use serde_json::json;
use tokio::{sync::Notify, time::sleep};

use super::scripted::{Scripted, agents, id, json, task};

/// Calls a child and counts how often it was begun.
fn caller(begun: &Arc<AtomicUsize>) -> impl Agent + use<> {
    let begun = begun.clone();
    agent("calls", move |ctx: TaskContext, (): ()| {
        begun.fetch_add(1, Ordering::SeqCst);
        async move {
            let n: i32 = ctx.call("child", task("work")).await?;
            ctx.step("after", || async { Ok::<_, AgentError>(n + 1) }).await
        }
    })
}

fn start(source: &Arc<Scripted>, agent: impl Agent, slots: u32, suspended: usize) -> WorkerHandle {
    let config = WorkerConfig {
        slots,
        suspended,
        ..WorkerConfig::default()
    };
    source.start(agents([Arc::new(agent) as _]), config)
}

/// Lets a caller wait, then settles its child.
async fn park_and_settle(source: &Scripted) -> LeaseId {
    let lease = source.grant(id(1), task("calls"));
    source.parked(lease).await;
    tokio::task::yield_now().await;
    source.settle("child", Ok(json(json!(1))));
    lease
}

#[tokio::test(start_paused = true)]
async fn a_waiting_task_gives_its_slot_back_and_its_future_goes_on() {
    let source = Scripted::new();
    let begun = Arc::new(AtomicUsize::new(0));
    let worker = start(&source, caller(&begun), 1, 10);
    let first = source.grant(id(1), task("calls"));
    source.parked(first).await;
    // The only slot is free for another.
    let other = source.grant(id(2), task("calls"));
    source.parked(other).await;
    tokio::task::yield_now().await;
    assert_eq!((worker.running(), worker.suspended()), (0, 2));
    source.settle("child", Ok(json(json!(1))));
    let second = source.resume(id(1), task("calls"), first);
    assert_eq!(source.output(second).await, json!(2));
    assert_eq!(begun.load(Ordering::SeqCst), 2, "each was begun once");
    let numbers: Vec<u64> = source
        .script()
        .reports
        .iter()
        .filter(|i| i.lease == second)
        .map(|i| i.number)
        .collect();
    assert_eq!(numbers, [1, 2], "numbers start again with each lease");
    assert_eq!(worker.suspended(), 1);
    assert_eq!(source.script().histories_read, 0);
}

#[tokio::test(start_paused = true)]
async fn what_has_come_already_is_not_waited_for() {
    let source = Scripted::new();
    source.script().instant = Some(json(json!(1)));
    let worker = start(&source, caller(&Arc::default()), 1, 10);
    let lease = source.grant(id(1), task("calls"));
    assert_eq!(source.output(lease).await, json!(2));
    assert_eq!(source.kinds(lease), ["spawn", "wait", "step", "complete"]);
    assert_eq!(worker.suspended(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_evicted_future_costs_a_run_from_the_top_and_nothing_else() {
    let source = Scripted::new();
    let begun = Arc::new(AtomicUsize::new(0));
    let worker = start(&source, caller(&begun), 1, 0);
    let first = park_and_settle(&source).await;
    assert_eq!(worker.suspended(), 0);
    source.remember(id(1));
    let second = source.resume(id(1), task("calls"), first);
    assert_eq!(source.output(second).await, json!(2));
    assert_eq!(
        source.kinds(second),
        ["step", "complete"],
        "the child is not asked for again"
    );
    assert_eq!(begun.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_longest_suspended_is_evicted_first_and_none_is_kept_for_ever() {
    let source = Scripted::new();
    let begun = Arc::new(AtomicUsize::new(0));
    let worker = start(&source, caller(&begun), 4, 2);
    let mut leases = Vec::new();
    for n in 1..=3 {
        let lease = source.grant(id(n), task("calls"));
        source.parked(lease).await;
        leases.push(lease);
    }
    tokio::task::yield_now().await;
    assert_eq!(worker.suspended(), 2);
    source.settle("child", Ok(json(json!(1))));
    let newest = source.resume(id(3), task("calls"), leases[2]);
    source.output(newest).await;
    assert_eq!(begun.load(Ordering::SeqCst), 3);
    sleep(Duration::from_secs(3_700)).await;
    assert_eq!(worker.suspended(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_goes_on_with_another_worker() {
    let source = Scripted::new();
    let begun = Arc::new(AtomicUsize::new(0));
    let worker = start(&source, caller(&begun), 1, 10);
    let first = park_and_settle(&source).await;
    worker.abort();
    source.remember(id(1));
    let _other = start(&source, caller(&begun), 1, 10);
    let second = source.resume(id(1), task("calls"), first);
    assert_eq!(source.output(second).await, json!(2));
    assert_eq!(begun.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_was_overtaken_elsewhere_is_not_resumed() {
    let source = Scripted::new();
    let begun = Arc::new(AtomicUsize::new(0));
    let _worker = start(&source, caller(&begun), 1, 10);
    park_and_settle(&source).await;
    source.remember(id(1));
    // Another worker has finished the next step since and was suspended under a later lease.
    source
        .script()
        .histories
        .get_mut(&id(1))
        .unwrap()
        .steps
        .push(StepRecord {
            name: "after".to_owned(),
            output: json(json!(50)),
        });
    let second = source.resume(id(1), task("calls"), LeaseId(999));
    assert_eq!(source.output(second).await, json!(50));
    assert_eq!(source.kinds(second), ["complete"]);
    assert_eq!(begun.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_does_not_lose_the_future() {
    // The wait took effect, but its answer did not arrive before the task was granted again; the repeated report is
    // then refused, since its lease is not the current one.
    let source = Scripted::new();
    let begun = Arc::new(AtomicUsize::new(0));
    let _worker = start(&source, caller(&begun), 2, 10);
    let waits = |item: &ReportItem| matches!(item.body, ReportBody::Wait { .. });
    source.script().answer = Some(Box::new(move |item| waits(item).then_some(ReportAck::LeaseLost)));
    let lost = StoreError::Unavailable("the answer was lost".to_owned());
    source.script().wait_errors.push_back(lost);
    let first = source.grant(id(1), task("calls"));
    source
        .until(|script| script.batches.iter().flatten().find(|item| waits(item)).map(drop))
        .await;
    source.settle("child", Ok(json(json!(1))));
    let second = source.resume(id(1), task("calls"), first);
    assert_eq!(source.output(second).await, json!(2));
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    assert_eq!(source.kinds(first), ["spawn", "wait"]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_ends_while_it_is_suspended_is_heard_once_it_may_speak() {
    let source = Scripted::new();
    let bell = Arc::new(Notify::new());
    let rings = bell.clone();
    let worker = source.run(agent("selects", move |ctx: TaskContext, (): ()| {
        let bell = rings.clone();
        async move {
            tokio::select! {
                biased;
                n = ctx.call::<i32>("child", task("work")) => n,
                () = bell.notified() => Ok::<_, TaskError>(99),
            }
        }
    }));
    let first = source.grant(id(1), task("selects"));
    source.parked(first).await;
    tokio::task::yield_now().await;
    bell.notify_one();
    sleep(Duration::from_mins(1)).await;
    assert_eq!((worker.running(), source.kinds(first).len()), (0, 2));
    source.settle("child", Ok(json(json!(1))));
    let second = source.resume(id(1), task("selects"), first);
    assert_eq!(source.output(second).await, json!(99));
}

#[tokio::test(start_paused = true)]
async fn an_operation_beside_a_wait_waits_until_the_task_goes_on() {
    let source = Scripted::new();
    let bell = Arc::new(Notify::new());
    let rings = bell.clone();
    let _worker = source.run(agent("branches", move |ctx: TaskContext, (): ()| {
        let bell = rings.clone();
        async move {
            let foreign = async {
                bell.notified().await;
                ctx.log("at last").await;
                ctx.step("foreign", || async { Ok::<_, TaskError>(2) }).await
            };
            let (a, b) = tokio::join!(ctx.call::<i32>("child", task("work")), foreign);
            Ok::<_, TaskError>(a? + b?)
        }
    }));
    let first = source.grant(id(1), task("branches"));
    source.parked(first).await;
    tokio::task::yield_now().await;
    bell.notify_one();
    sleep(Duration::from_mins(1)).await;
    source.settle("child", Ok(json(json!(1))));
    let second = source.resume(id(1), task("branches"), first);
    assert_eq!(source.output(second).await, json!(3));
    assert_eq!(source.kinds(second), ["log", "step", "complete"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_a_wait_is_reported_before_it() {
    let source = Scripted::new();
    let _worker = source.run(agent("talks", |ctx: TaskContext, (): ()| async move {
        for n in 0..5 {
            ctx.log(n.to_string()).await;
        }
        ctx.sleep("nap", Duration::from_secs(1)).await
    }));
    let lease = source.grant(id(1), task("talks"));
    source.parked(lease).await;
    assert_eq!(source.kinds(lease), ["log", "log", "log", "log", "log", "step", "wait"]);
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_ends_elsewhere_leaves_the_task_waiting_for_the_rest() {
    let source = Scripted::new();
    let _worker = source.run(agent("spawns", |ctx: TaskContext, (): ()| async move {
        // Nobody waits for this branch.
        drop(tokio::spawn({
            let ctx = ctx.clone();
            async move { ctx.call::<i32>("child", task("work")).await }
        }));
        let rest = tokio::spawn(async move { ctx.call::<i32>("rest", task("work")).await });
        rest.await.map_err(|error| TaskError::terminal(error.to_string()))?
    }));
    let first = source.grant(id(1), task("spawns"));
    assert_eq!(source.parked(first).await.0.len(), 2);
    source.settle("child", Ok(json(json!(4))));
    let second = source.resume(id(1), task("spawns"), first);
    assert_eq!(source.parked(second).await.0.len(), 1);
    source.settle("rest", Ok(json(json!(5))));
    let third = source.resume(id(1), task("spawns"), second);
    assert_eq!(source.output(third).await, json!(5));
}

#[tokio::test(start_paused = true)]
async fn branches_on_other_tokio_tasks_count_too() {
    let source = Scripted::new();
    let _worker = source.run(agent("spawns", |ctx: TaskContext, (): ()| async move {
        let branch = tokio::spawn({
            let ctx = ctx.clone();
            async move { ctx.call::<i32>("child", task("work")).await }
        });
        branch.await.map_err(|error| TaskError::terminal(error.to_string()))?
    }));
    let first = source.grant(id(1), task("spawns"));
    source.parked(first).await;
    source.settle("child", Ok(json(json!(4))));
    let second = source.resume(id(1), task("spawns"), first);
    assert_eq!(source.output(second).await, json!(4));
}

//! Sessions, heartbeats and claims.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use orchestrator_core::{
    agent::{Agent, AgentError, agent},
    context::{StopReason, TaskContext},
    protocol::SessionId,
    store::{Renewed, StoreError},
    worker::{WorkerConfig, WorkerError},
};
use serde_json::json;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::scripted::{Scripted, TTL, agents, id, json, task};

fn unavailable() -> StoreError {
    StoreError::Unavailable("away".to_owned())
}

fn quick() -> impl Agent {
    agent("quick", |_: TaskContext, (): ()| async { Ok::<_, AgentError>(1) })
}

/// Works for as long as it says; tells whether it lost its lease.
fn slow(lost: &Arc<AtomicUsize>) -> impl Agent + use<> {
    let lost = lost.clone();
    agent("slow", move |ctx: TaskContext, seconds: u64| {
        let lost = lost.clone();
        async move {
            tokio::select! {
                biased;
                () = ctx.cancelled() => {
                    lost.fetch_add(usize::from(ctx.stop_reason() == Some(StopReason::LeaseLost)), Ordering::SeqCst);
                }
                () = sleep(Duration::from_secs(seconds)) => {}
            }
            Ok::<_, AgentError>(())
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_three_times_in_its_time_to_live() {
    let source = Scripted::new();
    let _worker = source.run(quick());
    sleep(TTL * 3 + Duration::from_secs(1)).await;
    assert_eq!(source.script().renewals, 9);
    assert_eq!(source.script().hellos.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn opening_and_claiming_are_tried_again() {
    let source = Scripted::new();
    for _ in 0..4 {
        source.script().open_errors.push_back(unavailable());
        source.script().claim_errors.push_back(unavailable());
    }
    let _worker = source.run(quick());
    let lease = source.grant(id(1), task("quick"));
    let begin = Instant::now();
    assert_eq!(source.output(lease).await, json!(1));
    assert!(begin.elapsed() < Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_refused_ends_with_the_reason() {
    let source = Scripted::new();
    let error = StoreError::invalid("labels", "are wrong");
    source.script().open_errors.push_back(error.clone());
    let mut worker = source.run(quick());
    assert_eq!(worker.ended().await, Err(WorkerError::Refused(error)));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_takes_its_leases_with_it_and_a_new_one_is_opened() {
    let source = Scripted::new();
    let lost = Arc::new(AtomicUsize::new(0));
    let worker = source.start(agents([Arc::new(slow(&lost)) as _]), WorkerConfig::default());
    let spec = |n: u64| orchestrator_core::protocol::NewTask::new("slow", json(json!(n)));
    let first = source.grant(id(1), spec(3_600));
    source.until(|script| script.tasks.is_empty().then_some(())).await;
    source.script().renewed.push_back(Renewed::default());
    source.until(|script| (script.hellos.len() == 2).then_some(())).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!((lost.load(Ordering::SeqCst), worker.running()), (1, 0));
    assert!(source.kinds(first).is_empty());
    let second = source.grant(id(1), spec(1));
    source.output(second).await;
    let hellos = source.script().hellos.clone();
    assert_eq!(hellos[0].worker, hellos[1].worker, "the worker keeps its id");
}

#[tokio::test(start_paused = true)]
async fn silence_of_the_source_for_the_whole_time_to_live_counts_as_the_end() {
    let source = Scripted::new();
    let lost = Arc::new(AtomicUsize::new(0));
    let _worker = source.start(agents([Arc::new(slow(&lost)) as _]), WorkerConfig::default());
    source.grant(
        id(1),
        orchestrator_core::protocol::NewTask::new("slow", json(json!(3_600))),
    );
    source.until(|script| script.tasks.is_empty().then_some(())).await;
    source.script().renew_errors = (0..1_000).map(|_| unavailable()).collect();
    sleep(TTL.saturating_sub(Duration::from_secs(1))).await;
    assert_eq!(lost.load(Ordering::SeqCst), 0);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(lost.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_costs_nothing() {
    let source = Scripted::new();
    let lost = Arc::new(AtomicUsize::new(0));
    let _worker = source.start(agents([Arc::new(slow(&lost)) as _]), WorkerConfig::default());
    let lease = source.grant(
        id(1),
        orchestrator_core::protocol::NewTask::new("slow", json(json!(60))),
    );
    source.until(|script| script.tasks.is_empty().then_some(())).await;
    source.script().renew_errors = (0..5).map(|_| unavailable()).collect();
    source.ended(lease).await;
    assert_eq!((lost.load(Ordering::SeqCst), source.script().hellos.len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_report_to_an_ended_session_ends_it_here_too() {
    let source = Scripted::new();
    let session = SessionId::from_uuid(Uuid::from_u128(1));
    source
        .script()
        .report_errors
        .push_back(StoreError::SessionLost(session));
    let worker = source.run(quick());
    source.grant(id(1), task("quick"));
    source.until(|script| (script.hellos.len() == 2).then_some(())).await;
    assert_eq!(worker.running(), 0);
    assert!(source.script().reports.is_empty());
}

#[tokio::test(start_paused = true)]
async fn suspended_futures_survive_the_end_of_a_session() {
    let source = Scripted::new();
    let begun = Arc::new(AtomicUsize::new(0));
    let count = begun.clone();
    let worker = source.run(agent("calls", move |ctx: TaskContext, (): ()| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { ctx.call::<i32>("child", task("work")).await }
    }));
    let first = source.grant(id(1), task("calls"));
    source.parked(first).await;
    source.script().renewed.push_back(Renewed::default());
    source.until(|script| (script.hellos.len() == 2).then_some(())).await;
    assert_eq!(worker.suspended(), 1);
    source.settle("child", Ok(json(json!(5))));
    let second = source.resume(id(1), task("calls"), first);
    assert_eq!(source.output(second).await, json!(5));
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn never_more_is_claimed_than_there_are_free_slots() {
    let source = Scripted::new();
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (now, peak) = (running.clone(), most.clone());
    let busy = agent("busy", move |ctx: TaskContext, (): ()| {
        let (now, peak) = (now.clone(), peak.clone());
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Tasks of different lengths, so that slots are freed one by one.
            let length = ctx.task_id().as_uuid().as_u128() % 7;
            sleep(Duration::from_millis(100 + 10 * u64::try_from(length)?)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, AgentError>(())
        }
    });
    let config = WorkerConfig {
        slots: 3,
        ..WorkerConfig::default()
    };
    for n in 0..50 {
        source.grant(id(n), task("busy"));
    }
    let _worker = source.start(agents([Arc::new(busy) as _]), config);
    source.until(|script| (script.reports.len() == 50).then_some(())).await;
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert!(source.script().credits.iter().all(|&credit| (1..=3).contains(&credit)));
}

//! What is left when answers are lost and workers go away in the middle: found by the simulator, kept here by name.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use orchestrator_core::{
    TaskContext,
    agent::{AgentError, agent},
    protocol::{ErrorClass, LeaseId, NewTask, SideEffects},
    store::{Renewed, ReportAck, ReportBody},
};
use tokio::time::{Instant, sleep};

use super::scripted::{Scripted, TTL, id, task};

fn holding(held: &[(u128, LeaseId)]) -> Renewed {
    Renewed {
        alive: true,
        held: held.iter().map(|(task, lease)| (id(*task), *lease)).collect(),
        ..Renewed::default()
    }
}

fn slow(runs: &Arc<AtomicUsize>) -> impl orchestrator_core::Agent + use<> {
    let runs = runs.clone();
    agent("slow", move |_: TaskContext, (): ()| {
        runs.fetch_add(1, Ordering::SeqCst);
        async {
            sleep(Duration::from_hours(1)).await;
            Ok::<_, AgentError>(())
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_granted_by_a_lost_answer_is_given_back() {
    let source = Scripted::new();
    let runs = Arc::default();
    let _worker = source.run(slow(&runs));
    let told = source.grant(id(1), task("slow"));
    source.until(|script| script.tasks.is_empty().then_some(())).await;
    let begin = Instant::now();
    let stray = LeaseId(77);
    for _ in 0..3 {
        source.script().renewed.push_back(holding(&[(1, told), (2, stray)]));
    }
    assert!(matches!(source.ended(stray).await, ReportBody::Release { .. }));
    assert!(begin.elapsed() <= TTL, "with the second heartbeat");
    assert!(source.kinds(told).is_empty(), "what it knows of goes on");
    // The answer comes after all: the lease is not the worker's any more.
    source.grant_with(id(2), task("slow"), |leased| leased.lease = stray);
    source.until(|script| script.tasks.is_empty().then_some(())).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_grant_is_still_under_way_is_kept() {
    let source = Scripted::new();
    let runs = Arc::default();
    let _worker = source.run(slow(&runs));
    let lease = LeaseId(77);
    source.script().renewed.push_back(holding(&[(1, lease)]));
    source.until(|script| (script.renewals == 1).then_some(())).await;
    source.grant_with(id(1), task("slow"), |leased| leased.lease = lease);
    for _ in 0..5 {
        source.script().renewed.push_back(holding(&[(1, lease)]));
    }
    source.until(|script| (script.renewals == 6).then_some(())).await;
    assert!(source.kinds(lease).is_empty());
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn what_may_run_only_once_and_was_stopped_needs_a_person() {
    let source = Scripted::new();
    let runs = Arc::default();
    let worker = source.run(slow(&runs));
    let once = NewTask {
        side_effects: SideEffects::Once,
        ..task("slow")
    };
    let drained = source.grant(id(1), once.clone());
    let timed = source.grant(
        id(2),
        NewTask {
            timeout_s: Some(1.0),
            ..once
        },
    );
    let class = |end: ReportBody| match end {
        ReportBody::Fail { error, .. } => Some(error.class),
        _ => None,
    };
    assert_eq!(class(source.ended(timed).await), Some(ErrorClass::NeedsAttention));
    worker.stop(Duration::from_secs(1)).await.unwrap();
    assert_eq!(class(source.ended(drained).await), Some(ErrorClass::NeedsAttention));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_while_its_worker_stops_is_no_defect() {
    let source = Scripted::new();
    let runs = Arc::default();
    let worker = source.run(slow(&runs));
    source.grant(id(1), task("slow"));
    source.until(|script| script.tasks.is_empty().then_some(())).await;
    // Reports are never answered for good, so that the worker waits as long as it may.
    source.script().answer = Some(Box::new(|_| Some(ReportAck::LeaseLost)));
    source.script().renewed.push_back(Renewed::default());
    worker.stop(Duration::from_hours(1)).await.unwrap();
}

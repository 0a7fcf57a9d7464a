//! Cancelling, losing a lease, draining, aborting.

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
    protocol::{ErrorClass, TaskError, Usage},
    store::{ReportAck, ReportBody},
    worker::{WorkerConfig, WorkerError},
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::scripted::{Scripted, agents, id, json, task};

/// Counts its own drop, as an agent's process would be killed by it.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn endless(drops: &Arc<AtomicUsize>) -> impl Agent + use<> {
    let drops = drops.clone();
    agent("endless", move |ctx: TaskContext, (): ()| {
        let process = Counted(drops.clone());
        async move {
            let _process = process;
            ctx.log("begun").await;
            std::future::pending::<()>().await;
            Ok::<_, AgentError>(())
        }
    })
}

fn polite() -> impl Agent {
    agent("polite", |ctx: TaskContext, (): ()| async move {
        ctx.log("begun").await;
        ctx.cancelled().await;
        sleep(Duration::from_secs(2)).await;
        ctx.usage(Usage {
            output_tokens: 5,
            ..Usage::default()
        })
        .await;
        Err::<(), _>(AgentError::terminal("stopped half way"))
    })
}

async fn begun(source: &Scripted) {
    source
        .reported(|item| matches!(&item.body, ReportBody::Log { text, .. } if text == "begun"))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_agent_may_clean_up_and_is_then_reported_as_stopped() {
    let source = Scripted::new();
    let worker = source.run(polite());
    let lease = source.grant(id(1), task("polite"));
    begun(&source).await;
    let begin = Instant::now();
    source.cancel_task(id(1), lease);
    assert!(matches!(source.ended(lease).await, ReportBody::Stopped { .. }));
    assert_eq!(
        begin.elapsed(),
        Duration::from_secs(2),
        "told at once, not with the next heartbeat"
    );
    assert_eq!(source.kinds(lease), ["log", "usage", "stopped"]);
    tokio::task::yield_now().await;
    assert_eq!(worker.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_agent_that_does_not_listen_is_dropped_before_anyone_hears_that_it_stopped() {
    let source = Scripted::new();
    let drops = Arc::new(AtomicUsize::new(0));
    let _worker = source.run(endless(&drops));
    let lease = source.grant(id(1), task("endless"));
    begun(&source).await;
    let begin = Instant::now();
    source.cancel_task(id(1), lease);
    source.ended(lease).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(10));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_returns_at_once() {
    let source = Scripted::new();
    let _worker = source.run(agent("waits", |ctx: TaskContext, (): ()| async move {
        let step = ctx.step("s", || async {
            ctx.cancelled().await;
            Ok::<_, TaskError>(())
        });
        let (call, step) = tokio::join!(ctx.call::<i32>("c", task("work")), step);
        assert_eq!(step.unwrap_err().class, ErrorClass::Cancelled);
        call
    }));
    let lease = source.grant(id(1), task("waits"));
    source.until(|script| (!script.children.is_empty()).then_some(())).await;
    let begin = Instant::now();
    source.cancel_task(id(1), lease);
    source.ended(lease).await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_in_the_middle_of_a_step_stops_the_agent_and_nothing_more_is_said() {
    let source = Scripted::new();
    source.script().answer = Some(Box::new(|item| {
        matches!(item.body, ReportBody::Progress(_)).then_some(ReportAck::LeaseLost)
    }));
    let drops = Arc::new(AtomicUsize::new(0));
    let count = drops.clone();
    let worker = source.run(agent("loses", move |ctx: TaskContext, (): ()| {
        let process = Counted(count.clone());
        async move {
            ctx.progress(0.5).await;
            let step = ctx.step("s", || async {
                let _process = process;
                ctx.cancelled().await;
                assert_eq!(ctx.stop_reason(), Some(StopReason::LeaseLost));
                ctx.log("into the void").await;
                std::future::pending::<()>().await;
                Ok::<_, TaskError>(())
            });
            step.await
        }
    }));
    let lease = source.grant(id(1), task("loses"));
    source
        .reported(|item| matches!(item.body, ReportBody::Progress(_)))
        .await;
    sleep(Duration::from_secs(9)).await;
    assert_eq!(
        (worker.running(), drops.load(Ordering::SeqCst)),
        (1, 0),
        "it has its grace"
    );
    sleep(Duration::from_secs(2)).await;
    assert_eq!((worker.running(), drops.load(Ordering::SeqCst)), (0, 1));
    assert_eq!(source.kinds(lease), ["progress"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_run_of_a_task_waits_until_the_old_one_is_gone() {
    let source = Scripted::new();
    let drops = Arc::new(AtomicUsize::new(0));
    let worker = source.run(endless(&drops));
    source.grant(id(1), task("endless"));
    begun(&source).await;
    // The same task again under another lease: the first is lost.
    let second = source.grant(id(1), task("endless"));
    sleep(Duration::from_secs(9)).await;
    assert_eq!(worker.running(), 2);
    assert!(source.kinds(second).is_empty());
    sleep(Duration::from_secs(2)).await;
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert_eq!(source.kinds(second), ["log"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_refused_because_of_a_cancellation_ends_with_it() {
    let source = Scripted::new();
    source.script().answer = Some(Box::new(|item| {
        matches!(item.body, ReportBody::Wait { .. }).then(|| ReportAck::Refused {
            message: "the task is being cancelled".to_owned(),
        })
    }));
    let _worker = source.run(agent("waits", |ctx: TaskContext, (): ()| async move {
        ctx.call::<i32>("c", task("work")).await
    }));
    let lease = source.grant(id(1), task("waits"));
    source.script().renewed.push_back(orchestrator_core::store::Renewed {
        alive: true,
        cancel: vec![(id(1), lease)],
        ..orchestrator_core::store::Renewed::default()
    });
    assert!(matches!(source.ended(lease).await, ReportBody::Stopped { .. }));
    assert_eq!(source.kinds(lease), ["spawn", "wait", "stopped"]);
}

#[tokio::test(start_paused = true)]
async fn stopping_lets_tasks_end_and_then_closes_the_session() {
    let source = Scripted::new();
    let worker = source.run(agent("slow", |_: TaskContext, (): ()| async {
        sleep(Duration::from_secs(5)).await;
        Ok::<_, AgentError>("done")
    }));
    let lease = source.grant(id(1), task("slow"));
    source.until(|script| script.tasks.is_empty().then_some(())).await;
    worker.begin_stop(Duration::from_mins(1));
    tokio::task::yield_now().await;
    let left = source.grant(id(2), task("slow"));
    worker.stop(Duration::from_mins(1)).await.unwrap();
    assert_eq!(source.output(lease).await, json!("done"));
    assert!(source.kinds(left).is_empty(), "nothing new is claimed");
    assert_eq!(source.script().closed, 1);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_is_given_back() {
    let source = Scripted::new();
    let drops = Arc::new(AtomicUsize::new(0));
    let worker = source.start(
        agents([Arc::new(endless(&drops)) as _, Arc::new(polite()) as _]),
        WorkerConfig::default(),
    );
    let (a, b) = (
        source.grant(id(1), task("endless")),
        source.grant(id(2), task("polite")),
    );
    begun(&source).await;
    tokio::task::yield_now().await;
    let begin = Instant::now();
    worker.stop(Duration::from_secs(30)).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(40));
    for lease in [a, b] {
        assert!(matches!(source.ended(lease).await, ReportBody::Release { .. }));
    }
    assert_eq!((drops.load(Ordering::SeqCst), source.script().closed), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn aborting_drops_running_and_suspended_agents_at_once() {
    let source = Scripted::new();
    let drops = Arc::new(AtomicUsize::new(0));
    let count = drops.clone();
    let waits = agent("waits", move |ctx: TaskContext, (): ()| {
        let process = Counted(count.clone());
        async move {
            let _process = process;
            ctx.call::<i32>("c", task("work")).await
        }
    });
    let mut worker = source.start(
        agents([Arc::new(endless(&drops)) as _, Arc::new(waits) as _]),
        WorkerConfig::default(),
    );
    source.grant(id(1), task("endless"));
    let parked = source.grant(id(2), task("waits"));
    begun(&source).await;
    source.parked(parked).await;
    let said = source.script().reports.len();
    worker.abort();
    assert_eq!(worker.ended().await, Err(WorkerError::Aborted));
    tokio::task::yield_now().await;
    assert_eq!(drops.load(Ordering::SeqCst), 2);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(source.script().reports.len(), said);
    assert_eq!(source.script().closed, 0, "a crash says nothing");
    source.settle("c", Ok(json(json!(1))));
}

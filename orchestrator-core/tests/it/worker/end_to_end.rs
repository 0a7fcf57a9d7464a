//! Workers over the reference store: what agents do, and what is left when they crash.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use orchestrator_core::{
    Json, NewTask, Orchestrator, TaskContext, TaskError,
    agent::{AgentError, agent},
    clock::Sources,
    orchestrator::Config,
    protocol::{Decision, TaskState, Verdict},
    store::{ListQuery, Store, memory::MemoryStore},
    worker::WorkerConfig,
};
use tokio::time::{Instant, sleep};

use super::scripted::{json, sources, task};

/// What is left when a system crashes: its store, the time, and how often the work was done.
struct World {
    store: Arc<MemoryStore>,
    sources: Sources,
    work: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        Self {
            store: Arc::default(),
            sources: sources(),
            work: Arc::default(),
        }
    }

    fn done(&self) -> usize {
        self.work.load(Ordering::SeqCst)
    }
}

/// A system with an agent that counts how often it worked.
fn open(world: &World) -> Orchestrator {
    let config = Config {
        worker: WorkerConfig {
            slots: 4,
            grace: Duration::from_secs(1),
            ..WorkerConfig::default()
        },
        sources: world.sources.clone(),
        ..Config::default()
    };
    let store: Arc<dyn Store> = world.store.clone();
    let orchestrator = Orchestrator::with_store(store, config);
    let work = world.work.clone();
    let double = agent("double", move |_: TaskContext, n: u64| {
        let work = work.clone();
        async move {
            work.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_millis(10 * n)).await;
            Ok::<_, AgentError>(2 * n)
        }
    });
    orchestrator.register(double).unwrap();
    orchestrator
}

async fn only_session_expires() {
    sleep(Duration::from_secs(20)).await;
}

fn sums() -> impl orchestrator_core::Agent {
    agent("sums", |ctx: TaskContext, count: u64| async move {
        let mut sum = 0;
        for outcome in ctx.map::<_, u64>("part", "double", 0..count, 3).await? {
            sum += outcome?;
        }
        ctx.sleep("rest", Duration::from_mins(1)).await?;
        let last: u64 = ctx.call("last", NewTask::new("double", Json::of(&sum)?)).await?;
        Ok::<_, AgentError>(last)
    })
}

#[tokio::test(start_paused = true)]
async fn a_task_maps_sleeps_and_calls() {
    let world = World::new();
    let orchestrator = open(&world);
    orchestrator.register(sums()).unwrap();
    let begin = Instant::now();
    let sum: u64 = orchestrator.run("sums", &100).await.unwrap();
    assert_eq!(sum, 2 * 9_900);
    assert_eq!(world.done(), 101);
    assert!(begin.elapsed() >= Duration::from_mins(1));
    orchestrator.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_nothing_that_was_finished_is_done_again() {
    let world = World::new();
    let first = open(&world);
    first.register(sums()).unwrap();
    let handle = first.submit(NewTask::new("sums", json(20.into()))).await.unwrap();
    // Half a minute into the rest: all parts are done.
    sleep(Duration::from_secs(30)).await;
    assert_eq!(world.done(), 20);
    first.abort();
    let second = open(&world);
    second.register(sums()).unwrap();
    second.start().unwrap();
    let begin = Instant::now();
    let sum: u64 = second.task(handle.id()).output().await.unwrap();
    assert_eq!((sum, world.done()), (760, 21));
    assert!(
        begin.elapsed() < Duration::from_secs(45),
        "the rest did not start over: {:?}",
        begin.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_costs_one_more_run_of_what_was_under_way() {
    let world = World::new();
    let mut orchestrator = open(&world);
    orchestrator.register(sums()).unwrap();
    let handle = orchestrator
        .submit(NewTask::new("sums", json(40.into())))
        .await
        .unwrap();
    for crash in 1..=5 {
        sleep(Duration::from_millis(50 * crash)).await;
        orchestrator.abort();
        only_session_expires().await;
        orchestrator = open(&world);
        orchestrator.register(sums()).unwrap();
        orchestrator.start().unwrap();
    }
    let id = handle.id();
    let sum: u64 = orchestrator.task(id).output().await.unwrap();
    assert_eq!(sum, 2 * 2 * 780);
    let extra = world.done() - 41;
    assert!(
        extra <= 5 * 4,
        "at most the four slots' work was repeated with each crash, not {extra}"
    );
}

#[tokio::test(start_paused = true)]
async fn more_parents_wait_than_there_are_slots() {
    let world = World::new();
    let orchestrator = open(&world);
    orchestrator
        .register(agent("nests", |ctx: TaskContext, depth: u64| async move {
            let below: u64 = match depth {
                0 => ctx.call("leaf", NewTask::new("double", Json::of(&1)?)).await?,
                _ => {
                    ctx.call("below", NewTask::new("nests", Json::of(&(depth - 1))?))
                        .await?
                }
            };
            Ok::<_, AgentError>(below + 1)
        }))
        .unwrap();
    let deep: u64 = orchestrator.run("nests", &50).await.unwrap();
    assert_eq!(deep, 53);
}

#[tokio::test(start_paused = true)]
async fn a_race_keeps_the_first_and_cancels_the_others() {
    let world = World::new();
    let orchestrator = open(&world);
    orchestrator
        .register(agent("races", |ctx: TaskContext, (): ()| async move {
            let tasks = [5_000_u64, 1, 9_000].map(|n| NewTask::new("double", json(n.into())));
            ctx.race::<u64>("r", tasks).await
        }))
        .unwrap();
    let begin = Instant::now();
    let won: (usize, u64) = orchestrator.run("races", &()).await.unwrap();
    assert_eq!(won, (1, 2));
    assert!(begin.elapsed() < Duration::from_secs(5));
    // The losers run on until their grace is over, and are then cancelled.
    sleep(Duration::from_secs(5)).await;
    let query = ListQuery {
        states: vec![TaskState::Cancelled],
        ..ListQuery::default()
    };
    assert_eq!(orchestrator.engine().store.list(query).await.unwrap().items.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_person_decides() {
    let world = World::new();
    let orchestrator = open(&world);
    orchestrator
        .register(agent("asks", |ctx: TaskContext, (): ()| async move {
            ctx.checkpoint("Publish?", "text").await
        }))
        .unwrap();
    let handle = orchestrator.submit(task("asks")).await.unwrap();
    sleep(Duration::from_hours(24)).await;
    let tree = orchestrator.engine().store.tree(handle.id()).await.unwrap();
    assert_eq!(tree.tasks[0].state, TaskState::Waiting);
    let decision = Decision {
        decision: Verdict::Accept,
        feedback: "well done".to_owned(),
    };
    orchestrator.engine().decide(tree.tasks[1].id, &decision).await.unwrap();
    assert_eq!(handle.output::<Decision>().await.unwrap(), decision);
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_tree_stops_what_runs_and_what_waits() {
    let world = World::new();
    let orchestrator = open(&world);
    orchestrator
        .register(agent("waits", |ctx: TaskContext, (): ()| async move {
            ctx.call::<u64>("long", NewTask::new("double", Json::of(&1_000_000)?))
                .await
                .map_err(AgentError::from)
        }))
        .unwrap();
    let handle = orchestrator.submit(task("waits")).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    handle.cancel("changed my mind").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let tree = orchestrator.engine().store.tree(handle.id()).await.unwrap();
    let states: Vec<TaskState> = tree.tasks.iter().map(|t| t.state).collect();
    assert_eq!(states, [TaskState::Cancelled; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_retried_task_goes_on_from_its_finished_steps() {
    let world = World::new();
    let orchestrator = open(&world);
    let steps = world.work.clone();
    orchestrator
        .register(agent("flaky", move |ctx: TaskContext, (): ()| {
            let steps = steps.clone();
            async move {
                let first = || async { Ok::<_, TaskError>(steps.fetch_add(1, Ordering::SeqCst)) };
                ctx.step("first", first).await?;
                if ctx.attempt() < 3 {
                    return Err(TaskError::retryable("not yet"));
                }
                Ok(ctx.attempt())
            }
        }))
        .unwrap();
    let attempt: u32 = orchestrator.run("flaky", &()).await.unwrap();
    assert_eq!((attempt, world.done()), (3, 1));
}

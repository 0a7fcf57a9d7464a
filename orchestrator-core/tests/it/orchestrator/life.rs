//! From the first task to the shutdown: what is started when, and that nothing is left.

use std::{sync::Arc, time::Duration};

use orchestrator_core::{
    AgentError, Error, Json, NewTask, Orchestrator, TaskContext, agent,
    orchestrator::Config,
    protocol::TaskState,
    store::{ListQuery, Store, memory::MemoryStore},
    worker::{WorkerConfig, WorkerError},
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};

use crate::worker::scripted::{sources, task};

fn open(store: &Arc<MemoryStore>) -> Orchestrator {
    let config = Config {
        sources: sources(),
        worker: WorkerConfig {
            grace: Duration::from_secs(1),
            ..WorkerConfig::default()
        },
        ..Config::default()
    };
    let store: Arc<dyn Store> = store.clone();
    let orchestrator = Orchestrator::with_store(store, config);
    let naps = agent("naps", |_: TaskContext, ms: u64| async move {
        sleep(Duration::from_millis(ms)).await;
        Ok::<_, AgentError>(ms)
    });
    let asks = agent("asks", |ctx: TaskContext, (): ()| async move {
        ctx.checkpoint("Publish?", "text").await
    });
    let rests = agent("rests", |ctx: TaskContext, (): ()| async move {
        ctx.sleep("rest", Duration::from_hours(1)).await
    });
    orchestrator.register(naps).unwrap();
    orchestrator.register(asks).unwrap();
    orchestrator.register(rests).unwrap();
    orchestrator
}

fn nap(ms: u64) -> NewTask {
    NewTask::new("naps", Json::of(&ms).unwrap())
}

/// How many tasks of Tokio's there are.
async fn alive() -> usize {
    // Those that were aborted are dropped when they are next looked at.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn who_only_looks_starts_nothing() {
    let store = Arc::new(MemoryStore::new());
    let viewer = open(&store);
    viewer.engine().submit(vec![nap(1)]).await.unwrap();
    viewer.engine().list(ListQuery::default()).await.unwrap();
    viewer.engine().stats().await.unwrap();
    assert_eq!(alive().await, 0);
    assert!(viewer.engine().workers().await.unwrap().is_empty());
    viewer.shutdown(Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_what_runs_end_and_leaves_nothing() {
    let store = Arc::new(MemoryStore::new());
    let orchestrator = open(&store);
    let (naps, asks, rests) = (
        orchestrator.submit(nap(3000)).await.unwrap(),
        orchestrator.submit(task("asks")).await.unwrap(),
        orchestrator.submit(task("rests")).await.unwrap(),
    );
    sleep(Duration::from_millis(100)).await;
    let begin = Instant::now();
    let waits = tokio::spawn({
        let naps = naps.clone();
        async move { naps.output::<u64>().await }
    });
    let never = tokio::spawn(async move { asks.output::<u64>().await });
    sleep(Duration::from_millis(1)).await;
    orchestrator.shutdown(Duration::from_secs(10)).await;
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "it ends when the last has: {:?}",
        begin.elapsed()
    );
    assert_eq!(waits.await.unwrap().unwrap(), 3000);
    assert_eq!(never.await.unwrap(), Err(Error::ShutDown));
    assert_eq!(rests.settled().await, Err(Error::ShutDown));
    assert_eq!(alive().await, 0);
    assert!(store.sessions().await.unwrap().is_empty());
    let states: Vec<TaskState> = store
        .list(ListQuery {
            roots_only: true,
            ..ListQuery::default()
        })
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|task| task.state)
        .collect();
    assert_eq!(states, [TaskState::Waiting, TaskState::Waiting, TaskState::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_is_given_back_and_goes_on_elsewhere() {
    let store = Arc::new(MemoryStore::new());
    let first = open(&store);
    let long = first.submit(nap(60_000)).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let begin = Instant::now();
    first.shutdown(Duration::from_secs(2)).await;
    assert!(begin.elapsed() <= Duration::from_secs(4), "{:?}", begin.elapsed());
    assert_eq!(alive().await, 0);
    assert_eq!(store.get(long.id()).await.unwrap().unwrap().state, TaskState::Ready);
    let second = open(&store);
    second.start().unwrap();
    assert_eq!(second.task(long.id()).output::<u64>().await.unwrap(), 60_000);
}

#[tokio::test(start_paused = true)]
async fn after_the_shutdown_nothing_starts_again() {
    let store = Arc::new(MemoryStore::new());
    let orchestrator = open(&store);
    assert_eq!(orchestrator.run::<u64>("naps", &1).await.unwrap(), 1);
    orchestrator.shutdown(Duration::from_secs(1)).await;
    assert_eq!(orchestrator.run::<u64>("naps", &1).await, Err(Error::ShutDown));
    assert!(orchestrator.submit_all(vec![nap(1)]).await.is_err());
    assert_eq!(orchestrator.start(), Err(Error::ShutDown));
    let late = agent("late", |_: TaskContext, (): ()| async move { Ok::<_, AgentError>(()) });
    assert_eq!(orchestrator.register(late), Err(Error::ShutDown));
    orchestrator.shutdown(Duration::from_secs(1)).await;
    assert_eq!(alive().await, 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_clone_drops_everything_and_tells_who_waits() {
    let store = Arc::new(MemoryStore::new());
    let orchestrator = open(&store);
    let clone = orchestrator.clone();
    let handle = orchestrator.submit(nap(60_000)).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    drop(orchestrator);
    assert!(alive().await > 0);
    let waits = tokio::spawn({
        let handle = handle.clone();
        async move { handle.settled().await }
    });
    sleep(Duration::from_secs(1)).await;
    drop(clone);
    assert_eq!(waits.await.unwrap(), Err(Error::ShutDown));
    assert_eq!(alive().await, 0);
    // As after a crash: the session ends in silence, and the task is run again.
    assert_eq!(handle.get().await.unwrap().state, TaskState::Running);
    let next = open(&store);
    next.start().unwrap();
    assert_eq!(next.task(handle.id()).output::<u64>().await.unwrap(), 60_000);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_is_dropped_aborts() {
    let store = Arc::new(MemoryStore::new());
    let orchestrator = open(&store);
    orchestrator.submit(nap(60_000)).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let patience = Duration::from_secs(1);
    let ended = tokio::time::timeout(patience, orchestrator.shutdown(Duration::from_secs(30))).await;
    assert!(ended.is_err());
    assert_eq!(alive().await, 0);
    assert_eq!(orchestrator.start(), Err(Error::ShutDown));
}

#[tokio::test(start_paused = true)]
async fn agents_are_registered_before_the_start() {
    let orchestrator = open(&Arc::default());
    orchestrator.start().unwrap();
    orchestrator.start().unwrap();
    let late = || agent("late", |_: TaskContext, (): ()| async move { Ok::<_, AgentError>(()) });
    assert_eq!(orchestrator.register(late()), Err(Error::Started));
    orchestrator.abort();
    assert_eq!(alive().await, 0);
    orchestrator.register(late()).unwrap();
    orchestrator.run::<()>("late", &()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_makes_no_sense_is_refused() {
    let mut config = Config::default();
    config.source.ttl = Duration::ZERO;
    config.source.poll = Duration::ZERO;
    let orchestrator = Orchestrator::with_store(Arc::new(MemoryStore::new()), config);
    match orchestrator.start() {
        Err(Error::Worker(WorkerError::Config(problems))) => assert_eq!(problems.len(), 2),
        other => panic!("{other:?}"),
    }
    assert_eq!(alive().await, 0);
}

//! Running agents, and being told at once when nobody can.

use std::{sync::Arc, time::Duration};

use orchestrator_core::{
    AgentError, Error, Json, NewTask, Orchestrator, TaskContext, agent,
    orchestrator::Config,
    protocol::{ErrorClass, EventType, TaskError, TaskRef, TaskState},
    store::memory::MemoryStore,
    worker::WorkerConfig,
};
use tokio::time::{Instant, timeout};

use crate::{
    service::world::{deaf, engine},
    worker::scripted::{json, sources, task},
};

fn config() -> Config {
    Config {
        sources: sources(),
        ..Config::default()
    }
}

fn open() -> Orchestrator {
    Orchestrator::with_store(Arc::new(MemoryStore::new()), config())
}

/// Adds what two calls to `double` give.
fn sum(orchestrator: &Orchestrator) {
    let double = agent(
        "double",
        |_: TaskContext, n: u64| async move { Ok::<_, AgentError>(2 * n) },
    );
    let sum = agent("sum", |ctx: TaskContext, (a, b): (u64, u64)| async move {
        let a: u64 = ctx.call("a", NewTask::new("double", Json::of(&a)?)).await?;
        let b: u64 = ctx.call("b", NewTask::new("double", Json::of(&b)?)).await?;
        Ok::<_, AgentError>(a + b)
    });
    orchestrator.register(double).unwrap();
    orchestrator.register(sum).unwrap();
}

#[tokio::test(start_paused = true)]
async fn agents_call_each_other() {
    let orchestrator = open();
    sum(&orchestrator);
    let begin = Instant::now();
    let got: u64 = orchestrator.run("sum", &(1, 2)).await.unwrap();
    assert_eq!(got, 6);
    assert!(
        begin.elapsed() < Duration::from_millis(100),
        "nobody had to poll: {:?}",
        begin.elapsed()
    );
    assert_eq!(orchestrator.task_types(), ["double", "sum"]);
}

/// Every wake-up and event is lost: it takes seconds, and gives the same.
#[tokio::test(start_paused = true)]
async fn on_a_deaf_bus_they_do_too() {
    let orchestrator = Orchestrator::with_engine(deaf(), config());
    sum(&orchestrator);
    let begin = Instant::now();
    let got: u64 = orchestrator.run("sum", &(1, 2)).await.unwrap();
    assert_eq!(got, 6);
    assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_type_that_nobody_runs_is_refused_at_once() {
    let orchestrator = open();
    let begin = Instant::now();
    let refused = orchestrator.run::<u64>("summarise", &()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no agent runs tasks of the type `summarise`; no agent is registered"
    );
    sum(&orchestrator);
    let refused = orchestrator.run::<u64>("summarise", &()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no agent runs tasks of the type `summarise`; registered are double, sum"
    );
    assert!(matches!(refused, Error::UnknownAgent { .. }));
    let batch = vec![task("double"), task("summarise")];
    assert!(orchestrator.submit_all(batch).await.is_err());
    assert_eq!(begin.elapsed(), Duration::ZERO);
    let nothing = orchestrator.engine().stats().await.unwrap();
    assert_eq!(nothing.by_state.values().sum::<u64>(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_the_worker_leaves_out_runs_nothing() {
    let config = |labels: &[&str]| Config {
        worker: WorkerConfig {
            labels: labels.iter().map(|l| (*l).to_owned()).collect(),
            ..WorkerConfig::default()
        },
        ..config()
    };
    let picky = || {
        let run = |_: TaskContext, n: u64| async move { Ok::<_, AgentError>(n) };
        agent("picky", run).requires(["gpu", "tool:git"])
    };
    let without = Orchestrator::with_store(Arc::new(MemoryStore::new()), config(&["tool:git"]));
    without.register(picky()).unwrap();
    let refused = without.run::<u64>("picky", &1).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no agent runs tasks of the type `picky`; its agent is left out, since the worker does not offer gpu"
    );
    let with = Orchestrator::with_store(Arc::new(MemoryStore::new()), config(&["tool:git", "gpu"]));
    with.register(picky()).unwrap();
    assert_eq!(with.run::<u64>("picky", &1).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_end_is_an_error_of_its_own() {
    let orchestrator = open();
    let fails = agent("fails", |_: TaskContext, class: ErrorClass| async move {
        Err::<u64, _>(TaskError::new(class, "it did not work"))
    });
    orchestrator.register(fails).unwrap();
    let mut once = NewTask::new("fails", Json::of(&ErrorClass::Terminal).unwrap());
    let failed = orchestrator.submit(once.clone()).await.unwrap();
    match failed.output::<u64>().await.unwrap_err() {
        Error::TaskFailed { task, error } => {
            assert_eq!((task, error.message.as_str()), (failed.id(), "it did not work"));
        }
        other => panic!("{other:?}"),
    }
    once.input = Json::of(&ErrorClass::NeedsAttention).unwrap();
    let helpless = orchestrator.submit(once).await.unwrap();
    let error = helpless.output::<u64>().await.unwrap_err();
    assert!(matches!(&error, Error::NeedsAttention { message, .. } if message == "it did not work"));
    let outside = orchestrator.submit(task("external")).await.unwrap();
    outside.cancel("changed my mind").await.unwrap();
    assert!(matches!(
        outside.output::<u64>().await,
        Err(Error::TaskCancelled { .. })
    ));
    let misfit = orchestrator.submit(task("external")).await.unwrap();
    let output = orchestrator_core::protocol::ExternalResult::Output(json("text".into()));
    orchestrator.engine().complete(misfit.id(), output).await.unwrap();
    let error = misfit.output::<u64>().await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("the output of task {} does not fit: ", misfit.id()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_depends_on_its_own() {
    let orchestrator = open();
    sum(&orchestrator);
    let mut first = NewTask::new("double", Json::of(&1).unwrap());
    first.local_ref = Some("first".to_owned());
    let mut second = NewTask::new("double", Json::of(&2).unwrap());
    second.depends_on = vec![TaskRef::Local("first".to_owned())];
    let handles = orchestrator.submit_all(vec![second, first]).await.unwrap();
    let outputs = (
        handles[0].output::<u64>().await.unwrap(),
        handles[1].output::<u64>().await.unwrap(),
    );
    assert_eq!(outputs, (4, 2));
    let (second, first) = (handles[0].get().await.unwrap(), handles[1].get().await.unwrap());
    assert!(second.started_at >= first.finished_at);
    assert_eq!(handles[0].why().await.unwrap().reasons[0].code, "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_handle_follows_its_tree() {
    let orchestrator = open();
    sum(&orchestrator);
    let handle = orchestrator
        .submit(NewTask::new("sum", Json::of(&(1, 2)).unwrap()))
        .await
        .unwrap();
    let mut events = handle.events().await.unwrap();
    let mut created = 0;
    let ended = async {
        loop {
            let event = events.next().await.unwrap();
            created += usize::from(event.kind == EventType::TaskCreated);
            if event.task_id == Some(handle.id()) && event.body.state == Some(TaskState::Succeeded) {
                return;
            }
        }
    };
    timeout(Duration::from_secs(1), ended).await.unwrap();
    assert_eq!(created, 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_due_comes_due() {
    let orchestrator = open();
    sum(&orchestrator);
    let mut later = NewTask::new("double", Json::of(&1).unwrap());
    let after = Duration::from_millis(12_345);
    later.run_at = Some(orchestrator.engine().now().plus(after));
    let begin = Instant::now();
    let handle = orchestrator.submit(later).await.unwrap();
    handle.output::<u64>().await.unwrap();
    assert!(
        (after..after + Duration::from_millis(50)).contains(&begin.elapsed()),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn old_trees_are_forgotten_where_that_is_wanted() {
    let mut config = config();
    config.retention.keep = Some(Duration::from_hours(1));
    let orchestrator = Orchestrator::with_engine(engine(), config);
    sum(&orchestrator);
    let handle = orchestrator
        .submit(NewTask::new("sum", Json::of(&(1, 2)).unwrap()))
        .await
        .unwrap();
    handle.output::<u64>().await.unwrap();
    tokio::time::sleep(Duration::from_mins(55)).await;
    assert!(handle.get().await.is_ok());
    tokio::time::sleep(Duration::from_mins(20)).await;
    assert!(handle.get().await.is_err());
}

#[tokio::test]
async fn urls_that_are_not_ours_are_refused_in_words() {
    for (url, says) in [
        ("postgres://ada:secret@db/agents", "orchestrator-postgres"),
        ("https://ada:secret@example.org", "orchestrator-client"),
        ("mysql://ada:secret@db/agents", "`mysql` is not the URL of a store"),
        (
            "agents.db",
            "`agents.db` is not the URL of a store; use `memory:` or `sqlite:path/to/file.db`",
        ),
        ("memory:x", "is not the URL of a store"),
    ] {
        let error = Orchestrator::open(url).await.unwrap_err();
        assert!(matches!(error, Error::Url(_)));
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

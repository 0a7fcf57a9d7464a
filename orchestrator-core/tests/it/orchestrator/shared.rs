//! Several that share one SQLite file, as processes of one machine do: nothing but the file tells them of each other.

use std::time::Duration;

use orchestrator_core::{
    AgentError, Json, NewTask, Orchestrator, TaskContext, agent,
    protocol::{EventType, TaskState},
    store::{EventQuery, EventScope},
};
use tokio::time::{Instant, sleep, timeout};

/// Long enough for what a poll finds, and shorter than a session takes to end in silence.
const SOON: Duration = Duration::from_secs(10);

struct File {
    _folder: tempfile::TempDir,
    url: String,
}

fn file() -> File {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("agents.db").display());
    File { _folder: folder, url }
}

async fn open(file: &File) -> Orchestrator {
    let orchestrator = Orchestrator::open(&file.url).await.unwrap();
    let naps = agent("naps", |ctx: TaskContext, ms: u64| async move {
        tokio::select! {
            () = sleep(Duration::from_millis(ms)) => {}
            () = ctx.cancelled() => {}
        }
        Ok::<_, AgentError>(ms)
    });
    orchestrator.register(naps).unwrap();
    orchestrator
}

fn nap(ms: u64) -> NewTask {
    NewTask::new("naps", Json::of(&ms).unwrap())
}

#[tokio::test]
async fn a_task_is_submitted_here_run_there_and_watched_here() {
    let file = file();
    let (here, there) = (open(&file).await, open(&file).await);
    there.start().unwrap();
    let id = here.engine().submit_one(nap(10)).await.unwrap().id();
    let scope = EventScope::Tree(id);
    let query = EventQuery {
        scope,
        ..EventQuery::default()
    };
    let mut live = here.engine().live(query).await.unwrap();
    let output = timeout(SOON, here.task(id).output::<u64>()).await.unwrap();
    assert_eq!(output.unwrap(), 10);
    let mut states = Vec::new();
    while states.last() != Some(&TaskState::Succeeded) {
        let event = timeout(SOON, live.next()).await.unwrap().unwrap();
        assert_ne!(event.kind, EventType::Lagged);
        states.extend(event.body.state);
    }
    assert_eq!(states, [TaskState::Ready, TaskState::Running, TaskState::Succeeded]);
    assert!(
        here.engine().workers().await.unwrap().len() == 1,
        "who only looks is no worker"
    );
    there.shutdown(SOON).await;
    here.shutdown(SOON).await;
}

#[tokio::test]
async fn a_task_is_cancelled_from_elsewhere() {
    let file = file();
    let (here, there) = (open(&file).await, open(&file).await);
    let handle = there.submit(nap(60_000)).await.unwrap();
    while handle.get().await.unwrap().state != TaskState::Running {
        sleep(Duration::from_millis(5)).await;
    }
    here.task(handle.id()).cancel("from elsewhere").await.unwrap();
    let ended = timeout(SOON, handle.settled()).await.unwrap().unwrap();
    assert_eq!(ended.state, TaskState::Cancelled);
    there.shutdown(SOON).await;
    here.shutdown(SOON).await;
}

/// Whoever opens a file finds out that its worker is gone, and does not wait for the session to end in silence.
#[tokio::test]
async fn what_a_dead_process_ran_goes_on_at_once() {
    let file = file();
    let dies = open(&file).await;
    let id = dies.submit(nap(300)).await.unwrap().id();
    while dies.task(id).get().await.unwrap().state != TaskState::Running {
        sleep(Duration::from_millis(5)).await;
    }
    drop(dies);
    sleep(Duration::from_millis(50)).await;
    let begin = Instant::now();
    let next = open(&file).await;
    next.start().unwrap();
    let output = timeout(SOON, next.task(id).output::<u64>()).await.unwrap();
    assert_eq!(output.unwrap(), 300);
    assert!(begin.elapsed() < SOON);
    assert_eq!(next.task(id).get().await.unwrap().attempt, 2);
    next.shutdown(SOON).await;
}

#[tokio::test]
async fn a_shutdown_closes_the_file() {
    let file = file();
    let first = open(&file).await;
    assert_eq!(first.run::<u64>("naps", &1).await.unwrap(), 1);
    first.shutdown(SOON).await;
    assert!(first.engine().stats().await.is_err());
    let second = open(&file).await;
    assert_eq!(
        second.engine().stats().await.unwrap().by_state[&TaskState::Succeeded],
        1
    );
    assert!(second.engine().workers().await.unwrap().is_empty());
    second.shutdown(SOON).await;
}

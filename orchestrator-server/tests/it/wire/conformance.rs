//! One suite for every source of tasks: the engine in the same process, a server over a WebSocket, and over requests.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use orchestrator_client::Way;
use orchestrator_core::{
    protocol::{Decision, Json, NewTask, Privacy, TaskState, Verdict},
    service::{LocalSource, SourceConfig},
    worker::{WorkerHandle, source::SharedSource},
};
use tokio::time::{Instant, timeout};

use super::{
    agents::{Tally, registry},
    replica::{Ground, Replica, output, remote, until, work},
};

/// Where the tasks of a case come from.
#[derive(Debug, Clone, Copy)]
enum From {
    Here,
    Far(Way),
}

/// A server and one worker.
struct World {
    replica: Replica,
    tally: Tally,
    worker: WorkerHandle,
}

impl World {
    async fn new(from: From) -> Self {
        let replica = Replica::start(&Ground::default()).await;
        let tally = Tally::default();
        let source: SharedSource = match from {
            From::Here => {
                let source = Arc::new(LocalSource::new(replica.engine.clone(), SourceConfig::default()));
                let listens = source.clone();
                tokio::spawn(async move { listens.listen().await });
                source
            }
            From::Far(way) => remote(&replica.url(), way),
        };
        let worker = work(source, registry(&tally), 4);
        Self { replica, tally, worker }
    }

    async fn run<T: serde::de::DeserializeOwned>(&self, task_type: &str, input: impl serde::Serialize) -> T {
        let id = self.replica.submit(task_type, input).await;
        output(&self.replica.settled(id).await)
    }

    /// Every case ends like this: the worker stops in order, and nothing is left behind.
    async fn end(self) {
        self.worker
            .stop(Duration::from_secs(5))
            .await
            .expect("a worker that stops");
        assert_eq!(self.tally.repeated(), [], "finished steps are not done again");
        let sessions = self.replica.engine.store.sessions().await.expect("sessions");
        assert_eq!(sessions, [], "its session has ended");
    }
}

async fn maps_sleeps_and_calls(world: &World) {
    let last: u64 = world.run("sums", 10).await;
    assert_eq!(last, 2 * 90);
    assert_eq!(world.tally.total(), 11);
}

async fn a_race_keeps_the_first_and_cancels_the_others(world: &World) {
    let begin = Instant::now();
    let won: (usize, u64) = world.run("races", ()).await;
    assert_eq!(won, (1, 2));
    assert!(begin.elapsed() < Duration::from_secs(30));
    until("the losers are stopped", async || {
        (world.tally.stopped.load(Ordering::SeqCst) == 2).then_some(())
    })
    .await;
}

async fn a_person_decides(world: &World) {
    let id = world.replica.submit("asks", ()).await;
    let checkpoint = until("it asks", async || {
        let tree = world.replica.engine.tree(id).await.expect("a tree");
        tree.tasks.get(1).map(|task| task.id)
    })
    .await;
    let decision = Decision {
        decision: Verdict::Correct,
        feedback: "shorter".to_owned(),
    };
    world
        .replica
        .engine
        .decide(checkpoint, &decision)
        .await
        .expect("a decision");
    assert_eq!(output::<Decision>(&world.replica.settled(id).await), decision);
}

async fn a_retried_task_goes_on_from_its_finished_steps(world: &World) {
    assert_eq!(world.run::<u32>("flaky", ()).await, 3);
    assert_eq!(world.tally.total(), 1);
}

async fn a_child_may_give_nothing(world: &World) {
    assert_eq!(world.run::<String>("calls_nothing", ()).await, "nothing came of it");
}

async fn what_fails_says_why(world: &World) {
    let id = world.replica.submit("fails", ()).await;
    let task = world.replica.settled(id).await;
    let error = task.error.expect("an error");
    assert_eq!(task.state, TaskState::Failed);
    assert_eq!(error.message, "it cannot be done");
    assert_eq!(error.detail, serde_json::json!({"exit": 3}));
}

async fn cancelling_a_tree_stops_what_runs_and_what_waits(world: &World) {
    let id = world.replica.submit("waits", ()).await;
    until("the child runs", async || (world.tally.total() == 1).then_some(())).await;
    let begin = Instant::now();
    world
        .replica
        .engine
        .cancel(id, "changed my mind")
        .await
        .expect("a task");
    until("all is cancelled", async || {
        let tree = world.replica.engine.tree(id).await.expect("a tree");
        tree.tasks
            .iter()
            .all(|task| task.state == TaskState::Cancelled)
            .then_some(())
    })
    .await;
    // At once, not with the next heartbeat.
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    assert_eq!(world.tally.stopped.load(Ordering::SeqCst), 1);
}

async fn no_more_run_than_there_are_slots(world: &World) {
    let mut tasks = Vec::new();
    for _ in 0..40 {
        tasks.push(world.replica.submit("count", 5).await);
    }
    for id in tasks {
        assert_eq!(output::<u64>(&world.replica.settled(id).await), 10);
    }
    assert!(world.tally.most.load(Ordering::SeqCst) <= 4);
}

/// Tasks start when they are submitted, not when someone looks.
async fn an_idle_worker_is_woken_at_once(world: &World) {
    world.run::<u64>("count", 0).await;
    let mut waits = Vec::new();
    for _ in 0..10 {
        let begin = Instant::now();
        world.run::<u64>("count", 0).await;
        waits.push(begin.elapsed());
    }
    waits.sort();
    assert!(waits[5] < Duration::from_millis(100), "{waits:?}");
}

async fn what_it_may_not_run_it_does_not_get(world: &World) {
    let mut spec = NewTask::new("nothing", Json::NULL);
    spec.privacy = Privacy::Sensitive;
    let id = world.replica.engine.submit_one(spec).await.expect("a task").id();
    world.run::<u64>("count", 1).await;
    assert_eq!(
        world.replica.engine.get(id).await.expect("a task").state,
        TaskState::Ready
    );
}

async fn a_drained_worker_finishes_and_takes_nothing(world: &World) {
    let running = world.replica.submit("count", 300).await;
    until("it runs", async || (world.tally.total() == 1).then_some(())).await;
    let workers = world.replica.engine.workers().await.expect("workers");
    world.replica.engine.drain(workers[0].id).await.expect("a worker");
    until("the worker knows", async || world.worker.is_draining().then_some(())).await;
    let late = world.replica.submit("count", 1).await;
    assert_eq!(output::<u64>(&world.replica.settled(running).await), 600);
    let waiting = timeout(Duration::from_millis(300), world.replica.engine.settled(late)).await;
    assert!(waiting.is_err(), "nobody takes it: {waiting:?}");
}

macro_rules! suite {
    ($($case:ident)*) => {
        suite!(@source here, From::Here, $($case)*);
        suite!(@source web_socket, From::Far(Way::WebSocket), $($case)*);
        suite!(@source long_poll, From::Far(Way::LongPoll), $($case)*);
    };
    (@source $module:ident, $from:expr, $($case:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let world = World::new($from).await;
                    super::$case(&world).await;
                    world.end().await;
                }
            )*
        }
    };
}

suite! {
    maps_sleeps_and_calls
    a_race_keeps_the_first_and_cancels_the_others
    a_person_decides
    a_retried_task_goes_on_from_its_finished_steps
    a_child_may_give_nothing
    what_fails_says_why
    cancelling_a_tree_stops_what_runs_and_what_waits
    no_more_run_than_there_are_slots
    an_idle_worker_is_woken_at_once
    what_it_may_not_run_it_does_not_get
    a_drained_worker_finishes_and_takes_nothing
}

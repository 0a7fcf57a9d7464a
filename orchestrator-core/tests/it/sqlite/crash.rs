//! Processes that are killed, and a disk that is full.

use std::time::Duration;

use orchestrator_core::{
    clock::{Clock, SystemClock},
    store::{
        Store, StoreError,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use orchestrator_protocol::{Json, NewTask, TaskId, TaskState};

use super::{Place, START, batch, claim, completed, noop, process, session, submit};

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let place = Place::new();
    place.open().await.close().await;
    let mut submitter = process::start("submit", &place.path());
    let mut acknowledged: Vec<TaskId> = Vec::new();
    for _ in 0..200 {
        acknowledged.push(submitter.said().expect("a task").parse().expect("an id"));
    }
    submitter.kill();
    let store = place.open().await;
    for task in acknowledged {
        assert!(
            store.get(task).await.expect("a read").is_some(),
            "task {task} was acknowledged"
        );
    }
    // The store is whole: everything that is counted can be claimed.
    let count = store.stats(START).await.expect("stats").by_state[&TaskState::Ready] as usize;
    let worker = session(&store).await;
    let leases = claim(&store, worker, 10_000).await;
    assert_eq!(leases.len(), count);
    store
        .report(leases.iter().map(completed).collect(), START)
        .await
        .expect("a report");
}

#[tokio::test]
async fn the_tasks_of_a_killed_process_go_on_at_once() {
    let place = Place::new();
    let store = place.open().await;
    submit(&store, 10).await;
    let mut holder = process::start("hold", &place.path());
    assert_eq!(holder.number(), 10);
    let now = SystemClock.now();
    assert_eq!(store.reap(now).await.expect("it looks").value, 0, "the process lives");
    let held = store.sessions().await.expect("sessions");
    let owner = held[0].owner.clone().expect("an owner");
    assert!(store.is_alive(&owner) && store.owner() != Some(owner.clone()));
    holder.kill();
    assert!(!store.is_alive(&owner));
    let reaped = store.reap(now).await.expect("it looks");
    assert!(reaped.value == 1 && reaped.ready && !reaped.events.is_empty());
    let worker = session(&store).await;
    let leases = claim(&store, worker, 100).await;
    assert_eq!(leases.len(), 10);
    assert!(leases.iter().all(|l| l.attempt == 2));
    assert!(store.is_alive(&store.owner().expect("an owner")));
}

#[tokio::test]
async fn leases_grow_over_restarts() {
    let place = Place::new();
    let mut last = 0;
    for _ in 0..3 {
        let store = place.open().await;
        submit(&store, 2).await;
        let worker = session(&store).await;
        for leased in claim(&store, worker, 2).await {
            assert!(leased.lease.0 > last);
            last = leased.lease.0;
        }
        store.close().await;
    }
}

fn large(bytes: usize) -> NewTask {
    let input = Json::parse(format!("\"{}\"", "x".repeat(bytes))).expect("JSON");
    NewTask::new("noop", input)
}

#[tokio::test]
async fn a_full_disk_keeps_what_is_there_and_recovers() {
    let place = Place::new();
    let options = SqliteOptions {
        max_bytes: Some((1 << 20) + 12_288),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(place.path(), options).await.expect("it opens");
    let mut kept = Vec::new();
    let error = loop {
        match store.submit(batch([large(50_000), noop()])).await {
            Ok(stored) => kept.extend(stored.value.iter().map(orchestrator_core::store::SubmittedTask::id)),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, StoreError::Full(_)) && error.is_transient(),
        "{error:?}"
    );
    assert!(error.to_string().contains("is kept"), "{error}");
    assert!(kept.len() > 20);
    for task in &kept {
        assert!(store.get(*task).await.expect("a read").is_some());
    }
    // What is small still fits: work goes on, and makes room.
    let worker = session(&store).await;
    let leases = claim(&store, worker, 1000).await;
    assert_eq!(leases.len(), kept.len());
    store
        .report(leases.iter().map(completed).collect(), START)
        .await
        .expect("a report");
    store
        .submit(batch([large(50_000)]))
        .await
        .expect_err("there is no room yet");
    let later = START.plus(Duration::from_secs(1));
    assert_eq!(store.prune(later, 1000).await.expect("it forgets"), kept.len());
    store.submit(batch([large(50_000)])).await.expect("there is room again");
}

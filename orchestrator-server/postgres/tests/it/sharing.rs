//! Several processes on one database, and a database that goes away.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use orchestrator_core::{
    clock::{Clock, Ids, SystemClock, SystemIds},
    store::{
        Claim, EventQuery, Intervention, OpenSession, ReportAck, ReportBody, ReportItem, Store, StoreError, Submission,
        Submit,
    },
};
use orchestrator_postgres::{PostgresOptions, PostgresStore};
use orchestrator_protocol::{Json, LeaseId, NewTask, SessionId, TaskId, TaskState};
use orchestrator_testkit::proxy::Proxy;
use sqlx::{Connection, Executor};

use super::place::{Place, shared};

async fn submit(store: &dyn Store, count: usize) -> Vec<TaskId> {
    let tasks = (0..count).map(|n| Submission {
        id: SystemIds.task(),
        task: Arc::new(NewTask::new("noop", Json::of(&n).expect("JSON"))),
    });
    let tasks = tasks.collect();
    let now = SystemClock.now();
    let stored = store.submit(Submit { tasks, now }).await.expect("they are stored");
    stored
        .value
        .iter()
        .map(orchestrator_core::store::SubmittedTask::id)
        .collect()
}

async fn session(store: &dyn Store) -> SessionId {
    let session = SystemIds.session();
    let open = OpenSession {
        session,
        worker: SystemIds.worker(),
        name: "w".to_owned(),
        labels: BTreeSet::new(),
        task_types: ["noop".to_owned()].into(),
        slots: 1000,
        ttl: Duration::from_mins(5),
        owner: None,
        now: SystemClock.now(),
    };
    store.open_session(open).await.expect("a session");
    session
}

async fn claim(store: &dyn Store, session: SessionId, credit: usize) -> Vec<(TaskId, LeaseId)> {
    let now = SystemClock.now();
    let claim = Claim {
        session,
        credit,
        now,
        policy: orchestrator_core::domain::placement::Policy::default(),
    };
    let leased = store.claim(claim).await.expect("a claim");
    leased.value.iter().map(|task| (task.id, task.lease)).collect()
}

fn done((task, lease): (TaskId, LeaseId)) -> ReportItem {
    ReportItem {
        task,
        lease,
        number: 1,
        body: ReportBody::Complete {
            output: Json::NULL,
            wall_s: 0.0,
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_look_for_tasks_at_once_are_each_told_of_theirs() {
    let place = Place::new().await;
    let store: Arc<dyn Store> = Arc::new(place.open().await);
    let mut ids = submit(&*store, 30).await;
    // One of them is nowhere.
    ids.push(SystemIds.task());
    let askers = (0..600).map(|n| {
        let (store, id) = (store.clone(), ids[n % ids.len()]);
        tokio::spawn(async move { (n, id, store.get(id).await) })
    });
    for asker in askers.collect::<Vec<_>>() {
        let (n, id, found) = asker.await.expect("no panic");
        let found = found.expect("the store answers");
        assert_eq!(found.is_some(), n % ids.len() != 30);
        assert!(found.is_none_or(|task| task.id == id));
    }
    // Somebody who goes away leaves the others their answers.
    let impatient = ids
        .iter()
        .map(|id| tokio::time::timeout(Duration::ZERO, store.get(*id)));
    futures::future::join_all(impatient).await;
    assert_eq!(
        store.get(ids[0]).await.expect("it answers").map(|task| task.id),
        Some(ids[0])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_on_one_database_never_grant_the_same_twice() {
    const TASKS: usize = 300;
    let place = Place::new().await;
    let stores = [shared(&place).await, shared(&place).await, shared(&place).await];
    for store in &stores {
        submit(&**store, TASKS / 3).await;
    }
    let mut workers = tokio::task::JoinSet::new();
    for store in stores.iter().cycle().take(6).cloned() {
        workers.spawn(async move {
            let session = session(&*store).await;
            let mut mine = Vec::new();
            loop {
                let granted = claim(&*store, session, 7).await;
                if granted.is_empty() {
                    return mine;
                }
                let items = granted.iter().copied().map(done).collect();
                let acks = store.report(items, SystemClock.now()).await.expect("a report");
                assert!(acks.value.iter().all(|ack| *ack == ReportAck::Accepted));
                mine.extend(granted);
            }
        });
    }
    let all: Vec<(TaskId, LeaseId)> = workers.join_all().await.into_iter().flatten().collect();
    let tasks: BTreeSet<_> = all.iter().map(|(task, _)| *task).collect();
    let leases: BTreeSet<_> = all.iter().map(|(_, lease)| *lease).collect();
    assert_eq!((all.len(), tasks.len(), leases.len()), (TASKS, TASKS, TASKS));
    for store in &stores {
        let stats = store.stats(SystemClock.now()).await.expect("counts");
        assert_eq!(stats.by_state.get(&TaskState::Succeeded), Some(&(TASKS as u64)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_has_one_order_for_whoever_reads_it() {
    let place = Place::new().await;
    let (a, b) = (shared(&place).await, shared(&place).await);
    let reader = shared(&place).await;
    let writers = [a, b].map(|store| {
        tokio::spawn(async move {
            for _ in 0..40 {
                submit(&*store, 3).await;
            }
        })
    });
    // Who goes on from the last seq that they saw misses nothing, however writers take turns.
    let mut seen = Vec::new();
    let mut query = EventQuery::default();
    while seen.len() < 240 {
        let events = reader.events(query.clone()).await.expect("events");
        if let Some(last) = events.last() {
            query.after = last.seq;
        }
        seen.extend(events.iter().filter_map(|event| event.task_id));
    }
    for writer in writers {
        writer.await.expect("it writes");
    }
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (240, 240));
}

#[tokio::test]
async fn what_another_has_changed_is_seen_before_anything_is_decided() {
    let place = Place::new().await;
    let (a, b) = (shared(&place).await, shared(&place).await);
    let task = submit(&*a, 1).await[0];
    let before = b.foreign_changes().await.expect("a number");
    // Both have seen the task; then it changes behind b's back, again and again.
    for _ in 0..3 {
        let cancel = Intervention::Cancel {
            reason: "no".to_owned(),
        };
        a.intervene(task, cancel, SystemClock.now())
            .await
            .expect("it is cancelled");
        let retried = b.intervene(task, Intervention::Retry, SystemClock.now()).await;
        assert_eq!(retried.expect("it is retried").value.state, TaskState::Ready);
        let refused = a.intervene(task, Intervention::Retry, SystemClock.now()).await;
        assert!(matches!(refused, Err(StoreError::StateConflict { .. })), "{refused:?}");
    }
    assert_ne!(b.foreign_changes().await.expect("a number"), before);
}

#[tokio::test]
async fn a_cut_connection_is_made_anew() {
    let place = Place::new().await;
    let store = shared(&place).await;
    submit(&*store, 1).await;
    let mut beside = place.connect().await;
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname=current_database() and pid<>pg_backend_pid()";
    for _ in 0..3 {
        beside.execute(cut).await.expect("the connections are cut");
        let now = SystemClock.now();
        let task = Submission {
            id: SystemIds.task(),
            task: Arc::new(NewTask::new("noop", Json::NULL)),
        };
        let tasks = vec![task];
        let first = store.submit(Submit { tasks, now }).await;
        if let Err(error) = &first {
            assert!(error.is_transient(), "{error}");
            submit(&*store, 1).await;
        }
    }
    let session = session(&*store).await;
    assert_eq!(claim(&*store, session, 100).await.len(), 4);
    beside.close().await.ok();
}

#[tokio::test]
async fn a_connection_on_which_nobody_answers_any_more_is_made_anew() {
    let place = Place::new().await;
    let proxy = Proxy::before(place.address()).await;
    let options = PostgresOptions {
        readers: 2,
        acquire_timeout: Duration::from_millis(500),
        write_timeout: Duration::from_millis(500),
        ..PostgresOptions::default()
    };
    let opened = PostgresStore::open(&place.url_by(proxy.address), options).await;
    let store = opened.expect("the store opens");
    let task = submit(&store, 1).await[0];
    store.get(task).await.expect("it is read");
    proxy.strand();
    let lost = Submission {
        id: SystemIds.task(),
        task: Arc::new(NewTask::new("noop", Json::NULL)),
    };
    let lost = Submit {
        tasks: vec![lost],
        now: SystemClock.now(),
    };
    let error = store.submit(lost).await.expect_err("nobody answers");
    assert!(error.is_transient(), "{error}");
    submit(&store, 1).await;
    // A reader that was connected is tried once.
    let read = store.get(task).await;
    assert!(
        read.as_ref().is_ok() || read.as_ref().is_err_and(StoreError::is_transient),
        "{read:?}"
    );
    assert!(store.get(task).await.expect("it is read").is_some());
}

#[tokio::test]
async fn who_hangs_in_a_transaction_holds_nobody_up() {
    let place = Place::new().await;
    let store = shared(&place).await;
    submit(&*store, 50).await;
    // An open transaction that has looked at everything, and never ends.
    let mut idle = place.connect().await;
    idle.execute("begin isolation level repeatable read")
        .await
        .expect("a transaction");
    idle.execute("select count(*) from life").await.expect("a look");
    let session = session(&*store).await;
    let granted = claim(&*store, session, 50).await;
    assert_eq!(granted.len(), 50);
    let items = granted.into_iter().map(done).collect();
    store.report(items, SystemClock.now()).await.expect("a report");
    let pruned = store.prune(SystemClock.now().plus(Duration::from_secs(1)), 100).await;
    assert_eq!(pruned.expect("it forgets"), 50);
    idle.close().await.ok();
}

//! Several writers on one file, in one process and in several; requests that share a transaction.

use std::{collections::HashSet, sync::Arc, time::Duration};

use orchestrator_core::store::{Claim, EventQuery, Intervention, OpenSession, ReportAck, Store};
use orchestrator_protocol::{Seq, TaskState};

use super::{Place, START, claim, completed, open_session, process, session, submit};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_file_never_grant_the_same_twice() {
    let place = Place::new();
    let stores = [Arc::new(place.open().await), Arc::new(place.open().await)];
    submit(&*stores[0], 200).await;
    let mut workers = Vec::new();
    for store in &stores {
        let store = store.clone();
        workers.push(tokio::spawn(async move {
            let session = session(&*store).await;
            let mut granted = Vec::new();
            loop {
                let leases = claim(&*store, session, 7).await;
                if leases.is_empty() {
                    return granted;
                }
                let items = leases.iter().map(completed).collect();
                let acks = store.report(items, START).await.expect("a report").value;
                assert!(acks.iter().all(|ack| *ack == ReportAck::Accepted));
                granted.extend(leases.into_iter().map(|l| (l.id, l.lease)));
                submit(&*store, 1).await;
                if granted.len() > 150 {
                    return granted;
                }
            }
        }));
    }
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.expect("a worker"));
    }
    let tasks: HashSet<_> = all.iter().map(|(task, _)| task).collect();
    let leases: HashSet<_> = all.iter().map(|(_, lease)| lease).collect();
    assert_eq!((tasks.len(), leases.len()), (all.len(), all.len()));
    let query = EventQuery {
        limit: 100_000,
        ..EventQuery::default()
    };
    let seqs: Vec<Seq> = stores[1]
        .events(query)
        .await
        .expect("events")
        .iter()
        .map(|e| e.seq)
        .collect();
    assert_eq!(seqs.iter().collect::<HashSet<_>>().len(), seqs.len());
    let ended = stores[0].stats(START).await.expect("stats").by_state[&TaskState::Succeeded];
    assert_eq!(ended as usize, all.len());
}

/// A busy worker's tasks are read before it asks for them. What changes meanwhile, here or in another process, counts.
#[tokio::test]
async fn what_is_read_ahead_is_not_what_is_granted_whatever_happens() {
    let place = Place::new();
    let ids = submit(&place.open().await, 400).await;
    // Nothing of them is in the memory of these.
    let stores = [Arc::new(place.open().await), Arc::new(place.open().await)];
    let session = session(&*stores[0]).await;
    let mut granted = Vec::new();
    let mut cancelled = Vec::new();
    for round in 0.. {
        let claims = [claim(&*stores[0], session, 40), claim(&*stores[0], session, 20)];
        let leases = futures::future::join_all(claims).await.concat();
        if leases.is_empty() {
            break;
        }
        granted.extend(leases.iter().map(|leased| leased.id));
        // Two of those that come next, one of which the other process takes back.
        for (store, place) in [(&stores[0], 3), (&stores[1], 50)] {
            let next = ids
                .iter()
                .filter(|id| !granted.contains(id) && !cancelled.contains(*id));
            if let Some(id) = next.copied().nth(place).filter(|_| round % 2 == 0) {
                let cancel = Intervention::Cancel {
                    reason: "changed my mind".to_owned(),
                };
                store.intervene(id, cancel, START).await.expect("it is cancelled");
                cancelled.push(id);
            }
        }
        let items = leases.iter().map(completed).collect();
        let report = stores[0].report(items, START);
        let acks = if round < 6 {
            tokio::join!(report, submit(&*stores[round % 2], 1)).0
        } else {
            report.await
        };
        let acks = acks.expect("a report").value;
        assert!(acks.iter().all(|ack| *ack == ReportAck::Accepted));
    }
    assert!(cancelled.len() >= 4, "{cancelled:?}");
    assert!(cancelled.iter().all(|id| !granted.contains(id)));
    assert!(ids.iter().all(|id| granted.contains(id) != cancelled.contains(id)));
    assert_eq!(granted.iter().collect::<HashSet<_>>().len(), granted.len());
    let stats = stores[1].stats(START).await.expect("stats").by_state;
    assert_eq!(stats[&TaskState::Succeeded] as usize, granted.len());
    assert_eq!(stats[&TaskState::Cancelled] as usize, cancelled.len());
}

#[tokio::test]
async fn a_reader_that_follows_misses_nothing_of_two_writers() {
    let place = Place::new();
    let (one, two) = (place.open().await, place.open().await);
    let mut after = Seq(0);
    let mut seen = 0;
    for round in 0..20 {
        submit(if round % 2 == 0 { &one } else { &two }, 3).await;
        let query = EventQuery {
            after,
            ..EventQuery::default()
        };
        let events = one.events(query).await.expect("events");
        seen += events.len();
        after = events.last().map_or(after, |e| e.seq);
    }
    assert_eq!(seen, 60);
}

#[tokio::test]
async fn only_the_changes_of_others_are_foreign() {
    let place = Place::new();
    let (one, two) = (place.open().await, place.open().await);
    let seen = one.foreign_changes().await.expect("a number");
    submit(&one, 3).await;
    session(&one).await;
    assert_eq!(one.foreign_changes().await.expect("a number"), seen);
    submit(&two, 1).await;
    assert_ne!(one.foreign_changes().await.expect("a number"), seen);
}

#[tokio::test]
async fn a_new_offer_of_another_process_counts_at_once() {
    let place = Place::new();
    let (one, two) = (place.open().await, place.open().await);
    let worker = session(&one).await;
    assert!(claim(&one, worker, 1).await.is_empty());
    let offer = OpenSession {
        task_types: ["other".to_owned()].into(),
        ..open_session(worker)
    };
    two.open_session(offer).await.expect("a session");
    submit(&two, 1).await;
    assert!(claim(&one, worker, 1).await.is_empty());
    two.pause_queue("default".to_owned(), true).await.expect("paused");
    two.open_session(open_session(worker)).await.expect("a session");
    assert!(claim(&one, worker, 1).await.is_empty());
    two.pause_queue("default".to_owned(), false).await.expect("resumed");
    assert_eq!(claim(&one, worker, 1).await.len(), 1);
}

#[tokio::test]
async fn a_locked_file_is_waited_for_and_then_said() {
    use sqlx::{ConnectOptions, Executor, sqlite::SqliteConnectOptions};
    let place = Place::new();
    let options = orchestrator_core::store::sqlite::SqliteOptions {
        busy_timeout: Duration::from_millis(50),
        ..Default::default()
    };
    let store = orchestrator_core::store::sqlite::SqliteStore::open(place.path(), options)
        .await
        .expect("it opens");
    let task = submit(&store, 1).await[0];
    let other = SqliteConnectOptions::new().filename(place.path());
    let mut other = other.connect().await.expect("a connection");
    other.execute("begin immediate").await.expect("a lock");
    let error = store
        .pause_queue("default".to_owned(), true)
        .await
        .expect_err("it is locked");
    assert!(
        error.is_transient() && error.to_string().contains("another process"),
        "{error}"
    );
    assert!(store.get(task).await.expect("readers need no lock").is_some());
    other.execute("rollback").await.expect("the lock is given up");
    store
        .pause_queue("default".to_owned(), true)
        .await
        .expect("it works again");
}

#[tokio::test]
async fn requests_that_wait_share_a_transaction() {
    let place = Place::new();
    let store = Arc::new(place.open().await);
    submit(&*store, 1).await;
    let before = store.commits();
    let submits: Vec<_> = (0..300)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { submit(&*store, 1).await })
        })
        .collect();
    for submitted in submits {
        assert_eq!(submitted.await.expect("it is stored").len(), 1);
    }
    let commits = store.commits() - before;
    assert!(commits <= 10, "{commits} transactions for 300 requests at once");
    // One after the other they share nothing, and wait for nobody.
    let before = store.commits();
    for _ in 0..5 {
        submit(&*store, 1).await;
    }
    assert_eq!(store.commits() - before, 5);
}

#[tokio::test]
async fn one_bad_request_does_not_spoil_the_others() {
    let place = Place::new();
    let store = Arc::new(place.open().await);
    let first = super::batch([super::noop()]);
    store.submit(first.clone()).await.expect("it is stored");
    let requests: Vec<_> = (0..20)
        .map(|n| {
            let store = store.clone();
            // The same id again: storage refuses it.
            let submit = if n == 7 {
                first.clone()
            } else {
                super::batch([super::noop()])
            };
            tokio::spawn(async move { store.submit(submit).await })
        })
        .collect();
    let mut refused = 0;
    for request in requests {
        if let Err(error) = request.await.expect("an answer") {
            assert!(error.to_string().contains("id"), "{error}");
            refused += 1;
        }
    }
    assert_eq!(refused, 1);
    assert_eq!(store.stats(START).await.expect("stats").by_state[&TaskState::Ready], 20);
}

#[tokio::test]
async fn callers_that_leave_do_no_harm() {
    let place = Place::new();
    let store = place.open().await;
    let worker = session(&store).await;
    for _ in 0..20 {
        submit(&store, 1).await;
        let gone = store.claim(Claim {
            session: worker,
            credit: 1,
            now: START,
            policy: orchestrator_core::domain::placement::Policy::default(),
        });
        // Asked, and not listened to.
        tokio::time::timeout(Duration::ZERO, gone).await.ok();
    }
    let stats = store.stats(START).await.expect("stats");
    assert_eq!(stats.by_state.values().sum::<u64>(), 20);
    submit(&store, 1).await;
}

#[tokio::test]
async fn two_processes_share_a_file() {
    let place = Place::new();
    let store = place.open().await;
    submit(&store, 60).await;
    let mut others: Vec<_> = (0..2).map(|_| process::start("drain", &place.path())).collect();
    let worker = session(&store).await;
    let mut ours = 0;
    loop {
        let leases = claim(&store, worker, 2).await;
        if leases.is_empty() {
            break;
        }
        ours += leases.len();
        let acks = store
            .report(leases.iter().map(completed).collect(), START)
            .await
            .expect("a report")
            .value;
        assert!(acks.iter().all(|ack| *ack == ReportAck::Accepted));
    }
    let mut theirs = 0;
    for other in &mut others {
        theirs += other.number();
    }
    assert_eq!(ours + theirs, 60);
    assert_eq!(
        store.stats(START).await.expect("stats").by_state[&TaskState::Succeeded],
        60
    );
}

//! Claiming.

use std::{collections::HashSet, time::Duration};

use futures::future::join_all;
use orchestrator_core::store::OpenSession;
use orchestrator_protocol::{NewTask, Privacy, TaskState};

use crate::harness::{Harness, TTL, child, task};

/// Twice as many claimers as tasks: each task is granted to exactly one.
pub async fn each_task_is_granted_once(h: &Harness) {
    const TASKS: usize = 50;
    h.submit_all((0..TASKS).map(|_| task("a")).collect()).await;
    let mut sessions = Vec::new();
    for _ in 0..2 * TASKS {
        sessions.push(h.session(&["a"]).await);
    }
    let granted = join_all(sessions.iter().map(|s| h.claim(*s, 3))).await.concat();
    let tasks: HashSet<_> = granted.iter().map(|l| l.id).collect();
    let leases: HashSet<_> = granted.iter().map(|l| l.lease).collect();
    assert_eq!((granted.len(), tasks.len(), leases.len()), (TASKS, TASKS, TASKS));
    assert!(h.claim(sessions[0], 10).await.is_empty());
    for leased in granted {
        assert_eq!(leased.attempt, 1);
        assert_eq!(h.state(leased.id).await, TaskState::Running);
    }
}

pub async fn urgent_first_then_in_order(h: &Harness) {
    let with = |priority: u8| NewTask { priority, ..task("a") };
    let ids = h.submit_all([5, 1, 5, 10, 1, 5].map(with).to_vec()).await;
    let other = h
        .submit(NewTask {
            priority: 3,
            ..task("b")
        })
        .await;
    let session = h.session(&["a", "b"]).await;
    let order: Vec<_> = h.claim(session, 10).await.into_iter().map(|l| l.id).collect();
    assert_eq!(order, [ids[1], ids[4], other, ids[0], ids[2], ids[5], ids[3]]);
}

pub async fn age_beats_priority(h: &Harness) {
    let old = h
        .submit(NewTask {
            priority: 6,
            ..task("a")
        })
        .await;
    h.clock.advance(Duration::from_mins(9));
    let young = h
        .submit(NewTask {
            priority: 5,
            ..task("a")
        })
        .await;
    h.clock.advance(Duration::from_mins(2));
    let younger = h
        .submit(NewTask {
            priority: 5,
            ..task("a")
        })
        .await;
    let session = h.session(&["a"]).await;
    let order: Vec<_> = h.claim(session, 10).await.into_iter().map(|l| l.id).collect();
    assert_eq!(order, [young, old, younger]);
}

pub async fn only_what_fits(h: &Harness) {
    let a = h.submit(task("a")).await;
    h.submit(task("b")).await;
    let session = h.session(&["a", "c"]).await;
    assert_eq!(h.claim(session, 10).await.iter().map(|l| l.id).collect::<Vec<_>>(), [a]);
    let late = h.submit(task("c")).await;
    assert_eq!(h.claim_one(session).await.id, late, "a new kind of task is found");
}

pub async fn labels_and_privacy(h: &Harness) {
    let gpu = h
        .submit(NewTask {
            requires: vec!["gpu".into(), "memory_gb>=16".into()],
            ..task("a")
        })
        .await;
    let secret = h
        .submit(NewTask {
            privacy: Privacy::Sensitive,
            ..task("a")
        })
        .await;
    let plain = h.session(&["a"]).await;
    let small = h.session_with(&["a"], &["gpu", "memory_gb=8"]).await;
    let large = h.session_with(&["a"], &["gpu", "memory_gb=64"]).await;
    let local = h.session_with(&["a"], &["local"]).await;
    assert!(h.claim(plain, 10).await.is_empty());
    assert!(h.claim(small, 10).await.is_empty());
    assert_eq!(h.claim_one(large).await.id, gpu);
    assert_eq!(h.claim_one(local).await.id, secret);
}

/// A worker prefers the tasks that prefer what it offers; the others are not left to starve.
pub async fn preferences_order_and_do_not_exclude(h: &Harness) {
    let wants = |label: &str| NewTask {
        prefers: vec![label.into()],
        ..task("a")
    };
    let picky = h.submit(wants("gpu")).await;
    let easy = h.submit(task("a")).await;
    let late = h.submit(wants("gpu")).await;
    let plain = h.session(&["a"]).await;
    let with_gpu = h.session_with(&["a"], &["gpu"]).await;
    assert_eq!(h.claim_one(plain).await.id, easy);
    let easy = h.submit(task("a")).await;
    let order: Vec<_> = h.claim(with_gpu, 2).await.into_iter().map(|l| l.id).collect();
    assert_eq!(order, [picky, late]);
    assert_eq!(h.claim_one(with_gpu).await.id, easy);
    // Nobody better comes: it runs where it can.
    let picky = h.submit(wants("gpu")).await;
    h.clock.advance(Duration::from_mins(1));
    let easy = h.submit(task("a")).await;
    let order: Vec<_> = h.claim(plain, 2).await.into_iter().map(|l| l.id).collect();
    assert_eq!(order, [picky, easy]);
}

pub async fn what_is_below_a_run_stays_with_it(h: &Harness) {
    let other = h.session_with(&["a", "b"], &["gpu", "run:2"]).await;
    let own = h.session_with(&["a", "b"], &["gpu", "run:1"]).await;
    let root = h
        .submit(NewTask {
            requires: vec!["run:1".into(), "gpu".into()],
            privacy: Privacy::Normal,
            ..task("a")
        })
        .await;
    assert!(h.claim(other, 10).await.is_empty());
    let leased = h.claim_one(own).await;
    assert_eq!(leased.id, root);
    let below = h.spawn(&leased, vec![child(h, "below", task("b"))]).await[0].id;
    assert!(h.claim(other, 10).await.is_empty(), "it belongs to the other run");
    assert_eq!(
        h.get(below).await.requires,
        ["run:1"],
        "other requirements are each task's own"
    );
    assert_eq!(h.claim_one(own).await.id, below);
}

pub async fn credit_is_a_bound(h: &Harness) {
    h.submit_all((0..10).map(|i| task(if i % 2 == 0 { "a" } else { "b" })).collect())
        .await;
    let session = h.session(&["a", "b"]).await;
    assert!(h.claim(session, 0).await.is_empty());
    assert_eq!(h.claim(session, 3).await.len(), 3);
    assert_eq!(h.claim(session, 100).await.len(), 7);
}

pub async fn paused_queues_grant_nothing(h: &Harness) {
    h.submit(NewTask {
        queue: "nightly".into(),
        ..task("a")
    })
    .await;
    let free = h.submit(task("a")).await;
    let session = h.session(&["a"]).await;
    h.store.pause_queue("nightly".into(), true).await.expect("a pause");
    assert_eq!(
        h.claim(session, 10).await.iter().map(|l| l.id).collect::<Vec<_>>(),
        [free]
    );
    h.store.pause_queue("nightly".into(), false).await.expect("a resume");
    assert_eq!(h.claim(session, 10).await.len(), 1);
}

pub async fn a_session_can_change_what_it_offers(h: &Harness) {
    let session = h.session(&["a"]).await;
    h.submit(task("b")).await;
    assert!(h.claim(session, 1).await.is_empty());
    let open = OpenSession {
        session,
        worker: h.store.sessions().await.expect("sessions")[0].worker,
        name: "changed".into(),
        labels: std::collections::BTreeSet::new(),
        task_types: ["b".to_owned()].into(),
        slots: 2,
        ttl: TTL,
        owner: None,
        now: h.now(),
    };
    h.store.open_session(open).await.expect("a session");
    assert_eq!(h.claim(session, 1).await.len(), 1);
    let views = h.store.sessions().await.expect("sessions");
    assert_eq!(
        (views.len(), views[0].name.as_str(), views[0].running),
        (1, "changed", 1)
    );
}

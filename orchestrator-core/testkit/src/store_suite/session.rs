//! Sessions.

use std::{collections::BTreeSet, time::Duration};

use orchestrator_core::{
    clock::Ids as _,
    store::{Claim, OpenSession, Renewal, ReportAck, ReportBody, StoreError},
};
use orchestrator_protocol::{Event, EventType, Load, NewTask, TaskState, Worker, WorkerId, WorkerState};

use crate::harness::{Harness, TTL, task};

pub async fn silence_ends_a_session(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    assert_eq!(h.pass(TTL.saturating_sub(Duration::from_secs(1))).await.rescued, 0);
    assert_eq!(h.pass(Duration::from_secs(1)).await.rescued, 1);
    assert_eq!(h.state(leased.id).await, TaskState::Ready);
    assert!(h.store.sessions().await.expect("sessions").is_empty());
    assert!(!h.renew(session).await.alive);
    let why = h
        .events(leased.id)
        .await
        .pop()
        .expect("an event")
        .body
        .text
        .expect("a reason");
    assert!(why.contains("lost"), "{why}");
}

pub async fn heartbeats_keep_it(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    for _ in 0..10 {
        assert_eq!(h.pass(TTL / 2).await.rescued, 0);
        assert!(h.renew(session).await.alive);
    }
    h.complete(&leased).await;
}

pub async fn closing_gives_tasks_back(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    let closed = h.store.close_session(session, h.now()).await.expect("a close");
    assert!(closed.ready);
    h.store
        .close_session(session, h.now())
        .await
        .expect("closing twice is harmless");
    assert_eq!(h.report(&leased, ReportBody::Progress(0.1)).await, ReportAck::LeaseLost);
    let other = h.session(&["a"]).await;
    assert_eq!(h.claim_one(other).await.id, leased.id);
}

pub async fn unknown_sessions_claim_nothing(h: &Harness) {
    h.submit(task("a")).await;
    let session = h.session(&["a"]).await;
    h.lose_sessions().await;
    let refused = h
        .store
        .claim(Claim {
            session,
            credit: 1,
            now: h.now(),
            policy: orchestrator_core::domain::placement::Policy::default(),
        })
        .await;
    assert_eq!(refused.expect_err("it has ended"), StoreError::SessionLost(session));
    assert_eq!(h.all().await[0].state, TaskState::Ready);
}

pub async fn renewals_say_what_to_stop(h: &Harness) {
    let session = h.session(&["a"]).await;
    let (one, two) = (h.running(session, task("a")).await, h.running(session, task("a")).await);
    assert!(h.renew(session).await.cancel.is_empty());
    h.cancel(two.id).await;
    let renewed = h.renew(session).await;
    assert_eq!(renewed.cancel, [(two.id, two.lease)]);
    h.report(&two, ReportBody::Stopped { wall_s: 0.0 }).await;
    assert!(h.renew(session).await.cancel.is_empty());
    h.complete(&one).await;
}

/// A worker that did not hear what it was granted finds out by its heartbeats.
pub async fn renewals_say_what_is_held(h: &Harness) {
    let (session, other) = (h.session(&["a"]).await, h.session(&["a"]).await);
    let one = h.running(session, task("a")).await;
    let two = h.running(session, task("a")).await;
    let theirs = h.running(other, task("a")).await;
    let held = async || {
        let mut held = h.renew(session).await.held;
        held.sort_unstable();
        held
    };
    assert_eq!(held().await, [(one.id, one.lease), (two.id, two.lease)]);
    h.sleep(&one, Duration::from_secs(5)).await;
    h.complete(&two).await;
    assert_eq!(held().await, []);
    h.complete(&theirs).await;
    let gone = h.renew(h.ids.session()).await;
    assert!(!gone.alive && gone.held.is_empty());
}

pub async fn released_tasks_keep_their_place(h: &Harness) {
    let session = h.session(&["a"]).await;
    let first = h
        .running(
            session,
            NewTask {
                priority: 5,
                ..task("a")
            },
        )
        .await;
    h.clock.advance(Duration::from_secs(1));
    h.submit(task("a")).await;
    h.report(
        &first,
        ReportBody::Release {
            reason: "the worker stops".into(),
        },
    )
    .await;
    assert_eq!(h.get(first.id).await.error, None, "giving back is no failure");
    assert_eq!(h.claim_one(session).await.id, first.id);
}

pub async fn views_show_what_runs(h: &Harness) {
    let session = h.session_with(&["a"], &["tool:git"]).await;
    h.running(session, task("a")).await;
    h.running(session, task("a")).await;
    let views = h.store.sessions().await.expect("sessions");
    assert_eq!(views.len(), 1);
    assert_eq!((views[0].id, views[0].running, views[0].slots), (session, 2, 1000));
    assert!(views[0].labels.contains("tool:git") && views[0].task_types.contains("a"));
    assert_eq!(views[0].expires_at, h.now().plus(TTL));
}

pub async fn a_draining_worker_is_granted_nothing(h: &Harness) {
    let session = h.session(&["a"]).await;
    let worker = h.store.sessions().await.expect("sessions")[0].worker;
    let held = h.running(session, task("a")).await;
    h.submit(task("a")).await;
    assert!(!h.renew(session).await.drain);
    for _ in 0..2 {
        let drained = h.store.drain(worker, h.now()).await.expect("a drain");
        assert_eq!(drained.cancelled, [session], "it is told at once");
    }
    assert!(h.claim(session, 5).await.is_empty());
    assert!(h.renew(session).await.drain);
    assert!(h.store.sessions().await.expect("sessions")[0].draining);
    h.complete(&held).await;
    let other = h.session(&["a"]).await;
    h.claim_one(other).await;
    let stranger = h.ids.worker();
    let refused = h.store.drain(stranger, h.now()).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
}

pub async fn heartbeats_carry_the_load(h: &Harness) {
    let session = h.session(&["a"]).await;
    let load = Load {
        cpu_percent: Some(12.5),
        memory_percent: Some(40.0),
        disk_percent: None,
    };
    h.clock.advance(Duration::from_secs(3));
    let now = h.now();
    for load in [Some(load), None] {
        let renewed = h.store.renew(Renewal { session, load, now }).await;
        assert!(renewed.expect("a heartbeat").alive);
    }
    let view = h.store.sessions().await.expect("sessions").remove(0);
    assert_eq!(
        (view.load, view.seen_at),
        (load, now),
        "who says nothing of it changes nothing"
    );
}

pub async fn coming_draining_and_going_are_told(h: &Harness) {
    let told = |events: &[Event]| -> Vec<(WorkerId, Worker)> {
        let states = events.iter().filter(|e| e.kind == EventType::WorkerState);
        states
            .map(|e| {
                let data = e.body.data.clone().expect("the worker");
                (
                    e.body.worker_id.expect("its id"),
                    serde_json::from_value(data).expect("a worker"),
                )
            })
            .collect()
    };
    let (worker, session, second) = (h.ids.worker(), h.ids.session(), h.ids.session());
    let open = |session| OpenSession {
        session,
        worker,
        name: "teller".to_owned(),
        labels: BTreeSet::default(),
        task_types: ["a".to_owned()].into(),
        slots: 3,
        ttl: TTL,
        owner: None,
        now: h.now(),
    };
    let state = |events: &[Event]| {
        let told = told(events);
        assert!(
            told.iter().all(|(id, seen)| *id == worker && seen.id == worker),
            "{told:?}"
        );
        told.into_iter()
            .map(|(_, seen)| (seen.state, seen.slots))
            .collect::<Vec<_>>()
    };
    let opened = h.store.open_session(open(session)).await.expect("a session");
    assert_eq!(state(&opened.events), [(WorkerState::Online, 3)]);
    let drained = h.store.drain(worker, h.now()).await.expect("a drain");
    assert_eq!(state(&drained.events), [(WorkerState::Draining, 3)]);
    // It is back in another session before the first has ended, and goes with the last.
    h.store.open_session(open(second)).await.expect("a session");
    let closed = h.store.close_session(session, h.now()).await.expect("a close");
    assert_eq!(state(&closed.events), []);
    h.clock.advance(TTL + Duration::from_secs(1));
    let ticked = h.store.tick(h.now(), 10).await.expect("a tick");
    assert_eq!(state(&ticked.events), [(WorkerState::Offline, 3)]);
}

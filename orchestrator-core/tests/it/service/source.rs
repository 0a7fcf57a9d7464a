//! The engine as a worker's source: wake-ups that are kept, and polls where there are none.

use std::{sync::Arc, time::Duration};

use orchestrator_core::{
    protocol::{Join, Load, TaskState},
    service::{LocalSource, SourceConfig},
    store::{Intervention, ReportBody, memory::MemoryStore},
    worker::source::{TaskSource, Wakeup},
};
use tokio::time::{Instant, timeout};

use super::world::{claim, deaf, engine, open, over, report, submit, task};

const WORK: Wakeup = Wakeup {
    work: true,
    cancel: false,
};
const CANCEL: Wakeup = Wakeup {
    work: false,
    cancel: true,
};

/// A source that listens.
fn listening(engine: &orchestrator_core::service::Engine) -> Arc<LocalSource> {
    let source = Arc::new(LocalSource::new(engine.clone(), SourceConfig::default()));
    let listens = source.clone();
    tokio::spawn(async move { listens.listen().await });
    source
}

async fn no_wakeup(source: &LocalSource, session: orchestrator_core::protocol::SessionId) {
    let woken = timeout(Duration::from_millis(500), source.woken(session)).await;
    assert!(woken.is_err(), "{woken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_submission_wakes_at_once_and_is_kept() {
    let engine = engine();
    let source = listening(&engine);
    let session = open(&*source).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    source.woken(session).await;
    no_wakeup(&source, session).await;
    submit(&engine, task("a")).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let begin = Instant::now();
    assert_eq!(source.woken(session).await, WORK);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    no_wakeup(&source, session).await;
}

/// What is submitted after the source was made and before its loop first ran is not overheard.
#[tokio::test(start_paused = true)]
async fn listening_begins_with_the_source() {
    let engine = engine();
    let source = Arc::new(LocalSource::new(engine.clone(), SourceConfig::default()));
    let session = open(&*source).await;
    source.woken(session).await;
    submit(&engine, task("a")).await;
    let listens = source.clone();
    tokio::spawn(async move { listens.listen().await });
    let begin = Instant::now();
    assert!(source.woken(session).await.work);
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_wakes_the_session_that_runs_it() {
    let engine = engine();
    let source = listening(&engine);
    let (busy, idle) = (open(&*source).await, open(&*source).await);
    let id = submit(&engine, task("a")).await;
    let leased = claim(&*source, busy).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    for session in [busy, idle] {
        source.woken(session).await;
    }
    engine.cancel(id, "changed my mind").await.unwrap();
    assert_eq!(source.woken(busy).await, CANCEL);
    no_wakeup(&source, idle).await;
    let renewed = source.renew(busy, Load::default()).await.unwrap();
    assert_eq!(renewed.cancel, [(id, leased.lease)]);
}

#[tokio::test(start_paused = true)]
async fn without_wakeups_workers_look_every_few_seconds_and_not_in_step() {
    let engine = deaf();
    let source = listening(&engine);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let session = open(&*source).await;
        source.woken(session).await;
        let begin = Instant::now();
        while source.woken(session).await.work && begin.elapsed().is_zero() {}
        waits.push(begin.elapsed());
    }
    for wait in &waits {
        assert!((4000..=6000).contains(&wait.as_millis()), "{waits:?}");
    }
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 1, "{waits:?}");
}

/// Timers that only the store knows of are told to the loop that ticks.
#[tokio::test(start_paused = true)]
async fn who_sets_a_timer_says_so() {
    let engine = engine();
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    let id = submit(&engine, task("a")).await;
    let leased = claim(&source, session).await;
    let mut nudges = engine.bus.nudges();
    let wait = ReportBody::Wait {
        tasks: vec![],
        join: Join::All,
        until: Some(engine.now().plus(Duration::from_mins(1))),
    };
    report(&source, &leased, 1, wait).await;
    let mut timed = async || {
        let nudged = orchestrator_core::bus::Nudged::next(&mut nudges);
        timeout(Duration::from_secs(1), nudged)
            .await
            .is_ok_and(|n| n.unwrap().timer)
    };
    assert!(timed().await, "by a wait");
    let mut later = task("a");
    later.run_at = Some(engine.now().plus(Duration::from_mins(1)));
    let later = submit(&engine, later).await;
    assert!(timed().await, "by a start time");
    engine.pause(later).await.unwrap();
    assert!(!timed().await, "not by a pause");
    assert_eq!(engine.resume(later).await.unwrap().state, TaskState::Scheduled);
    assert!(timed().await, "by a resumption");
    let mut urgent = task("a");
    urgent.deadline = Some(engine.now().plus(Duration::from_mins(1)));
    submit(&engine, urgent).await;
    assert!(timed().await, "by a deadline");
    assert_eq!(engine.get(id).await.unwrap().state, TaskState::Waiting);
}

/// Another process that shares the store: memory cannot tell of it, so that the quiet polls must find it.
#[tokio::test(start_paused = true)]
async fn what_others_submit_and_cancel_is_found() {
    let store = Arc::new(MemoryStore::new());
    let (engine, other) = (over(store.clone()), over(store));
    let source = listening(&engine);
    let session = open(&*source).await;
    source.woken(session).await;
    let id = submit(&other, task("a")).await;
    let begin = Instant::now();
    assert!(source.woken(session).await.work);
    let leased = loop {
        if let Some(leased) = source.claim(session, 1).await.unwrap().pop() {
            break leased;
        }
        source.woken(session).await;
    };
    assert!(begin.elapsed() <= Duration::from_secs(6));
    let cancel = Intervention::Cancel {
        reason: "from elsewhere".to_owned(),
    };
    other.store.intervene(id, cancel, other.now()).await.unwrap();
    assert_eq!(
        source.renew(session, Load::default()).await.unwrap().cancel,
        [(id, leased.lease)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_closed_session_gives_its_tasks_back_and_tells_so() {
    let engine = engine();
    let source = listening(&engine);
    let (leaves, stays) = (open(&*source).await, open(&*source).await);
    let id = submit(&engine, task("a")).await;
    claim(&*source, leaves).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    source.woken(stays).await;
    source.close(leaves).await.unwrap();
    assert_eq!(source.woken(stays).await, WORK);
    assert_eq!(claim(&*source, stays).await.id, id);
    source.close(leaves).await.unwrap();
    assert!(!source.renew(leaves, Load::default()).await.unwrap().alive);
}

//! What stands until something is ready. Only for stores that let orders stand: [`crate::order_conformance!`].

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::FutureExt;
use orchestrator_core::{
    clock::Ids,
    domain::placement::Policy,
    store::{Claim, Committed, LeasedTask, Order, ReportBody, StoreError, Submission, Submit},
};
use orchestrator_protocol::{EventType, ExternalResult, Json, SessionId, TaskState};

use crate::harness::{Harness, TTL, child, task};

/// Asks for so many tasks: what there is, and an order for the rest.
async fn ask(h: &Harness, session: SessionId, credit: usize) -> (Vec<LeasedTask>, Option<Order>) {
    let claim = Claim {
        session,
        credit,
        now: h.now(),
        policy: Policy::default(),
    };
    let (committed, order) = h.store.claim_or_order(claim).await.expect("a claim");
    (committed.value, order)
}

/// An order for so many tasks, of which none is there.
async fn order(h: &Harness, session: SessionId, credit: usize) -> Order {
    let (granted, order) = ask(h, session, credit).await;
    assert!(granted.is_empty());
    order.expect("an order")
}

async fn filled(order: Order) -> Committed<Vec<LeasedTask>> {
    // What makes tasks ready is answered with what fills orders, or before it.
    let answer = tokio::time::timeout(Duration::from_secs(30), order.filled()).await;
    let answer = answer.expect("it is filled in time").expect("it stands");
    answer.expect("no failure")
}

async fn submit(h: &Harness, types: &[&str]) -> Committed<Vec<orchestrator_core::store::SubmittedTask>> {
    let submission = |task_type: &&str| Submission {
        id: h.ids.task(),
        task: Arc::new(task(task_type)),
    };
    let tasks = types.iter().map(submission).collect();
    let submit = Submit { tasks, now: h.now() };
    h.store.submit(submit).await.expect("it is stored")
}

/// One transaction stores a task and grants it, and nobody else need be woken.
pub async fn one_transaction_stores_and_grants(h: &Harness) {
    let session = h.session(&["a"]).await;
    let order = order(h, session, 3).await;
    assert_eq!(order.credit, 3);
    let submitted = submit(h, &["a"]).await;
    assert!(!submitted.ready, "nothing is left for those who are woken");
    let granted = filled(order).await;
    assert_eq!(granted.value.len(), 1);
    assert_eq!(granted.value[0].id, submitted.value[0].id());
    assert_eq!(h.state(granted.value[0].id).await, TaskState::Running);
    let (created, started) = (&submitted.events, &granted.events);
    assert_eq!(created[0].kind, EventType::TaskCreated);
    assert_eq!(started[0].body.state, Some(TaskState::Running));
    assert!(created[0].seq < started[0].seq);
    h.complete(&granted.value[0]).await;
    assert_eq!(h.state(granted.value[0].id).await, TaskState::Succeeded);
}

/// What is there is granted at once, and only the rest is ordered.
pub async fn only_the_rest_stands(h: &Harness) {
    let session = h.session(&["a"]).await;
    h.submit(task("a")).await;
    let (granted, order) = ask(h, session, 3).await;
    assert_eq!(granted.len(), 1);
    let order = order.expect("for the rest");
    assert_eq!(order.credit, 2);
    let submitted = submit(h, &["a"; 4]).await;
    assert!(submitted.ready, "two are left");
    let more = filled(order).await.value;
    let first: Vec<_> = submitted.value[..2]
        .iter()
        .map(orchestrator_core::store::SubmittedTask::id)
        .collect();
    assert_eq!(more.iter().map(|leased| leased.id).collect::<Vec<_>>(), first);
    let (rest, none) = ask(h, session, 2).await;
    assert_eq!(rest.len(), 2);
    assert!(none.is_none(), "it got all that it asked for");
}

/// A session is filled only with what it may run, and what is not for it wakes others.
pub async fn only_what_fits(h: &Harness) {
    let session = h.session(&["a"]).await;
    let order = order(h, session, 1).await;
    assert!(submit(h, &["b"]).await.ready);
    submit(h, &["a"]).await;
    let granted = filled(order).await.value;
    assert_eq!(granted[0].spec.task_type, "a");
}

/// An order that was taken back is filled with nothing.
pub async fn dropping_it_takes_it_back(h: &Harness) {
    let session = h.session(&["a"]).await;
    drop(order(h, session, 1).await);
    assert!(submit(h, &["a"]).await.ready);
    let other = h.session(&["a"]).await;
    h.claim_one(other).await;
}

/// Of a session the newest order stands.
pub async fn the_newest_counts(h: &Harness) {
    let session = h.session(&["a"]).await;
    let old = order(h, session, 1).await;
    let new = order(h, session, 2).await;
    submit(h, &["a"; 3]).await;
    assert!(old.filled().await.is_none());
    assert_eq!(filled(new).await.value.len(), 2);
}

/// Sessions that have ended, drain or are silent are granted nothing.
pub async fn not_for_those_who_are_gone(h: &Harness) {
    let (ended, silent) = (h.session(&["a"]).await, h.session(&["a"]).await);
    let of_ended = order(h, ended, 1).await;
    let of_silent = order(h, silent, 1).await;
    h.store.close_session(ended, h.now()).await.expect("it ends");
    h.clock.advance(TTL * 2 / 3);
    let awake = h.session(&["a"]).await;
    let of_awake = order(h, awake, 1).await;
    submit(h, &["a"]).await;
    assert_eq!(filled(of_awake).await.value.len(), 1);
    assert!(submit(h, &["a"]).await.ready);
    h.renew(silent).await;
    assert!(!submit(h, &["b", "a"]).await.value.is_empty());
    assert_eq!(filled(of_silent).await.value.len(), 1, "it is heard of again");
    let of_ended = of_ended.filled().now_or_never().flatten();
    assert!(of_ended.is_none_or(|answer| matches!(answer, Err(StoreError::SessionLost(_)))));
}

/// Whatever makes tasks ready fills orders: a child that is spawned, an answer that was waited for, a timer.
pub async fn whatever_makes_it_ready(h: &Harness) {
    let session = h.session(&["a", "b"]).await;
    let parent = h.running(session, task("a")).await;
    let of_child = order(h, session, 1).await;
    h.report(&parent, ReportBody::Spawn(vec![child(h, "one", task("b"))]))
        .await;
    let child = filled(of_child).await.value.remove(0);
    assert_eq!(child.spec.task_type, "b");

    let outside = h.submit(task("external")).await;
    let mut after = task("a");
    after.depends_on = vec![orchestrator_protocol::TaskRef::Id(outside)];
    let after = h.submit(after).await;
    let of_after = order(h, session, 1).await;
    let result = ExternalResult::Output(Json::NULL);
    h.store.settle(outside, result, h.now()).await.expect("it is settled");
    assert_eq!(filled(of_after).await.value[0].id, after);

    let mut later = task("a");
    later.run_at = Some(h.now().plus(Duration::from_secs(5)));
    let later = h.submit(later).await;
    let of_later = order(h, session, 1).await;
    h.clock.advance(Duration::from_secs(6));
    h.renew(session).await;
    h.store.tick(h.now(), 10).await.expect("a tick");
    assert_eq!(filled(of_later).await.value[0].id, later);
}

/// What became ready without the writer's knowledge is found when somebody says so.
pub async fn it_can_be_reconsidered(h: &Harness) {
    let session = h.session(&["a"]).await;
    h.store.pause_queue("default".to_owned(), true).await.expect("a pause");
    let order = order(h, session, 1).await;
    submit(h, &["a"]).await;
    h.store
        .pause_queue("default".to_owned(), false)
        .await
        .expect("it goes on");
    h.store.reconsider(session, h.now()).await;
    assert_eq!(filled(order).await.value.len(), 1);
    h.store.reconsider(session, h.now()).await;
    h.store.reconsider(h.ids.session(), h.now()).await;
    assert!(submit(h, &["a"]).await.ready);
}

/// What an order is filled with. Fewer than stand are considered by one transaction: the others are woken, here by a poll.
async fn patiently(h: &Harness, session: SessionId, order: Order) -> Vec<LeasedTask> {
    let mut filled = Box::pin(filled(order));
    loop {
        tokio::select! {
            biased;
            more = &mut filled => return more.value,
            () = tokio::time::sleep(Duration::from_millis(20)) => h.store.reconsider(session, h.now()).await,
        }
    }
}

/// Many sessions order at once while many submit: each task is granted once, to one that had room.
pub async fn each_task_is_granted_once(h: &Harness) {
    const SESSIONS: usize = 24;
    const TASKS: usize = 120;
    let mut sessions = Vec::new();
    for _ in 0..SESSIONS {
        sessions.push(h.session(&["a"]).await);
    }
    let work = async |session: SessionId| {
        let mut mine = Vec::new();
        while mine.len() < TASKS / SESSIONS {
            let room = TASKS / SESSIONS - mine.len();
            let (granted, order) = ask(h, session, room).await;
            assert!(granted.len() <= room);
            mine.extend(granted);
            if let Some(order) = order {
                let credit = order.credit;
                let more = patiently(h, session, order).await;
                assert!((1..=credit).contains(&more.len()));
                mine.extend(more);
            }
        }
        mine
    };
    let fill = async {
        for _ in 0..TASKS / 4 {
            submit(h, &["a"; 4]).await;
        }
    };
    let (granted, ()) = tokio::join!(futures::future::join_all(sessions.iter().map(|id| work(*id))), fill);
    let ids: BTreeSet<_> = granted.iter().flatten().map(|leased| leased.id).collect();
    let leases: BTreeSet<_> = granted.iter().flatten().map(|leased| leased.lease).collect();
    assert_eq!((ids.len(), leases.len()), (TASKS, TASKS));
}

//! Waiting.

use std::time::Duration;

use orchestrator_core::store::{ReportAck, ReportBody};
use orchestrator_protocol::{Join, TaskError, TaskId, TaskState};
use uuid::Uuid;

use crate::harness::{Harness, child, task};

pub async fn for_all(h: &Harness) {
    let session = h.session(&["p", "c"]).await;
    let parent = h.running(session, task("p")).await;
    let ids: Vec<_> = h
        .spawn(&parent, (0..3).map(|i| child(h, &format!("{i}"), task("c"))).collect())
        .await
        .iter()
        .map(|c| c.id)
        .collect();
    assert_eq!(h.wait(&parent, ids.clone(), Join::All).await, ReportAck::Parked);
    for leased in h.claim(session, 3).await {
        assert_eq!(h.state(parent.id).await, TaskState::Waiting);
        h.complete(&leased).await;
    }
    let resumed = h.claim_one(session).await;
    assert_eq!((resumed.id, resumed.resumed, resumed.attempt), (parent.id, true, 1));
    let results = h.store.results(ids.clone()).await.expect("a read");
    assert_eq!(
        results.iter().map(|r| (r.id, r.state)).collect::<Vec<_>>(),
        ids.iter().map(|id| (*id, TaskState::Succeeded)).collect::<Vec<_>>()
    );
    h.complete(&resumed).await;
    use TaskState::{Ready, Running, Succeeded, Waiting};
    assert_eq!(
        h.path(parent.id).await,
        [Ready, Running, Waiting, Ready, Running, Succeeded]
    );
}

pub async fn for_any(h: &Harness) {
    let session = h.session(&["p", "c"]).await;
    let parent = h.running(session, task("p")).await;
    let ids: Vec<_> = h
        .spawn(&parent, (0..3).map(|i| child(h, &format!("{i}"), task("c"))).collect())
        .await
        .iter()
        .map(|c| c.id)
        .collect();
    h.wait(&parent, ids.clone(), Join::Any).await;
    let leases = h.claim(session, 3).await;
    h.complete(&leases[1]).await;
    let resumed = h.claim_one(session).await;
    h.complete(&leases[0]).await;
    assert_eq!(h.wait(&resumed, vec![ids[2]], Join::All).await, ReportAck::Parked);
    h.complete(&leases[2]).await;
    assert!(
        h.claim_one(session).await.resumed,
        "the edges of the first wait do not count in the second"
    );
}

/// What has come before the wait is not waited for, and the lease is kept.
pub async fn for_what_has_come_already(h: &Harness) {
    let session = h.session(&["p", "c"]).await;
    let parent = h.running(session, task("p")).await;
    let children = h
        .spawn(&parent, vec![child(h, "x", task("c")), child(h, "y", task("c"))])
        .await;
    let x = h.claim_one(session).await;
    h.complete(&x).await;
    assert_eq!(h.wait(&parent, vec![x.id], Join::All).await, ReportAck::Open);
    assert_eq!(
        h.wait(&parent, children.iter().map(|c| c.id).collect(), Join::Any)
            .await,
        ReportAck::Open
    );
    assert_eq!(h.sleep(&parent, Duration::ZERO).await, ReportAck::Open);
    assert_eq!(h.state(parent.id).await, TaskState::Running);
    h.complete(&parent).await;
}

pub async fn for_a_time(h: &Harness) {
    let session = h.session(&["p"]).await;
    let parent = h.running(session, task("p")).await;
    assert_eq!(h.sleep(&parent, Duration::from_mins(1)).await, ReportAck::Parked);
    assert_eq!(h.pass(Duration::from_secs(59)).await.due, 0);
    h.renew(session).await;
    let session = h.session(&["p"]).await;
    assert!(h.claim(session, 1).await.is_empty());
    assert_eq!(h.pass(Duration::from_secs(1)).await.due, 1);
    let session = h.session(&["p"]).await;
    assert!(h.claim_one(session).await.resumed);
}

pub async fn whichever_is_first(h: &Harness) {
    let session = h.session(&["p", "c"]).await;
    for child_first in [true, false] {
        let parent = h.running(session, task("p")).await;
        let children = h.spawn(&parent, vec![child(h, "x", task("c"))]).await;
        let until = Some(h.now().plus(Duration::from_secs(5)));
        let wait = ReportBody::Wait {
            tasks: vec![children[0].id],
            join: Join::All,
            until,
        };
        assert_eq!(h.report(&parent, wait).await, ReportAck::Parked);
        let x = h.claim_one(session).await;
        if child_first {
            h.complete(&x).await;
        } else {
            h.pass(Duration::from_secs(5)).await;
        }
        let resumed = h.claim_one(session).await;
        assert_eq!(resumed.id, parent.id);
        if !child_first {
            h.complete(&x).await;
        }
        h.pass(Duration::from_secs(5)).await;
        h.renew(session).await;
        assert_eq!(
            h.state(parent.id).await,
            TaskState::Running,
            "the other one wakes nobody"
        );
        h.complete(&resumed).await;
    }
}

pub async fn waiting_holds_nothing(h: &Harness) {
    let session = h.session(&["p"]).await;
    let parent = h.running(session, task("p")).await;
    h.sleep(&parent, Duration::from_hours(1)).await;
    assert_eq!(h.store.sessions().await.expect("sessions")[0].running, 0);
    assert_eq!(h.lose_sessions().await.rescued, 0);
    assert_eq!(h.state(parent.id).await, TaskState::Waiting);
    let session = h.session(&["p"]).await;
    assert_eq!(h.pass(Duration::from_hours(1)).await.due, 1);
    let other = h.session(&["p"]).await;
    assert_ne!(session, other);
    assert!(h.claim_one(other).await.resumed, "any worker may go on");
}

pub async fn nonsense_is_refused(h: &Harness) {
    let session = h.session(&["p"]).await;
    let parent = h.running(session, task("p")).await;
    for tasks in [vec![], vec![parent.id], vec![TaskId::from_uuid(Uuid::from_u128(3))]] {
        assert!(matches!(
            h.wait(&parent, tasks, Join::All).await,
            ReportAck::Refused { .. }
        ));
    }
    h.complete(&parent).await;
}

pub async fn a_failed_child_counts(h: &Harness) {
    let session = h.session(&["p", "c"]).await;
    let parent = h.running(session, task("p")).await;
    let children = h
        .spawn(&parent, vec![child(h, "x", task("c")), child(h, "y", task("c"))])
        .await;
    h.wait(&parent, children.iter().map(|c| c.id).collect(), Join::All)
        .await;
    let x = h.claim_one(session).await;
    h.fail(&x, TaskError::terminal("no")).await;
    h.cancel(children[1].id).await;
    let resumed = h.claim_one(session).await;
    assert!(resumed.resumed);
    let results = h.store.results(vec![x.id]).await.expect("a read");
    assert_eq!(results[0].error.as_ref().map(|e| e.message.as_str()), Some("no"));
}

//! Bounded fan-outs.

use orchestrator_core::store::{Intervention, LeasedTask, ReportAck};
use orchestrator_protocol::{Join, SessionId, TaskError, TaskId, TaskState};

use crate::harness::{Harness, task};

async fn open(h: &Harness, ids: &[TaskId]) -> usize {
    h.states(ids)
        .await
        .iter()
        .filter(|s| !s.is_terminal() && **s != TaskState::Blocked)
        .count()
}

async fn parent(h: &Harness, count: usize, size: u32) -> (SessionId, LeasedTask, Vec<TaskId>) {
    let session = h.session(&["p", "c"]).await;
    let parent = h.running(session, task("p")).await;
    let ids = h
        .fan_out(&parent, "c", count, size)
        .await
        .into_iter()
        .map(|c| c.id)
        .collect();
    (session, parent, ids)
}

pub async fn never_more_than_its_size(h: &Harness) {
    let (session, parent, ids) = parent(h, 10, 3).await;
    assert_eq!(h.wait(&parent, ids.clone(), Join::All).await, ReportAck::Parked);
    let mut done = 0;
    loop {
        assert_eq!(open(h, &ids).await, 3.min(10 - done));
        let leases = h.claim(session, 10).await;
        let Some(first) = leases.first().filter(|l| l.id != parent.id) else {
            break;
        };
        assert_eq!(first.id, ids[done], "in the order of creation");
        for leased in &leases {
            h.complete(leased).await;
            done += 1;
        }
    }
    assert_eq!(done, 10);
    assert_eq!(
        h.state(parent.id).await,
        TaskState::Running,
        "the parent was claimed by the last look"
    );
}

pub async fn a_retried_sibling_waits_for_its_place(h: &Harness) {
    let (session, _, ids) = parent(h, 3, 1).await;
    let one = h.claim_one(session).await;
    h.fail(&one, TaskError::terminal("no")).await;
    let two = h.claim_one(session).await;
    assert_eq!(two.id, ids[1]);
    h.intervene(ids[0], Intervention::Retry).await.expect("a retry");
    assert_eq!(h.state(ids[0]).await, TaskState::Blocked, "its place is taken");
    h.complete(&two).await;
    assert_eq!(h.states(&ids).await[..1], [TaskState::Ready]);
    let one = h.claim_one(session).await;
    assert_eq!((one.id, h.state(ids[2]).await), (ids[0], TaskState::Blocked));
    h.complete(&one).await;
    assert_eq!(h.claim_one(session).await.id, ids[2]);
}

pub async fn places_pass_on_whatever_ends(h: &Harness) {
    let (session, _, ids) = parent(h, 5, 1).await;
    let one = h.claim_one(session).await;
    h.fail(&one, TaskError::terminal("no")).await;
    assert_eq!(h.state(ids[1]).await, TaskState::Ready);
    h.cancel(ids[1]).await;
    assert_eq!(h.state(ids[2]).await, TaskState::Ready);
    h.cancel(ids[3]).await;
    assert_eq!(
        h.states(&ids[2..]).await,
        [TaskState::Ready, TaskState::Cancelled, TaskState::Blocked]
    );
    let three = h.claim_one(session).await;
    h.fail(&three, TaskError::retryable("again")).await;
    assert_eq!(
        h.states(&ids[2..]).await,
        [TaskState::Scheduled, TaskState::Cancelled, TaskState::Blocked],
        "in backoff it keeps its place"
    );
    let why = h
        .store
        .facts(ids[4], h.now())
        .await
        .expect("a read")
        .expect("it exists");
    assert_eq!(why.group_size, Some(1));
}

pub async fn groups_of_one_parent_are_apart(h: &Harness) {
    let session = h.session(&["p"]).await;
    let parent = h.running(session, task("p")).await;
    let one = h.fan_out(&parent, "c", 3, 1).await;
    let other: Vec<_> = (0..3)
        .map(|i| orchestrator_core::store::ChildSpec {
            group: Some(orchestrator_core::store::Group {
                name: "other".into(),
                size: 2,
            }),
            ..crate::harness::child(h, &format!("other[{i}]"), task("c"))
        })
        .collect();
    let two = h.spawn(&parent, other).await;
    let count = |children: Vec<orchestrator_core::store::ChildRef>| async move {
        open(h, &children.iter().map(|c| c.id).collect::<Vec<_>>()).await
    };
    assert_eq!((count(one).await, count(two).await), (1, 2));
}

pub async fn a_group_that_comes_in_parts(h: &Harness) {
    let (session, parent, mut ids) = parent(h, 3, 2).await;
    let more: Vec<_> = (3..6)
        .map(|i| orchestrator_core::store::ChildSpec {
            group: Some(orchestrator_core::store::Group {
                name: "map".into(),
                size: 2,
            }),
            ..crate::harness::child(h, &format!("map[{i}]"), task("c"))
        })
        .collect();
    ids.extend(h.spawn(&parent, more).await.into_iter().map(|c| c.id));
    assert_eq!(open(h, &ids).await, 2);
    for leased in h.claim(session, 6).await {
        h.complete(&leased).await;
    }
    assert_eq!(open(h, &ids).await, 2);
}

pub async fn a_retried_fan_out_stays_bounded(h: &Harness) {
    let (session, parent, ids) = parent(h, 6, 2).await;
    for _ in 0..3 {
        for leased in h.claim(session, 2).await {
            h.fail(&leased, TaskError::terminal("no")).await;
        }
    }
    h.fail(&parent, TaskError::terminal("its children failed")).await;
    h.intervene(parent.id, Intervention::Retry).await.expect("a retry");
    let again = h.claim_one(session).await;
    let children = h.fan_out(&again, "c", 6, 2).await;
    assert_eq!(children.iter().map(|c| c.id).collect::<Vec<_>>(), ids);
    assert_eq!(open(h, &ids).await, 2);
    while let Some(leased) = h.claim(session, 1).await.first() {
        h.complete(leased).await;
    }
    assert!(h.states(&ids).await.iter().all(|s| *s == TaskState::Succeeded));
}

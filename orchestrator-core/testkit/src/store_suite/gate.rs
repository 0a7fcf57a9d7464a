//! Dependencies.

use orchestrator_core::store::StoreError;
use orchestrator_protocol::{Join, NewTask, OnDependencyFailure, TaskError, TaskId, TaskRef, TaskState};
use uuid::Uuid;

use crate::harness::{Harness, task};

fn after(ids: &[TaskId]) -> NewTask {
    NewTask {
        depends_on: ids.iter().map(|id| TaskRef::Id(*id)).collect(),
        ..task("last")
    }
}

fn named(name: &str, depends_on: &[&str]) -> NewTask {
    let depends_on = depends_on.iter().map(|n| TaskRef::Local((*n).to_owned())).collect();
    NewTask {
        local_ref: Some(name.to_owned()),
        depends_on,
        ..task("a")
    }
}

/// How a dependency ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Success,
    Failure,
    Cancel,
}

/// What must become of the waiting task, said as simply as possible.
fn oracle(join: Join, policy: OnDependencyFailure, ends: &[End]) -> TaskState {
    let needed = match join {
        Join::All => ends.len(),
        Join::Any => 1,
        Join::Quorum(n) => (n as usize).min(ends.len()),
    };
    let good = ends
        .iter()
        .filter(|e| **e == End::Success || policy == OnDependencyFailure::Continue)
        .count();
    if good >= needed {
        TaskState::Ready
    } else {
        TaskState::Cancelled
    }
}

pub async fn joins_follow_the_oracle(h: &Harness) {
    let session = h.session(&["a"]).await;
    let all = [End::Success, End::Failure, End::Cancel];
    for join in [Join::All, Join::Any, Join::Quorum(2), Join::Quorum(9)] {
        for policy in [OnDependencyFailure::Cancel, OnDependencyFailure::Continue] {
            for (x, y, z) in (0..27).map(|i| (all[i % 3], all[i / 3 % 3], all[i / 9])) {
                let ends = [x, y, z];
                let ids = h.submit_all(vec![task("a"); 3]).await;
                let last = h
                    .submit(NewTask {
                        join,
                        on_dependency_failure: policy,
                        ..after(&ids)
                    })
                    .await;
                assert_eq!(h.state(last).await, TaskState::Blocked);
                for leased in h.claim(session, 3).await {
                    let at = ids.iter().position(|id| *id == leased.id).expect("one of them");
                    match ends[at] {
                        End::Success => h.complete(&leased).await,
                        End::Failure => h.fail(&leased, TaskError::terminal("no")).await,
                        End::Cancel => {
                            h.cancel(leased.id).await;
                            h.report(&leased, orchestrator_core::store::ReportBody::Stopped { wall_s: 0.0 })
                                .await;
                        }
                    }
                }
                assert_eq!(
                    h.state(last).await,
                    oracle(join, policy, &ends),
                    "{join:?} {policy:?} {ends:?}"
                );
                h.cancel(last).await;
            }
        }
    }
}

pub async fn chains_fall_like_dominoes(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    let mut chain = vec![leased.id];
    for _ in 0..20 {
        let last = *chain.last().expect("one");
        chain.push(h.submit(after(&[last])).await);
    }
    h.fail(&leased, TaskError::terminal("no")).await;
    let states = h.states(&chain).await;
    assert_eq!(states[0], TaskState::Failed);
    assert!(states[1..].iter().all(|s| *s == TaskState::Cancelled), "{states:?}");
    let why = h
        .events(chain[1])
        .await
        .pop()
        .expect("an event")
        .body
        .text
        .expect("a reason");
    assert!(why.contains(&chain[0].to_string()), "{why}");
}

pub async fn settled_dependencies_count(h: &Harness) {
    let session = h.session(&["a"]).await;
    let (one, two) = (h.running(session, task("a")).await, h.running(session, task("a")).await);
    h.complete(&one).await;
    let waiting = h.submit(after(&[one.id, two.id])).await;
    assert_eq!(h.state(waiting).await, TaskState::Blocked);
    h.complete(&two).await;
    assert_eq!(h.state(waiting).await, TaskState::Ready);
    let at_once = h.submit(after(&[one.id, two.id, one.id])).await;
    assert_eq!(
        h.state(at_once).await,
        TaskState::Ready,
        "naming one twice changes nothing"
    );
}

pub async fn at_submission(h: &Harness) {
    let ids = h
        .submit_all(vec![named("last", &["x", "y"]), named("x", &[]), named("y", &["x"])])
        .await;
    assert_eq!(
        h.states(&ids).await,
        [TaskState::Blocked, TaskState::Ready, TaskState::Blocked]
    );
    assert_eq!(h.get(ids[0]).await.depends_on, [ids[1], ids[2]]);
    let session = h.session(&["a"]).await;
    for id in [ids[1], ids[2], ids[0]] {
        let leased = h.claim_one(session).await;
        assert_eq!(leased.id, id);
        h.complete(&leased).await;
    }
}

pub async fn unknown_dependencies_are_refused(h: &Harness) {
    let nobody = TaskId::from_uuid(Uuid::from_u128(9));
    let refused = h.try_submit(vec![task("a"), after(&[nobody])]).await;
    assert_eq!(refused.expect_err("nobody"), StoreError::TaskNotFound(nobody));
    assert!(h.all().await.is_empty());
}

pub async fn circles_are_refused_and_shown(h: &Harness) {
    let circle = vec![
        named("x", &["z"]),
        named("y", &["x"]),
        named("z", &["y"]),
        named("w", &[]),
    ];
    match h.try_submit(circle).await {
        Err(StoreError::Cycle { path }) => assert_eq!(path, ["x", "z", "y", "x"]),
        other => panic!("{other:?}"),
    }
    let own = h.try_submit(vec![named("x", &["x"])]).await;
    assert!(matches!(own, Err(StoreError::Cycle { .. })), "{own:?}");
    assert!(h.all().await.is_empty());
}

pub async fn batches_are_all_or_nothing(h: &Harness) {
    let twins = h.try_submit(vec![named("x", &[]), named("x", &[])]).await;
    assert!(matches!(twins, Err(StoreError::Invalid { .. })), "{twins:?}");
    let broken = h.try_submit(vec![task("a"), task("b"), task("")]).await;
    assert!(matches!(broken, Err(StoreError::Invalid { .. })), "{broken:?}");
    assert!(h.all().await.is_empty());
    assert_eq!(h.try_submit(vec![]).await.expect("nothing"), []);
}

pub async fn late_dependents_of_a_failure_are_cancelled(h: &Harness) {
    let id = h.submit(task("a")).await;
    h.cancel(id).await;
    let last = h.submit(after(&[id])).await;
    assert_eq!(h.path(last).await, [TaskState::Blocked, TaskState::Cancelled]);
    let going_on = NewTask {
        on_dependency_failure: OnDependencyFailure::Continue,
        ..after(&[id])
    };
    let last = h.submit(going_on).await;
    assert_eq!(h.state(last).await, TaskState::Ready);
}

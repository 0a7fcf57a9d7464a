//! Cancelling.

use futures::future::join_all;
use orchestrator_core::store::{Intervention, ReportAck, ReportBody};
use orchestrator_protocol::{Join, NewTask, TaskState};

use crate::harness::{Harness, child, completion, step, task};

pub async fn a_tree_ends_at_once_or_is_told_to_stop(h: &Harness) {
    let session = h.session(&["a", "b"]).await;
    let root = h.running(session, task("a")).await;
    let children = h
        .spawn(&root, vec![child(h, "x", task("b")), child(h, "y", task("c"))])
        .await;
    let x = h.claim_one(session).await;
    let below = h.spawn(&x, vec![child(h, "z", task("c"))]).await;
    assert_eq!(
        h.wait(&root, children.iter().map(|c| c.id).collect(), Join::All).await,
        ReportAck::Parked
    );
    let cancelled = Intervention::Cancel {
        reason: "enough".into(),
    };
    let committed = h.store.intervene(root.id, cancelled, h.now()).await.expect("a cancel");
    assert_eq!(committed.cancelled, [session], "the worker is told at once");
    let states = h.states(&[root.id, x.id, children[1].id, below[0].id]).await;
    use TaskState::{Cancelled, Running};
    assert_eq!(states, [Cancelled, Running, Cancelled, Cancelled]);
    let renewed = h.renew(session).await;
    assert_eq!((renewed.alive, renewed.cancel), (true, vec![(x.id, x.lease)]));
    assert_eq!(
        h.report(&x, ReportBody::Stopped { wall_s: 1.0 }).await,
        ReportAck::Accepted
    );
    assert_eq!(h.state(x.id).await, Cancelled);
    let why = h.events(root.id).await.pop().expect("an event").body.text;
    assert_eq!(why.as_deref(), Some("enough"));
}

pub async fn nothing_grows_below_a_cancelled_task(h: &Harness) {
    let session = h.session(&["a"]).await;
    let root = h.running(session, task("a")).await;
    h.cancel(root.id).await;
    let spawn = ReportBody::Spawn(vec![child(h, "late", task("a"))]);
    assert!(matches!(h.report(&root, spawn).await, ReportAck::Refused { .. }));
    assert!(matches!(
        h.wait(&root, vec![], Join::All).await,
        ReportAck::Refused { .. }
    ));
    let by_id = h
        .try_submit(vec![NewTask {
            parent_id: Some(root.id),
            ..task("a")
        }])
        .await;
    assert!(by_id.is_err());
    assert_eq!(
        h.report(&root, ReportBody::Stopped { wall_s: 0.0 }).await,
        ReportAck::Accepted
    );
    assert_eq!(h.all().await.len(), 1);
}

pub async fn cancelling_twice_is_harmless(h: &Harness) {
    let id = h.submit(task("a")).await;
    h.cancel(id).await;
    let before = h.picture(id).await;
    h.cancel(id).await;
    assert_eq!(h.picture(id).await, before);
    let session = h.session(&["a"]).await;
    let done = h.running(session, task("a")).await;
    h.complete(&done).await;
    h.cancel(done.id).await;
    assert_eq!(h.state(done.id).await, TaskState::Succeeded, "what has ended stays");
}

pub async fn a_cancelled_task_keeps_its_finished_steps(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    h.report(&leased, step("one", "1")).await;
    h.cancel(leased.id).await;
    assert_eq!(
        h.report(&leased, step("two", "2")).await,
        ReportAck::Accepted,
        "what was paid for is kept"
    );
    h.report(&leased, ReportBody::Stopped { wall_s: 0.0 }).await;
    assert_eq!(h.state(leased.id).await, TaskState::Cancelled);
    h.intervene(leased.id, Intervention::Retry).await.expect("a retry");
    let again = h.claim_one(session).await;
    assert!(again.has_history && !again.resumed);
    assert_eq!(h.store.history(leased.id).await.expect("a read").steps.len(), 2);
    h.complete(&again).await;
    assert_eq!(
        h.state(leased.id).await,
        TaskState::Succeeded,
        "the old cancel is forgotten"
    );
}

pub async fn a_lost_worker_of_a_cancelled_task_ends_it(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    h.cancel(leased.id).await;
    assert_eq!(h.lose_sessions().await.rescued, 1);
    assert_eq!(h.state(leased.id).await, TaskState::Cancelled);
}

pub async fn children_end_with_their_parent(h: &Harness) {
    let session = h.session(&["a", "b"]).await;
    let parent = h.running(session, task("a")).await;
    let children = h
        .spawn(&parent, vec![child(h, "x", task("b")), child(h, "y", task("b"))])
        .await;
    let x = h.claim_one(session).await;
    h.complete(&parent).await;
    assert_eq!(
        h.states(&[children[0].id, children[1].id]).await,
        [TaskState::Running, TaskState::Cancelled]
    );
    h.report(&x, ReportBody::Stopped { wall_s: 0.0 }).await;
    assert_eq!(
        h.states(&[parent.id, x.id]).await,
        [TaskState::Succeeded, TaskState::Cancelled]
    );
}

pub async fn a_result_that_comes_after_the_cancel_does_not_count(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    h.cancel(leased.id).await;
    assert_eq!(h.report(&leased, completion()).await, ReportAck::Accepted);
    let stored = h.get(leased.id).await;
    assert_eq!((stored.state, stored.output), (TaskState::Cancelled, None));
}

/// Many workers grow one tree while it is cancelled: nothing of it is left behind.
pub async fn cancelling_while_others_spawn(h: &Harness) {
    let session = h.session(&["a"]).await;
    let root = h.running(session, task("a")).await;
    let first: Vec<_> = (0..8).map(|i| child(h, &format!("c{i}"), task("a"))).collect();
    h.spawn(&root, first).await;
    let workers = h.claim(session, 8).await;
    let grow = workers.iter().map(|leased| async {
        for i in 0..20 {
            let spawn = ReportBody::Spawn(vec![child(h, &format!("g{i}"), task("a"))]);
            if h.report(leased, spawn).await
                == (ReportAck::Refused {
                    message: "the task is being cancelled".into(),
                })
            {
                break;
            }
        }
    });
    let cancel = async {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        h.cancel(root.id).await;
    };
    futures::future::join(join_all(grow), cancel).await;
    for leased in workers.iter().chain([&root]) {
        h.report(leased, ReportBody::Stopped { wall_s: 0.0 }).await;
    }
    let tree = h.store.tree(root.id).await.expect("a tree").tasks;
    assert!(
        tree.iter().all(|t| t.state == TaskState::Cancelled),
        "{:?}",
        tree.iter().map(|t| t.state).collect::<Vec<_>>()
    );
}

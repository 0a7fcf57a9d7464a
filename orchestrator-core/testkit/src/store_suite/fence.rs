//! Leases as fences.

use orchestrator_core::{
    domain::retry::MAX_LOSSES,
    store::{Intervention, ReportAck, ReportBody},
};
use orchestrator_protocol::{ErrorClass, Join, Json, LeaseId, NewTask, SideEffects, TaskError, TaskState, Usage};

use crate::harness::{Harness, child, completion, line, step, task};

/// A is paused past its lease, B finishes, A wakes up: whatever A says is refused and leaves no trace.
pub async fn a_late_worker_changes_nothing(h: &Harness) {
    let a = h.session(&["a"]).await;
    let late = h.running(a, task("a")).await;
    h.report(&late, step("one", "1")).await;
    assert_eq!(h.lose_sessions().await.rescued, 1);
    let b = h.session(&["a"]).await;
    let leased = h.claim_one(b).await;
    assert!(leased.lease > late.lease && leased.has_history && leased.attempt == 2);
    let while_running = h.picture(late.id).await;
    for finished in [false, true] {
        let before = if finished {
            h.complete(&leased).await;
            h.picture(late.id).await
        } else {
            while_running.clone()
        };
        let says = [
            line(h, "late"),
            ReportBody::Progress(0.9),
            ReportBody::Usage(Usage {
                input_tokens: 5,
                ..Usage::default()
            }),
            step("two", "2"),
            ReportBody::Spawn(vec![child(h, "c", task("a"))]),
            ReportBody::Wait {
                tasks: vec![late.id],
                join: Join::All,
                until: None,
            },
            ReportBody::Release { reason: "late".into() },
            ReportBody::Stopped { wall_s: 1.0 },
            ReportBody::Fail {
                error: TaskError::terminal("late"),
                wall_s: 1.0,
            },
            completion(),
        ];
        for body in says {
            assert_eq!(h.report(&late, body.clone()).await, ReportAck::LeaseLost, "{body:?}");
            assert_eq!(h.picture(late.id).await, before, "{body:?}");
        }
    }
    assert_eq!(h.all().await.len(), 1);
}

pub async fn leases_only_grow(h: &Harness) {
    let mut last = LeaseId(0);
    h.submit(NewTask {
        retry: orchestrator_protocol::RetryPolicy::default(),
        ..task("a")
    })
    .await;
    for _ in 0..5 {
        let session = h.session(&["a"]).await;
        let leased = h.claim_one(session).await;
        assert!(leased.lease > last);
        last = leased.lease;
        h.store.close_session(session, h.now()).await.expect("a close");
    }
}

pub async fn a_lease_is_for_one_task(h: &Harness) {
    let session = h.session(&["a"]).await;
    let one = h.running(session, task("a")).await;
    let two = h.running(session, task("a")).await;
    let mut item = h.item(&one, completion());
    item.task = two.id;
    assert_eq!(h.send(item).await, ReportAck::LeaseLost);
    assert_eq!(h.states(&[one.id, two.id]).await, [TaskState::Running; 2]);
}

pub async fn a_finished_lease_is_over(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    h.complete(&leased).await;
    let before = h.picture(leased.id).await;
    for body in [
        line(h, "more"),
        step("more", "1"),
        ReportBody::Spawn(vec![child(h, "c", task("a"))]),
    ] {
        assert_eq!(h.report(&leased, body).await, ReportAck::LeaseLost);
    }
    assert_eq!(h.picture(leased.id).await, before);
}

pub async fn once_tasks_need_a_person_after_a_loss(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h
        .running(
            session,
            NewTask {
                side_effects: SideEffects::Once,
                ..task("a")
            },
        )
        .await;
    h.lose_sessions().await;
    let stored = h.get(leased.id).await;
    assert_eq!(stored.state, TaskState::NeedsAttention);
    assert_eq!(stored.error.expect("why").class, ErrorClass::NeedsAttention);
    let session = h.session(&["a"]).await;
    assert!(h.claim(session, 1).await.is_empty());
    h.intervene(leased.id, Intervention::Retry).await.expect("a retry");
    let again = h.claim_one(session).await;
    assert_eq!(again.attempt, 2);
}

pub async fn too_many_losses_need_a_person(h: &Harness) {
    let id = h
        .submit(NewTask {
            input: Json::NULL,
            ..task("a")
        })
        .await;
    for loss in 1..=MAX_LOSSES {
        let session = h.session(&["a"]).await;
        assert_eq!(h.claim_one(session).await.attempt, loss);
        h.store.close_session(session, h.now()).await.expect("a close");
    }
    assert_eq!(h.state(id).await, TaskState::NeedsAttention);
}

//! Failing and trying again.

use std::time::Duration;

use orchestrator_core::{
    domain::retry,
    store::{Intervention, ReportAck, StoreError},
};
use orchestrator_protocol::{ErrorClass, Join, NewTask, RetryPolicy, TaskError, TaskRef, TaskState};

use crate::harness::{Harness, child, step, task};

pub async fn backoff_is_as_the_policy_says(h: &Harness) {
    let policy = RetryPolicy {
        max_attempts: 3,
        initial_backoff_s: 10.0,
        multiplier: 3.0,
        max_backoff_s: 100.0,
    };
    let id = h
        .submit(NewTask {
            retry: policy.clone(),
            ..task("a")
        })
        .await;
    for failures in 1..=3 {
        let session = h.session(&["a"]).await;
        let leased = h.claim_one(session).await;
        assert_eq!(leased.attempt, failures);
        h.fail(&leased, TaskError::retryable(format!("failure {failures}")))
            .await;
        let stored = h.get(id).await;
        assert_eq!(stored.error.expect("why").message, format!("failure {failures}"));
        if failures == 3 {
            assert_eq!(stored.state, TaskState::Failed);
            assert_eq!(stored.finished_at, Some(h.now()));
            return;
        }
        assert_eq!(stored.state, TaskState::Scheduled);
        let wait = retry::backoff(&policy, failures, retry::jitter(id.as_bytes(), failures));
        h.pass(wait.saturating_sub(Duration::from_micros(2))).await;
        assert_eq!(h.state(id).await, TaskState::Scheduled);
        h.pass(Duration::from_micros(4)).await;
        assert_eq!(h.state(id).await, TaskState::Ready);
    }
}

pub async fn a_provider_may_ask_for_patience(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    let error = TaskError {
        retry_after_s: Some(90.0),
        ..TaskError::new(ErrorClass::RateLimited, "429")
    };
    h.fail(&leased, error).await;
    assert_eq!(h.pass(Duration::from_secs(89)).await.due, 0);
    assert_eq!(h.pass(Duration::from_secs(1)).await.due, 1);
}

pub async fn classes_decide(h: &Harness) {
    for (class, state) in [
        (ErrorClass::Retryable, TaskState::Scheduled),
        (ErrorClass::RateLimited, TaskState::Scheduled),
        (ErrorClass::Terminal, TaskState::Failed),
        (ErrorClass::NeedsAttention, TaskState::NeedsAttention),
    ] {
        let session = h.session(&["a"]).await;
        let leased = h.running(session, task("a")).await;
        h.fail(&leased, TaskError::new(class, "no")).await;
        assert_eq!(h.state(leased.id).await, state, "{class:?}");
        h.cancel(leased.id).await;
    }
}

pub async fn a_retry_goes_on_from_its_steps(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h
        .running(
            session,
            NewTask {
                retry: RetryPolicy::never(),
                ..task("a")
            },
        )
        .await;
    h.report(&leased, step("one", r#"{"kept":true}"#)).await;
    h.fail(&leased, TaskError::retryable("once is enough")).await;
    assert_eq!(h.state(leased.id).await, TaskState::Failed);
    let retried = h.intervene(leased.id, Intervention::Retry).await.expect("a retry");
    assert_eq!((retried.state, retried.finished_at), (TaskState::Ready, None));
    let again = h.claim_one(session).await;
    assert_eq!((again.attempt, again.has_history, again.resumed), (2, true, false));
    let history = h.store.history(leased.id).await.expect("a read");
    assert_eq!(history.steps[0].output.get(), r#"{"kept":true}"#);
    h.complete(&again).await;
    assert_eq!(h.get(leased.id).await.error, None);
}

pub async fn only_what_has_ended_badly(h: &Harness) {
    let session = h.session(&["a"]).await;
    let waiting = h.submit(task("b")).await;
    let running = h.running(session, task("a")).await;
    let done = h.running(session, task("a")).await;
    h.complete(&done).await;
    for id in [waiting, running.id, done.id] {
        let refused = h.intervene(id, Intervention::Retry).await;
        assert!(matches!(refused, Err(StoreError::StateConflict { .. })), "{refused:?}");
    }
}

/// After a retry of the parent, its failed children run again when it asks; succeeded ones never do; and a child that
/// failed after the retry has failed.
/// All in one instant: what came before a retry is not a matter of clocks, which may stand still or go back.
pub async fn outlived_children_run_again(h: &Harness) {
    let session = h.session(&["p", "c"]).await;
    let parent = h.running(session, task("p")).await;
    let names = ["good", "bad"];
    let wanted = || names.iter().map(|n| child(h, n, task("c"))).collect::<Vec<_>>();
    let ids: Vec<_> = h.spawn(&parent, wanted()).await.iter().map(|c| c.id).collect();
    h.wait(&parent, ids.clone(), Join::All).await;
    let leases = h.claim(session, 2).await;
    h.complete(&leases[0]).await;
    h.fail(&leases[1], TaskError::terminal("no")).await;
    let resumed = h.claim_one(session).await;
    assert_eq!(
        h.spawn(&resumed, wanted()).await[1].state,
        TaskState::Failed,
        "without a retry it has failed"
    );
    h.fail(&resumed, TaskError::terminal("bad child")).await;
    h.intervene(parent.id, Intervention::Retry).await.expect("a retry");
    let history = h.store.history(parent.id).await.expect("a read");
    assert_eq!(history.children.iter().map(|c| c.id).collect::<Vec<_>>(), ids[..1]);
    let again = h.claim_one(session).await;
    let children = h.spawn(&again, wanted()).await;
    assert_eq!((children[0].id, children[0].state), (ids[0], TaskState::Succeeded));
    assert_eq!((children[1].id, children[1].state), (ids[1], TaskState::Ready));
    assert_eq!(h.wait(&again, ids.clone(), Join::All).await, ReportAck::Parked);
    let bad = h.claim_one(session).await;
    assert_eq!((bad.id, bad.attempt), (ids[1], 2));
    h.fail(&bad, TaskError::terminal("still")).await;
    let resumed = h.claim_one(session).await;
    assert_eq!(h.spawn(&resumed, wanted()).await[1].state, TaskState::Failed);
}

pub async fn what_was_cancelled_by_a_dependency(h: &Harness) {
    let session = h.session(&["a"]).await;
    let first = h.running(session, task("a")).await;
    let last = h
        .submit(NewTask {
            depends_on: vec![TaskRef::Id(first.id)],
            ..task("a")
        })
        .await;
    h.fail(&first, TaskError::terminal("no")).await;
    assert_eq!(h.state(last).await, TaskState::Cancelled);
    let refused = h.intervene(last, Intervention::Retry).await;
    assert!(matches!(refused, Err(StoreError::StateConflict { .. })), "{refused:?}");
    h.intervene(first.id, Intervention::Retry).await.expect("a retry");
    let retried = h.intervene(last, Intervention::Retry).await.expect("a retry");
    assert_eq!(retried.state, TaskState::Blocked);
    let again = h.claim_one(session).await;
    h.complete(&again).await;
    assert_eq!(h.claim_one(session).await.id, last);
}

//! Submitting again.

use futures::future::join_all;
use orchestrator_core::store::StoreError;
use orchestrator_protocol::{Json, NewTask, TaskRef, TaskState};

use crate::harness::{Harness, task};

fn keyed(key: &str) -> NewTask {
    NewTask {
        idempotency_key: Some(key.to_owned()),
        ..task("a")
    }
}

pub async fn the_same_body_is_the_same_task(h: &Harness) {
    let first = h.try_submit(vec![keyed("k")]).await.expect("stored").remove(0);
    let spaced = NewTask {
        input: Json::parse("{ \"n\" : 1 }").expect("JSON"),
        ..keyed("k")
    };
    let second = h.try_submit(vec![spaced]).await.expect("known").remove(0);
    assert_eq!((first.created, second.created), (true, false));
    assert_eq!(first.id(), second.id());
    assert_eq!(h.all().await.len(), 1);
    assert_eq!(h.events(first.id()).await.len(), 1, "a repeat leaves no trace");
}

pub async fn another_body_is_a_conflict(h: &Harness) {
    let first = h.submit(keyed("k")).await;
    for other in [
        NewTask {
            priority: 1,
            ..keyed("k")
        },
        NewTask {
            task_type: "b".to_owned(),
            ..keyed("k")
        },
    ] {
        let refused = h.try_submit(vec![task("c"), other]).await;
        let conflict = StoreError::IdempotencyConflict {
            key: "k".to_owned(),
            task: first,
        };
        assert_eq!(refused.expect_err("a conflict"), conflict);
    }
    assert_eq!(h.all().await.len(), 1);
}

pub async fn twice_in_one_batch(h: &Harness) {
    let tasks = h
        .try_submit(vec![keyed("k"), task("b"), keyed("k")])
        .await
        .expect("stored");
    assert_eq!(tasks.iter().map(|t| t.created).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(tasks[0].id(), tasks[2].id());
    let refused = h
        .try_submit(vec![
            keyed("l"),
            NewTask {
                priority: 1,
                ..keyed("l")
            },
        ])
        .await;
    assert!(
        matches!(refused, Err(StoreError::IdempotencyConflict { .. })),
        "{refused:?}"
    );
    assert_eq!(h.all().await.len(), 2);
}

pub async fn from_many_at_once(h: &Harness) {
    let answers = join_all((0..32).map(|i| h.try_submit(vec![keyed(&format!("k{}", i % 4))]))).await;
    let tasks: Vec<_> = answers
        .into_iter()
        .map(|a| a.expect("stored or known").remove(0))
        .collect();
    assert_eq!(tasks.iter().filter(|t| t.created).count(), 4);
    for (i, task) in tasks.iter().enumerate() {
        assert_eq!(task.id(), tasks[i % 4].id());
    }
}

pub async fn settled_tasks_still_answer(h: &Harness) {
    let id = h.submit(keyed("k")).await;
    let session = h.session(&["a"]).await;
    let leased = h.claim_one(session).await;
    h.complete(&leased).await;
    let again = h.try_submit(vec![keyed("k")]).await.expect("known").remove(0);
    assert_eq!(
        (again.id(), again.created, again.row.state),
        (id, false, TaskState::Succeeded)
    );
}

pub async fn graphs_can_be_repeated(h: &Harness) {
    let graph = || {
        let mut first = keyed("first");
        first.local_ref = Some("x".to_owned());
        let mut second = keyed("second");
        second.depends_on = vec![TaskRef::Local("x".to_owned())];
        vec![first, second]
    };
    let one = h.submit_all(graph()).await;
    let two = h.try_submit(graph()).await.expect("known");
    assert_eq!(
        two.iter()
            .map(orchestrator_core::store::SubmittedTask::id)
            .collect::<Vec<_>>(),
        one
    );
    assert!(two.iter().all(|t| !t.created));
}

//! Submitting.

use orchestrator_core::store::{Intervention, StoreError};
use orchestrator_protocol::{NewTask, RetryPolicy, TaskId, TaskRef, TaskState};
use uuid::Uuid;

use crate::harness::{Harness, task};

pub async fn a_task_comes_back_as_it_was(h: &Harness) {
    let submitted = h.try_submit(vec![task("a")]).await.expect("stored").remove(0);
    assert!(submitted.created);
    let stored = h.get(submitted.id()).await;
    assert_eq!(stored, submitted.task());
    assert_eq!(
        (stored.state, stored.attempt, stored.created_at),
        (TaskState::Ready, 0, h.now())
    );
    assert_eq!((stored.root_id, stored.parent_id), (stored.id, None));
}

pub async fn rules_are_named(h: &Harness) {
    type Change = fn(&mut NewTask);
    let breaks: [(&str, Change); 5] = [
        ("task_type", |t| t.task_type.clear()),
        ("priority", |t| t.priority = 11),
        ("timeout_s", |t| t.timeout_s = Some(-1.0)),
        ("retry", |t| {
            t.retry = RetryPolicy {
                max_attempts: 0,
                ..RetryPolicy::default()
            }
        }),
        ("depends_on", |t| {
            t.depends_on = vec![TaskRef::Local("nobody".to_owned())];
        }),
    ];
    for (field, change) in breaks {
        let mut broken = task("a");
        change(&mut broken);
        match h.try_submit(vec![broken.clone()]).await {
            Err(StoreError::Invalid { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{field}: {other:?}"),
        }
        match h.try_submit(vec![task("a"), broken]).await {
            Err(StoreError::Invalid { field: named, .. }) => assert_eq!(named, format!("tasks[1].{field}")),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(h.all().await.is_empty(), "nothing of a refused batch is stored");
}

pub async fn children_by_id(h: &Harness) {
    let parent = h.submit(task("a")).await;
    let child = h
        .submit(NewTask {
            parent_id: Some(parent),
            ..task("b")
        })
        .await;
    let grandchild = h
        .submit(NewTask {
            parent_id: Some(child),
            ..task("c")
        })
        .await;
    let stored = h.get(grandchild).await;
    assert_eq!((stored.parent_id, stored.root_id), (Some(child), parent));
    let tree = h.store.tree(parent).await.expect("a tree");
    assert_eq!(
        tree.tasks.iter().map(|t| t.id).collect::<Vec<_>>(),
        [parent, child, grandchild]
    );
}

pub async fn no_children_of_the_dead(h: &Harness) {
    let parent = h.submit(task("a")).await;
    h.cancel(parent).await;
    let refused = h
        .try_submit(vec![NewTask {
            parent_id: Some(parent),
            ..task("b")
        }])
        .await;
    assert!(matches!(refused, Err(StoreError::StateConflict { .. })), "{refused:?}");
}

pub async fn what_is_not_there_is_said(h: &Harness) {
    let nobody = TaskId::from_uuid(Uuid::from_u128(1));
    assert_eq!(h.store.get(nobody).await, Ok(None));
    assert_eq!(
        h.store.tree(nobody).await.expect_err("nobody"),
        StoreError::TaskNotFound(nobody)
    );
    assert_eq!(
        h.store.history(nobody).await.expect_err("nobody"),
        StoreError::TaskNotFound(nobody)
    );
    assert_eq!(
        h.intervene(nobody, Intervention::Retry).await.expect_err("nobody"),
        StoreError::TaskNotFound(nobody)
    );
    let child = NewTask {
        parent_id: Some(nobody),
        ..task("a")
    };
    assert_eq!(
        h.try_submit(vec![child]).await.expect_err("nobody"),
        StoreError::TaskNotFound(nobody)
    );
    assert!(h.store.facts(nobody, h.now()).await.expect("a read").is_none());
    assert_eq!(h.store.results(vec![nobody]).await.expect("a read"), []);
}

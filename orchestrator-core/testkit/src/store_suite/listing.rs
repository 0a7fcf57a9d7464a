//! Lists.

use orchestrator_core::store::{ListQuery, StoreError};
use orchestrator_protocol::{NewTask, TaskState};

use crate::harness::{Harness, task};

pub async fn pages_are_stable_while_tasks_come(h: &Harness) {
    let first = h.submit_all(vec![task("a"); 25]).await;
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let query = ListQuery {
            limit: 10,
            cursor,
            ..ListQuery::default()
        };
        let page = h.store.list(query).await.expect("a page");
        seen.extend(page.items.iter().map(|t| t.id));
        h.submit_all(vec![task("a"); 3]).await;
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let newest_first: Vec<_> = first.into_iter().rev().collect();
    assert_eq!(
        seen, newest_first,
        "each once, the newest first, none of the later ones"
    );
}

#[expect(clippy::too_many_lines, reason = "one table of filters")]
pub async fn filters_filter(h: &Harness) {
    let labelled = NewTask {
        labels: [("team".into(), "shop".into())].into(),
        ..task("a")
    };
    let root = h.submit(labelled).await;
    let child = h
        .submit(NewTask {
            parent_id: Some(root),
            description: "Review the Payment module".into(),
            ..task("b")
        })
        .await;
    let other = h.submit(task("b")).await;
    h.cancel(other).await;
    let session = h.session(&["a"]).await;
    h.claim_one(session).await;
    let worker = h.get(root).await.worker_id;
    let ids = |query: ListQuery| async {
        h.store
            .list(query)
            .await
            .expect("a page")
            .items
            .iter()
            .map(|t| t.id)
            .collect::<Vec<_>>()
    };
    let q = ListQuery::default;
    assert_eq!(ids(q()).await, [other, child, root]);
    assert_eq!(
        ids(ListQuery {
            states: vec![TaskState::Cancelled, TaskState::Running],
            ..q()
        })
        .await,
        [other, root]
    );
    assert_eq!(
        ids(ListQuery {
            task_type: Some("b".into()),
            ..q()
        })
        .await,
        [other, child]
    );
    assert_eq!(
        ids(ListQuery {
            root_id: Some(root),
            ..q()
        })
        .await,
        [child, root]
    );
    assert_eq!(
        ids(ListQuery {
            parent_id: Some(root),
            ..q()
        })
        .await,
        [child]
    );
    assert_eq!(
        ids(ListQuery {
            worker_id: worker,
            ..q()
        })
        .await,
        [root]
    );
    assert_eq!(
        ids(ListQuery {
            label: Some(("team".into(), "shop".into())),
            ..q()
        })
        .await,
        [root]
    );
    assert_eq!(
        ids(ListQuery {
            label: Some(("team".into(), "sho".into())),
            ..q()
        })
        .await,
        []
    );
    assert_eq!(
        ids(ListQuery {
            text: Some("payment".into()),
            ..q()
        })
        .await,
        [child]
    );
    assert_eq!(
        ids(ListQuery {
            text: Some("%".into()),
            ..q()
        })
        .await,
        [],
        "no pattern"
    );
    assert_eq!(
        ids(ListQuery {
            roots_only: true,
            ..q()
        })
        .await,
        [other, root]
    );
    let both = ListQuery {
        roots_only: true,
        task_type: Some("b".into()),
        states: vec![TaskState::Ready],
        ..q()
    };
    assert_eq!(ids(both).await, []);
}

pub async fn bad_cursors_are_refused(h: &Harness) {
    for query in [
        ListQuery {
            cursor: Some("nonsense".into()),
            ..ListQuery::default()
        },
        ListQuery {
            limit: 501,
            ..ListQuery::default()
        },
    ] {
        let refused = h.store.list(query).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
}

pub async fn trees_are_whole(h: &Harness) {
    let root = h.submit(task("a")).await;
    let one = h
        .submit(NewTask {
            parent_id: Some(root),
            ..task("a")
        })
        .await;
    let two = h
        .submit(NewTask {
            parent_id: Some(root),
            depends_on: vec![one.into()],
            ..task("a")
        })
        .await;
    let deep = h
        .submit(NewTask {
            parent_id: Some(one),
            ..task("a")
        })
        .await;
    h.submit(task("a")).await;
    let tree = h.store.tree(root).await.expect("a tree");
    assert_eq!(
        tree.tasks.iter().map(|t| t.id).collect::<Vec<_>>(),
        [root, one, two, deep]
    );
    assert_eq!(tree.edges.len(), 1);
    assert_eq!((tree.edges[0].from, tree.edges[0].to), (one, two));
    let part = h.store.tree(one).await.expect("a tree");
    assert_eq!(part.tasks.iter().map(|t| t.id).collect::<Vec<_>>(), [one, deep]);
}

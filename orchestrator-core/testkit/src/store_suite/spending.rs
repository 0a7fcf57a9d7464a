//! Usage, budgets, pauses.

use std::time::Duration;

use orchestrator_core::store::{Intervention, ReportAck, ReportBody, StoreError};
use orchestrator_protocol::{Budget, Join, NewTask, TaskState, Usage, Usd};

use crate::harness::{Harness, child, completion, task};

fn tokens(n: u64) -> ReportBody {
    ReportBody::Usage(Usage {
        input_tokens: n,
        cost_usd: Usd::from_dollars(0.5),
        ..Usage::default()
    })
}

pub async fn usage_adds_up_the_tree(h: &Harness) {
    let session = h.session(&["a", "b", "c"]).await;
    let root = h.running(session, task("a")).await;
    h.spawn(&root, vec![child(h, "x", task("b"))]).await;
    let middle = h.claim_one(session).await;
    h.spawn(&middle, vec![child(h, "y", task("c"))]).await;
    let leaf = h.claim_one(session).await;
    for (leased, n) in [(&root, 1), (&middle, 10), (&leaf, 100), (&leaf, 1000)] {
        assert_eq!(h.report(leased, tokens(n)).await, ReportAck::Accepted);
    }
    h.report(&leaf, completion()).await;
    let (root, middle, leaf) = (h.get(root.id).await, h.get(middle.id).await, h.get(leaf.id).await);
    assert_eq!(
        [
            root.usage.input_tokens,
            middle.usage.input_tokens,
            leaf.usage.input_tokens
        ],
        [1, 10, 1100]
    );
    let trees = [&root, &middle, &leaf].map(|t| t.tree_usage.input_tokens);
    assert_eq!(trees, [1111, 1110, 1100]);
    assert_eq!(root.tree_usage.cost_usd, Usd::from_dollars(2.0));
    assert!((root.tree_usage.wall_s - 0.5).abs() < 1e-9);
}

pub async fn a_spent_budget_stops_the_tree(h: &Harness) {
    let session = h.session(&["a", "b"]).await;
    let budget = Some(Budget {
        tokens: Some(100),
        cost_usd: None,
    });
    let root = h.running(session, NewTask { budget, ..task("a") }).await;
    let ids: Vec<_> = h
        .spawn(&root, (0..3).map(|i| child(h, &format!("{i}"), task("b"))).collect())
        .await
        .iter()
        .map(|c| c.id)
        .collect();
    let first = h.claim_one(session).await;
    h.report(&first, tokens(99)).await;
    assert_eq!(h.state(ids[1]).await, TaskState::Ready);
    h.report(&first, tokens(1)).await;
    assert_eq!(
        h.states(&ids).await,
        [TaskState::Running, TaskState::Paused, TaskState::Paused]
    );
    let late = h.spawn(&root, vec![child(h, "late", task("b"))]).await;
    assert_eq!(late[0].state, TaskState::Paused, "nothing new starts either");
    assert_eq!(
        h.report(&first, completion()).await,
        ReportAck::Accepted,
        "what runs may end"
    );
    let facts = h
        .store
        .facts(ids[1], h.now())
        .await
        .expect("a read")
        .expect("it exists");
    assert_eq!(facts.spent_by, Some(root.id));
    h.intervene(root.id, Intervention::Resume)
        .await
        .expect("a person lets it go on");
    let second = h.claim_one(session).await;
    h.report(&second, tokens(50)).await;
    assert_eq!(h.state(ids[2]).await, TaskState::Ready, "the decision holds");
}

pub async fn pause_and_resume(h: &Harness) {
    let session = h.session(&["a"]).await;
    let at = h.now().plus(Duration::from_secs(5));
    let first = h.submit(task("a")).await;
    let ids = h
        .submit_all(vec![
            NewTask {
                depends_on: vec![first.into()],
                ..task("a")
            },
            NewTask {
                run_at: Some(at),
                ..task("a")
            },
            task("b"),
        ])
        .await;
    let leased = h.claim_one(session).await;
    for id in &ids {
        h.intervene(*id, Intervention::Pause).await.expect("a pause");
        h.intervene(*id, Intervention::Pause)
            .await
            .expect("pausing twice is harmless");
    }
    assert_eq!(h.states(&ids).await, [TaskState::Paused; 3]);
    h.complete(&leased).await;
    h.pass(Duration::from_secs(6)).await;
    assert_eq!(
        h.states(&ids).await,
        [TaskState::Paused; 3],
        "nothing starts while it is paused"
    );
    for id in &ids {
        h.intervene(*id, Intervention::Resume).await.expect("a resume");
    }
    assert_eq!(
        h.states(&ids).await,
        [TaskState::Ready; 3],
        "what came meanwhile has come"
    );
    let refused = h.intervene(ids[0], Intervention::Resume).await;
    assert!(matches!(refused, Err(StoreError::StateConflict { .. })), "{refused:?}");
    h.cancel(ids[0]).await;
    assert!(h.intervene(ids[0], Intervention::Pause).await.is_err());
}

pub async fn pausing_what_waits(h: &Harness) {
    let session = h.session(&["p", "c"]).await;
    let parent = h.running(session, task("p")).await;
    let children = h.spawn(&parent, vec![child(h, "x", task("c"))]).await;
    let x = h.claim_one(session).await;
    h.wait(&parent, vec![children[0].id], Join::All).await;
    h.intervene(parent.id, Intervention::Pause).await.expect("a pause");
    assert_eq!(
        h.states(&[parent.id, x.id]).await,
        [TaskState::Paused, TaskState::Running]
    );
    h.complete(&x).await;
    assert_eq!(h.state(parent.id).await, TaskState::Paused);
    assert!(h.claim(session, 1).await.is_empty());
    h.intervene(parent.id, Intervention::Resume).await.expect("a resume");
    assert!(h.claim_one(session).await.resumed, "it goes on, it does not start over");
}

pub async fn children_of_a_paused_task_wait(h: &Harness) {
    let session = h.session(&["p"]).await;
    let parent = h.running(session, task("p")).await;
    h.intervene(parent.id, Intervention::Pause).await.expect("a pause");
    assert_eq!(
        h.state(parent.id).await,
        TaskState::Running,
        "what runs goes on until it rests"
    );
    let children = h
        .spawn(
            &parent,
            vec![child(h, "x", task("c")), child(h, "ask", task("checkpoint"))],
        )
        .await;
    assert_eq!(
        [children[0].state, children[1].state],
        [TaskState::Paused, TaskState::Waiting]
    );
    h.report(&parent, ReportBody::Release { reason: "x".into() }).await;
    assert_eq!(h.state(parent.id).await, TaskState::Paused);
    h.intervene(parent.id, Intervention::Resume).await.expect("a resume");
    assert_eq!(h.states(&[parent.id, children[0].id]).await, [TaskState::Ready; 2]);
}

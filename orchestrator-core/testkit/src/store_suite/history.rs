//! The history.

use std::time::Duration;

use futures::future::join_all;
use orchestrator_core::store::{EventQuery, EventScope, LeasedTask, LogQuery, ReportBody};
use orchestrator_protocol::{EventType, NewTask, Seq, TaskError, TaskState};

use crate::harness::{Harness, child, completion, line, step, task};

pub async fn events_tell_the_whole_life(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    h.report(&leased, step("s", "1")).await;
    h.fail(&leased, TaskError::retryable("again")).await;
    h.pass(Duration::from_secs(2)).await;
    let again = h.claim_one(session).await;
    h.complete(&again).await;
    let events = h.events(leased.id).await;
    use TaskState::{Ready, Running, Scheduled, Succeeded};
    assert_eq!(
        h.path(leased.id).await,
        [Ready, Running, Scheduled, Ready, Running, Succeeded]
    );
    assert_eq!(events[0].kind, EventType::TaskCreated);
    assert_eq!(
        (events[0].body.task_type.as_deref(), events[0].task_id),
        (Some("a"), Some(leased.id))
    );
    assert_eq!(
        (events[1].body.attempt, events[1].body.worker_id),
        (Some(1), h.get(leased.id).await.worker_id)
    );
    assert_eq!(
        (events[2].kind, events[2].body.step.as_deref()),
        (EventType::TaskStep, Some("s"))
    );
    assert_eq!(events[3].body.error.as_ref().map(|e| e.message.as_str()), Some("again"));
    assert_eq!(events[5].body.attempt, Some(2));
    assert!(events.iter().all(|e| e.root_id == Some(leased.id)));
}

pub async fn after_yields_each_once(h: &Harness) {
    let session = h.session(&["a"]).await;
    for _ in 0..10 {
        let leased = h.running(session, task("a")).await;
        h.complete(&leased).await;
    }
    let all = h.store.events(EventQuery::default()).await.expect("a read");
    assert_eq!(all.len(), 30);
    for size in [1, 7, 30, 100] {
        let mut seen = Vec::new();
        loop {
            let after = seen.last().map_or(Seq(0), |e: &orchestrator_protocol::Event| e.seq);
            let page = h
                .store
                .events(EventQuery {
                    after,
                    limit: size,
                    ..EventQuery::default()
                })
                .await
                .expect("a read");
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= size);
            seen.extend(page);
        }
        assert_eq!(seen, all, "in pages of {size}");
    }
    let created = EventQuery {
        types: vec![EventType::TaskCreated],
        limit: 4,
        ..EventQuery::default()
    };
    let created = h.store.events(created).await.expect("a read");
    assert!(created.len() == 4 && created.iter().all(|e| e.kind == EventType::TaskCreated));
}

pub async fn trees_and_tasks_have_their_own(h: &Harness) {
    let session = h.session(&["a"]).await;
    let root = h.running(session, task("a")).await;
    let children = h
        .spawn(&root, vec![child(h, "x", task("b")), child(h, "y", task("b"))])
        .await;
    let below = h
        .submit(NewTask {
            parent_id: Some(children[0].id),
            ..task("b")
        })
        .await;
    h.submit(task("b")).await;
    h.cancel(below).await;
    let events = |scope| async move {
        h.store
            .events(EventQuery {
                scope,
                ..EventQuery::default()
            })
            .await
            .expect("a read")
    };
    assert_eq!(events(EventScope::Task(root.id)).await.len(), 2);
    assert_eq!(events(EventScope::Tree(root.id)).await.len(), 6);
    assert_eq!(events(EventScope::Tree(children[0].id)).await.len(), 3);
    assert_eq!(events(EventScope::All).await.len(), 7);
    let tree = events(EventScope::Tree(root.id)).await;
    assert!(tree.is_sorted_by_key(|e| e.seq));
    let late = EventQuery {
        scope: EventScope::Tree(root.id),
        after: tree[3].seq,
        limit: 1,
        ..EventQuery::default()
    };
    assert_eq!(h.store.events(late).await.expect("a read"), tree[4..5]);
}

pub async fn logs_come_in_order(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    let items = (0..50)
        .map(|i| h.item(&leased, line(h, &format!("line {i}"))))
        .collect();
    let told = h.store.report(items, h.now()).await.expect("a report").events;
    assert_eq!(
        told.iter().filter(|e| e.kind == EventType::TaskLog).count(),
        50,
        "lines are told live"
    );
    let lines = h.logs(leased.id).await;
    assert_eq!(lines.len(), 50);
    assert!(
        lines
            .iter()
            .enumerate()
            .all(|(i, l)| l.text == format!("line {i}") && l.stream == "stdout")
    );
    assert!(lines.is_sorted_by(|a, b| a.seq < b.seq));
    let query = LogQuery {
        task: leased.id,
        after: lines[9].seq,
        limit: 5,
    };
    assert_eq!(h.store.logs(query).await.expect("a read"), lines[10..15]);
}

pub async fn seqs_strictly_grow(h: &Harness) {
    let session = h.session(&["a"]).await;
    join_all((0..20).map(|_| h.submit_all(vec![task("a"); 5]))).await;
    let leases = h.claim(session, 100).await;
    join_all(leases.iter().map(|leased| h.complete(leased))).await;
    let events = h
        .store
        .events(EventQuery {
            limit: 10_000,
            ..EventQuery::default()
        })
        .await
        .expect("a read");
    assert_eq!(events.len(), 300);
    assert!(events.is_sorted_by(|a, b| a.seq < b.seq));
}

pub async fn old_trees_are_forgotten(h: &Harness) {
    let session = h.session(&["a"]).await;
    let old = h
        .running(
            session,
            NewTask {
                idempotency_key: Some("k".into()),
                ..task("a")
            },
        )
        .await;
    h.spawn(&old, vec![child(h, "x", task("b"))]).await;
    h.report(&old, line(h, "old")).await;
    h.report(&old, step("s", "1")).await;
    h.complete(&old).await;
    let open = h.submit(task("b")).await;
    h.clock.advance(Duration::from_hours(2));
    let session = h.session(&["a"]).await;
    let young = h.running(session, task("a")).await;
    h.complete(&young).await;
    let before = h.now().plus(Duration::from_hours(0)).minus(Duration::from_hours(1));
    assert_eq!(h.store.prune(before, 10).await.expect("a prune"), 1);
    assert_eq!(h.all().await.iter().map(|t| t.id).collect::<Vec<_>>(), [young.id, open]);
    let events = h.store.events(EventQuery::default()).await.expect("a read");
    assert!(events.iter().all(|e| e.task_id != Some(old.id)));
    let again = h
        .try_submit(vec![NewTask {
            idempotency_key: Some("k".into()),
            ..task("a")
        }])
        .await
        .expect("stored");
    assert!(again[0].created, "its key is free again");
    assert_eq!(h.store.prune(before, 10).await.expect("a prune"), 0);
}

pub async fn what_was_written_together_is_forgotten_apart(h: &Harness) {
    let session = h.session(&["a"]).await;
    let tasks = h.submit_all(vec![task("a"); 200]).await;
    let leases = h.claim(session, 200).await;
    // Every other one ends with the first report, and is old when the others end.
    let (ended, open): (Vec<_>, Vec<_>) = leases
        .iter()
        .partition(|leased| tasks.iter().position(|id| *id == leased.id).is_some_and(|n| n % 2 == 0));
    let report = |leases: Vec<&LeasedTask>| {
        let items = leases.into_iter().map(|leased| h.item(leased, completion())).collect();
        async move { h.store.report(items, h.now()).await.expect("a report") }
    };
    report(ended.clone()).await;
    h.clock.advance(Duration::from_hours(2));
    let before = h.now().minus(Duration::from_hours(1));
    assert_eq!(h.store.prune(before, 60).await.expect("a prune"), 60);
    assert_eq!(h.store.prune(before, 60).await.expect("a prune"), 40);
    report(open.clone()).await;
    let all = EventQuery {
        limit: 10_000,
        ..EventQuery::default()
    };
    let all = h.store.events(all).await.expect("a read");
    assert!(all.len() == 300 && all.is_sorted_by(|a, b| a.seq < b.seq));
    for leased in &open {
        use TaskState::{Ready, Running, Succeeded};
        assert_eq!(h.path(leased.id).await, [Ready, Running, Succeeded]);
        assert_eq!(all.iter().filter(|e| e.task_id == Some(leased.id)).count(), 3);
    }
    let gone = EventQuery {
        scope: EventScope::Task(ended[0].id),
        ..EventQuery::default()
    };
    assert!(h.store.events(gone).await.is_err(), "it is not known any more");
}

pub async fn stats_count(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    let usage = orchestrator_protocol::Usage {
        input_tokens: 3,
        ..Default::default()
    };
    h.report(&leased, ReportBody::Usage(usage)).await;
    h.submit_all(vec![task("b"); 3]).await;
    h.clock.advance(Duration::from_secs(5));
    let stats = h.store.stats(h.now()).await.expect("a read");
    assert_eq!(stats.by_state.get(&TaskState::Ready), Some(&3));
    assert_eq!(stats.by_state.get(&TaskState::Running), Some(&1));
    assert_eq!(stats.by_state.get(&TaskState::Failed).copied().unwrap_or(0), 0);
    assert_eq!((stats.oldest_ready_s, stats.usage.input_tokens), (Some(5.0), 3));
    let queues: Vec<_> = stats
        .queues
        .iter()
        .map(|q| (&*q.task_type, q.ready, q.oldest_s))
        .collect();
    assert_eq!(queues, [("b", 3, 5.0)]);
}

pub async fn what_happens_is_counted_by_the_minute(h: &Harness) {
    // The beginning of a minute, so that what follows is known to be in two.
    let into = h.now().as_micros().rem_euclid(60_000_000);
    h.clock.advance(Duration::from_micros((60_000_000 - into) as u64));
    let begun = h.now();
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    let usage = orchestrator_protocol::Usage {
        input_tokens: 3,
        output_tokens: 4,
        cost_usd: orchestrator_protocol::Usd::from_nanos(5),
        ..Default::default()
    };
    h.report(&leased, ReportBody::Usage(usage)).await;
    h.complete(&leased).await;
    let gone = h.submit(task("b")).await;
    h.clock.advance(Duration::from_mins(1));
    h.cancel(gone).await;
    let told = |stats: orchestrator_protocol::Stats| -> Vec<_> {
        let minutes = stats.throughput.minutes.into_iter();
        minutes
            .map(|m| {
                let ended = (m.succeeded, m.failed, m.cancelled);
                (m.at, m.submitted, ended, m.tokens, m.cost_usd.as_nanos())
            })
            .collect()
    };
    let stats = h.store.stats(h.now()).await.expect("a read");
    assert!((stats.throughput.finished_per_s - 2.0 / 60.0).abs() < 1e-9, "{stats:?}");
    let second = begun.plus(Duration::from_mins(1));
    assert_eq!(told(stats), [(begun, 2, (1, 0, 0), 7, 5), (second, 0, (0, 0, 1), 0, 0)]);
    let later = begun.plus(Duration::from_hours(1));
    let stats = h.store.stats(later).await.expect("a read");
    assert_eq!(told(stats), [(second, 0, (0, 0, 1), 0, 0)], "an hour is told");
}

//! What belongs to one task or tree is found by indexes, however much else there is.

use std::time::Duration;

use orchestrator_core::{
    clock::{Clock, Ids, SystemClock, SystemIds},
    store::{EventQuery, EventScope, Store, Submission, Submit},
};
use orchestrator_protocol::{Json, NewTask, Seq, TaskId};
use sqlx::{Executor, PgConnection, Row};

use super::place::Place;

/// So many that reading them all seems cheap to PostgreSQL, which takes a tree for a thousand times as large as it is.
const OTHERS: usize = 20_000;

/// How often each is asked: after five times PostgreSQL may keep a plan.
const ASKED: usize = 8;

async fn submit(store: &impl Store, tasks: Vec<NewTask>) -> Vec<TaskId> {
    let submission = |task| Submission {
        id: SystemIds.task(),
        task: std::sync::Arc::new(task),
    };
    let tasks: Vec<Submission> = tasks.into_iter().map(submission).collect();
    let ids = tasks.iter().map(|submission| submission.id).collect();
    let now = SystemClock.now();
    store.submit(Submit { tasks, now }).await.expect("they are stored");
    ids
}

/// How many rows were read without an index, and how often indexes were used.
async fn looked(conn: &mut PgConnection) -> (i64, i64) {
    let sql = "select coalesce(sum(seq_tup_read),0)::bigint,coalesce(sum(idx_scan),0)::bigint from pg_stat_user_tables \
               where schemaname='orchestrator' and relname in ('task','life','event','result')";
    let row = conn.fetch_one(sql).await.expect("statistics");
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn a_tree_is_read_without_reading_everything() {
    let place = Place::new().await;
    let store = place.open().await;
    for _ in 0..OTHERS / 1_000 {
        submit(&store, vec![NewTask::new("noop", Json::NULL); 1_000]).await;
    }
    let top = submit(&store, vec![NewTask::new("top", Json::NULL)]).await[0];
    let below = NewTask {
        parent_id: Some(top),
        ..NewTask::new("below", Json::NULL)
    };
    let children = submit(&store, vec![below; 3]).await;
    store.close().await;

    let mut conn = place.connect().await;
    conn.execute("analyze").await.expect("statistics");
    let before = looked(&mut conn).await;
    let store = place.open().await;
    for _ in 0..ASKED {
        let tree = store.tree(top).await.expect("a tree");
        let ids: Vec<TaskId> = tree.tasks.iter().map(|task| task.id).collect();
        assert_eq!(ids, [&[top][..], &children].concat());
        let query = |scope| EventQuery {
            scope,
            after: Seq(0),
            types: Vec::new(),
            limit: 0,
        };
        let events = store.events(query(EventScope::Tree(top))).await.expect("a history");
        assert_eq!(events.len(), 4);
        let events = store.events(query(EventScope::Task(top))).await.expect("a history");
        assert_eq!(events.len(), 1);
        store.facts(top, SystemClock.now()).await.expect("facts");
    }
    store.close().await;
    // A backend tells its statistics when it ends, which is not waited for.
    let after = loop {
        let after = looked(&mut conn).await;
        if after.1 >= before.1 + ASKED as i64 * 8 {
            break after;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let read = after.0 - before.0;
    assert!(read < OTHERS as i64, "{read} rows were read without an index");
}

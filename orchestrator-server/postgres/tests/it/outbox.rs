//! Submitting inside transactions of other programs.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use orchestrator_core::{
    clock::{Clock, Ids, SystemClock, SystemIds},
    store::{EventQuery, Store, StoreError, Submission, Submit},
};
use orchestrator_postgres::{Outbox, PostgresStore};
use orchestrator_protocol::{EventType, Json, NewTask, Task, TaskId, TaskRef, TaskState};
use sqlx::{Connection, Executor, PgConnection, Row};

use super::place::{Place, shared};

/// Longer than anything here takes on a busy machine: reaching it means that something hangs.
const HANGS: Duration = Duration::from_mins(2);

fn noop(n: usize) -> NewTask {
    NewTask::new("noop", Json::of(&n).expect("JSON"))
}

fn keyed(key: &str, n: usize) -> NewTask {
    NewTask {
        idempotency_key: Some(key.to_owned()),
        ..noop(n)
    }
}

/// A store, its outbox, and a program with a table of its own on a connection of its own.
async fn scene() -> (Place, Arc<dyn Store>, Outbox, PgConnection) {
    let place = Place::new().await;
    let store = place.open().await;
    let outbox = store.outbox();
    let mut program = PgConnection::connect(&place.url()).await.expect("a connection");
    program
        .execute("create table public.customer_order(id bigint primary key)")
        .await
        .expect("a table");
    (place, Arc::new(store), outbox, program)
}

/// Ticks until nothing more is taken in, and says how many were.
async fn tick(store: &dyn Store) -> usize {
    let mut arrived = 0;
    loop {
        let ticked = store.tick(SystemClock.now(), 500).await.expect("a tick").value;
        if ticked.arrived == 0 {
            return arrived;
        }
        arrived += ticked.arrived;
    }
}

async fn get(store: &dyn Store, id: TaskId) -> Task {
    store.get(id).await.expect("a look").expect("a task")
}

async fn count(conn: &mut PgConnection, table: &str) -> i64 {
    let sql = match table {
        "task" => "select count(*) from orchestrator.task",
        "outbox" => "select count(*) from orchestrator.outbox",
        _ => "select count(*) from public.customer_order",
    };
    conn.fetch_one(sql).await.expect("a count").get(0)
}

#[tokio::test]
async fn both_happen_or_neither() {
    let (_place, store, outbox, mut program) = scene().await;
    let mut rolled_back = program.begin().await.expect("a transaction");
    rolled_back
        .execute("insert into public.customer_order values (1)")
        .await
        .expect("an order");
    outbox.submit_in(&mut rolled_back, noop(1)).await.expect("an id");
    rolled_back.rollback().await.expect("it is taken back");
    assert_eq!(tick(&*store).await, 0);

    let mut committed = program.begin().await.expect("a transaction");
    committed
        .execute("insert into public.customer_order values (2)")
        .await
        .expect("an order");
    let id = outbox.submit_in(&mut committed, noop(2)).await.expect("an id");
    // Nobody sees it yet.
    assert_eq!(tick(&*store).await, 0);
    assert_eq!(store.get(id).await.expect("a look"), None);
    committed.commit().await.expect("both are kept");
    // Who knows the id can wait for it from now on.
    let task = get(&*store, id).await;
    assert_eq!((task.state, task.input.get()), (TaskState::Scheduled, "2"));
    assert_eq!(tick(&*store).await, 1);
    let task = get(&*store, id).await;
    assert_eq!((task.state, task.input.get()), (TaskState::Ready, "2"));
    for (table, rows) in [("customer_order", 1), ("task", 1), ("outbox", 0)] {
        assert_eq!(count(&mut program, table).await, rows, "{table}");
    }
}

#[tokio::test]
async fn a_commit_is_heard_of_and_an_open_transaction_holds_nobody_up() {
    let (_place, store, outbox, mut program) = scene().await;
    let mut open = program.begin().await.expect("a transaction");
    let id = outbox.submit_in(&mut open, noop(1)).await.expect("an id");
    // The fleet goes on meanwhile.
    let task = Submission {
        id: SystemIds.task(),
        task: Arc::new(noop(2)),
    };
    let submit = store.submit(Submit {
        tasks: vec![task],
        now: SystemClock.now(),
    });
    let done = tokio::time::timeout(HANGS, submit).await;
    done.expect("it waits for nobody").expect("it is stored");
    // What was told when the listener began.
    tokio::time::timeout(HANGS, store.arrival()).await.expect("it listens");
    tick(&*store).await;
    open.commit().await.expect("it is kept");
    tokio::time::timeout(HANGS, store.arrival())
        .await
        .expect("it is told of the commit");
    assert_eq!(tick(&*store).await, 1);
    assert_eq!(get(&*store, id).await.state, TaskState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_take_each_task_in_once_and_in_order() {
    const CALLS: usize = 20;
    const EACH: usize = 50;
    let (place, store, outbox, mut program) = scene().await;
    let other = shared(&place).await;
    let mut tx = program.begin().await.expect("a transaction");
    let mut ids = Vec::new();
    for call in 0..CALLS {
        let batch = (0..EACH).map(|n| noop(call * EACH + n)).collect();
        ids.extend(outbox.submit_all_in(&mut tx, batch).await.expect("ids"));
    }
    tx.commit().await.expect("all are kept");
    let replicas = [Arc::clone(&store), other].map(|store| tokio::spawn(async move { tick(&*store).await }));
    let mut arrived = 0;
    for replica in replicas {
        arrived += replica.await.expect("it ticks");
    }
    assert_eq!(arrived, CALLS * EACH);
    let events = EventQuery {
        limit: 2 * CALLS * EACH,
        ..EventQuery::default()
    };
    let events = store.events(events).await.expect("events");
    let created = events.iter().filter(|event| event.kind == EventType::TaskCreated);
    let created: Vec<TaskId> = created.filter_map(|event| event.task_id).collect();
    assert!(created == ids, "the order of the events is that of the submission");
}

#[tokio::test]
async fn a_crash_between_the_two_commits_loses_nothing_and_doubles_nothing() {
    let (place, store, outbox, mut program) = scene().await;
    let mut ids = BTreeSet::new();
    for n in 0..5 {
        ids.insert(outbox.submit_in(&mut program, noop(n)).await.expect("an id"));
        // Every connection of ours dies, with whatever is under way on it.
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity \
                   where datname=current_database() and pid<>pg_backend_pid()";
        let ticking = store.tick(SystemClock.now(), 500);
        let (_, cut) = tokio::join!(ticking, program.execute(cut));
        cut.expect("the connections are cut");
    }
    // A process that dies without a word, and another one that starts.
    drop(store);
    let next = shared(&place).await;
    tick(&*next).await;
    let ready = next.stats(SystemClock.now()).await.expect("counts");
    assert_eq!(ready.by_state.get(&TaskState::Ready), Some(&5));
    for id in ids {
        assert_eq!(get(&*next, id).await.state, TaskState::Ready);
    }
}

#[tokio::test]
async fn batches_depend_on_each_other_by_refs_and_ids() {
    let (_place, store, outbox, mut program) = scene().await;
    let mut tx = program.begin().await.expect("a transaction");
    let first = outbox.submit_in(&mut tx, noop(1)).await.expect("an id");
    let a = NewTask {
        local_ref: Some("a".to_owned()),
        depends_on: vec![TaskRef::Id(first)],
        ..noop(2)
    };
    let b = NewTask {
        depends_on: vec![TaskRef::Local("a".to_owned())],
        ..noop(3)
    };
    let ids = outbox.submit_all_in(&mut tx, vec![b, a]).await.expect("ids");
    tx.commit().await.expect("all are kept");
    assert_eq!(tick(&*store).await, 3);
    assert_eq!(get(&*store, first).await.state, TaskState::Ready);
    let (b, a) = (get(&*store, ids[0]).await, get(&*store, ids[1]).await);
    assert_eq!((b.state, b.depends_on), (TaskState::Blocked, vec![a.id]));
    assert_eq!((a.state, a.depends_on), (TaskState::Blocked, vec![first]));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_at_once_and_the_transaction_goes_on() {
    let (_place, store, outbox, mut program) = scene().await;
    let mut tx = program.begin().await.expect("a transaction");
    let urgent = NewTask {
        priority: 99,
        ..noop(1)
    };
    let refused = outbox.submit_in(&mut tx, urgent).await;
    assert!(
        matches!(&refused, Err(StoreError::Invalid { field, .. }) if field == "priority"),
        "{refused:?}"
    );
    let circle = NewTask {
        local_ref: Some("a".to_owned()),
        depends_on: vec![TaskRef::Local("a".to_owned())],
        ..noop(1)
    };
    let refused = outbox.submit_in(&mut tx, circle).await;
    assert!(matches!(refused, Err(StoreError::Cycle { .. })), "{refused:?}");
    outbox.submit_in(&mut tx, noop(2)).await.expect("an id");
    tx.commit().await.expect("it is kept");
    assert_eq!(tick(&*store).await, 1);

    let elsewhere = Outbox::new("nowhere").expect("a name");
    let refused = elsewhere.submit_in(&mut program, noop(1)).await;
    assert!(matches!(&refused, Err(StoreError::Unusable(_))), "{refused:?}");
    assert!(Outbox::new("no; drop table").is_err());
}

#[tokio::test]
async fn what_turns_out_to_be_impossible_fails_where_everyone_sees_it() {
    let (_place, store, outbox, mut program) = scene().await;
    let nobody = SystemIds.task();
    let orphan = NewTask {
        depends_on: vec![TaskRef::Id(nobody)],
        labels: [("team".to_owned(), "shop".to_owned())].into(),
        ..noop(1)
    };
    let batch = outbox
        .submit_all_in(&mut program, vec![noop(0), orphan])
        .await
        .expect("ids");
    let fine = outbox.submit_in(&mut program, noop(2)).await.expect("an id");
    assert_eq!(tick(&*store).await, 3);
    // The batch is all or nothing, also now.
    for id in &batch {
        let task = get(&*store, *id).await;
        let error = task.error.expect("an error");
        assert_eq!(task.state, TaskState::Failed);
        assert!(
            error.message.contains(&format!("there is no task {nobody}")),
            "{}",
            error.message
        );
        assert_eq!(error.detail["code"], "task_not_found");
    }
    assert_eq!(get(&*store, batch[1]).await.labels["team"], "shop");
    assert_eq!(get(&*store, fine).await.state, TaskState::Ready);
}

#[tokio::test]
async fn what_nobody_can_read_stops_nobody() {
    let (_place, store, outbox, mut program) = scene().await;
    let garbage = SystemIds.task();
    let insert = "insert into orchestrator.outbox(batch,place,id,body) values (0,0,$1,'{\"no\":1}')";
    let insert = sqlx::query(insert).bind(garbage.as_uuid());
    insert.execute(&mut program).await.expect("a row");
    let fine = outbox.submit_in(&mut program, noop(1)).await.expect("an id");
    assert_eq!(tick(&*store).await, 2);
    let task = get(&*store, garbage).await;
    assert_eq!(task.state, TaskState::Failed);
    assert!(task.error.expect("an error").message.contains("is not a task"));
    // An id that is known was taken in: a row that repeats it is only taken away.
    let insert = "insert into orchestrator.outbox(batch,place,id,body) values (0,0,$1,'{\"task_type\":\"noop\"}')";
    let insert = sqlx::query(insert).bind(fine.as_uuid());
    insert.execute(&mut program).await.expect("a row");
    assert_eq!(tick(&*store).await, 1);
    assert_eq!(count(&mut program, "outbox").await, 0);
    assert_eq!(count(&mut program, "task").await, 2);
}

#[tokio::test]
async fn one_key_is_one_task_wherever_it_was_submitted() {
    let (_place, store, outbox, mut program) = scene().await;
    let mut tx = program.begin().await.expect("a transaction");
    let first = outbox.submit_in(&mut tx, keyed("k", 1)).await.expect("an id");
    // Before the commit, before and after it is taken in.
    assert_eq!(outbox.submit_in(&mut tx, keyed("k", 1)).await, Ok(first));
    tx.commit().await.expect("it is kept");
    assert_eq!(outbox.submit_in(&mut program, keyed("k", 1)).await, Ok(first));
    assert_eq!(tick(&*store).await, 1);
    let mut tx = program.begin().await.expect("a transaction");
    assert_eq!(outbox.submit_in(&mut tx, keyed("k", 1)).await, Ok(first));
    let conflict = outbox.submit_in(&mut tx, keyed("k", 2)).await;
    assert!(
        matches!(&conflict, Err(StoreError::IdempotencyConflict { task, .. }) if *task == first),
        "{conflict:?}"
    );
    // The transaction was not harmed.
    let other = outbox.submit_in(&mut tx, keyed("other", 3)).await.expect("an id");
    tx.commit().await.expect("it is kept");
    assert_eq!(tick(&*store).await, 1);
    assert_eq!(get(&*store, other).await.state, TaskState::Ready);
    assert_eq!(count(&mut program, "task").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_transactions_with_one_key_the_second_waits_for_the_first() {
    let (place, store, outbox, mut program) = scene().await;
    for (round, kept) in [true, false].into_iter().enumerate() {
        let key = format!("k{round}");
        let mut first = program.begin().await.expect("a transaction");
        let id = outbox.submit_in(&mut first, keyed(&key, 1)).await.expect("an id");
        let (url, beside, task) = (place.url(), outbox.clone(), keyed(&key, 1));
        let second = tokio::spawn(async move {
            let mut conn = PgConnection::connect(&url).await.expect("a connection");
            beside.submit_in(&mut conn, task).await.expect("an id")
        });
        wait_until_somebody_waits(&place).await;
        if kept {
            first.commit().await.expect("it is kept");
        } else {
            first.rollback().await.expect("it is taken back");
        }
        let other = tokio::time::timeout(HANGS, second)
            .await
            .expect("it goes on")
            .expect("an id");
        assert_eq!(other == id, kept);
        assert_eq!(tick(&*store).await, 1);
        assert_eq!(get(&*store, other).await.state, TaskState::Ready);
    }
}

/// Returns when a connection waits for a lock that another one holds.
async fn wait_until_somebody_waits(place: &Place) {
    let mut conn = place.connect().await;
    let waits =
        "select exists (select from pg_stat_activity where datname=current_database() and wait_event_type='Lock')";
    let waiting = async {
        while !conn.fetch_one(waits).await.expect("a look").get::<bool, _>(0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANGS, waiting).await.expect("somebody waits");
}

#[tokio::test]
async fn a_key_that_is_used_meanwhile_is_told_under_the_id_that_was_given() {
    let (_place, store, outbox, mut program) = scene().await;
    let late = outbox.submit_in(&mut program, keyed("k", 1)).await.expect("an id");
    // The store itself does not look into the outbox.
    let first = SystemIds.task();
    let task = Submission {
        id: first,
        task: Arc::new(keyed("k", 1)),
    };
    let submit = Submit {
        tasks: vec![task],
        now: SystemClock.now(),
    };
    store.submit(submit).await.expect("it is stored");
    assert_eq!(tick(&*store).await, 1);
    let task = get(&*store, late).await;
    let error = task.error.expect("an error");
    assert_eq!(task.state, TaskState::Failed);
    assert_eq!(error.detail["task_id"], first.to_string());
    assert_eq!(get(&*store, first).await.state, TaskState::Ready);
}

#[tokio::test]
async fn what_is_not_taken_in_is_not_migrated_away() {
    let (place, store, outbox, mut program) = scene().await;
    outbox.submit_in(&mut program, noop(1)).await.expect("an id");
    store.close().await;
    let mut conn = place.connect().await;
    let undone = orchestrator_migrations::POSTGRES.undo(&mut conn, 4).await;
    assert!(undone.is_err_and(|error| error.to_string().contains("not taken in yet")));
    // It holds the migrations' lock.
    conn.close().await.expect("a goodbye");
    let store: PostgresStore = place.open().await;
    assert_eq!(tick(&store).await, 1);
}

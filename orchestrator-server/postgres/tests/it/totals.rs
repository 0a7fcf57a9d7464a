//! The counts: a row with every transaction, folded before there are many.

use std::time::Duration;

use orchestrator_core::{
    clock::{Clock, Ids, SystemClock, SystemIds},
    store::{Store, Submission, Submit},
};
use orchestrator_protocol::{Json, NewTask, TaskState, Timestamp};
use sqlx::{Executor, Row};

use super::place::Place;

/// More than are folded at once, in transactions of their own.
const TRANSACTIONS: usize = 700;

async fn submit(store: &impl Store, now: Timestamp) {
    let submission = Submission {
        id: SystemIds.task(),
        task: std::sync::Arc::new(NewTask::new("noop", Json::NULL)),
    };
    let tasks = vec![submission];
    store.submit(Submit { tasks, now }).await.expect("it is stored");
}

#[tokio::test]
async fn are_folded_by_the_minute_and_stay_what_they_are() {
    let place = Place::new().await;
    let store = place.open().await;
    let now = SystemClock.now();
    let long_ago = now.minus(Duration::from_hours(7 * 24));
    let just_now = now.minus(Duration::from_mins(2));
    for n in 0..TRANSACTIONS {
        submit(&store, if n % 2 == 0 { long_ago } else { just_now }).await;
    }
    let mut conn = place.connect().await;
    let row = conn
        .fetch_one("select (select count(*) from total),(select array_agg(minute order by minute) from total_minute)")
        .await
        .expect("counts");
    let (rows, minutes): (i64, Vec<i64>) = (row.get(0), row.get(1));
    assert!(rows < 512, "{rows} rows of {TRANSACTIONS} transactions");
    assert_eq!(minutes.len(), 2, "a minute, and what is older than a day: {minutes:?}");
    assert_eq!(minutes[0], 0);

    let stats = store.stats(now).await.expect("counts");
    assert_eq!(stats.by_state.get(&TaskState::Ready), Some(&(TRANSACTIONS as u64)));
    let told: Vec<_> = stats.throughput.minutes.iter().map(|m| m.submitted).collect();
    assert_eq!(told, [TRANSACTIONS as u64 / 2], "the last hour, folded or not");
}

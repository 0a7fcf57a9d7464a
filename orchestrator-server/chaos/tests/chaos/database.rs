//! A PostgreSQL that dies, is full of connections, or is held up by somebody's open transaction.

use std::time::Duration;

use orchestrator_protocol::{Json, NewTask};
use orchestrator_testkit::chance::Chance;
use tokio::time::{Instant, sleep};

use crate::{
    fault::{Fault, give_back, hold_rows, let_go, take_connections},
    fleet::{Fleet, Plan},
    referee::dead_rows,
    round::{Trial, seed, trial},
    time::{long, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_killed() {
    trial(Plan::default(), seed(), async |trial| {
        trial.suffer(Fault::KillPostgres).await;
        trial.suffer(Fault::KillBackend).await;
    })
    .await;
}

/// Requests are told to come again, what was acknowledged is kept, and nobody has to help.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connection_is_taken() {
    let plan = Plan {
        connections: 20,
        ..Plan::default()
    };
    trial(plan, seed(), async |trial| {
        trial.suffer(Fault::Exhaust).await;
        trial
            .with_load(async |fleet, _| {
                let held = take_connections(fleet).await;
                let http = reqwest::Client::new();
                let url = format!("{}/api/v1/tasks", fleet.servers[0].proxy.url());
                let body = serde_json::to_vec(&NewTask::new("nobody", Json::NULL)).expect("JSON");
                let refused = until("a submission is refused", async || {
                    let request = http.post(&url).header("content-type", "application/json");
                    let answer = request.body(body.clone()).send().await.ok()?;
                    (!answer.status().is_success()).then_some(answer)
                })
                .await;
                assert_eq!(refused.status().as_u16(), 503);
                assert_eq!(
                    refused
                        .headers()
                        .get("retry-after")
                        .map(reqwest::header::HeaderValue::as_bytes),
                    Some(&b"1"[..])
                );
                let read = http.get(&url).send().await.expect("an answer");
                assert_eq!(read.status().as_u16(), 503, "nor is anything read");
                give_back(held).await;
            })
            .await;
    })
    .await;
}

/// Somebody keeps a snapshot of the database while the fleet works: nothing that was changed since can be cleaned up. In
/// the long form it is kept for as long as that takes, an hour say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_stays_open() {
    trial(Plan::default(), seed(), async |trial| {
        let before = trial.settle(200).await;
        let mut somebody = trial.fleet.postgres.connect().await;
        let begin = "begin isolation level repeatable read; select txid_current(); \
                     select count(*) from orchestrator.life";
        sqlx::raw_sql(begin)
            .execute(&mut somebody)
            .await
            .expect("a transaction");
        let began = Instant::now();
        while {
            let during = async |_: &mut Fleet, _: &mut Chance| sleep(Duration::from_secs(3)).await;
            trial.with_load(during).await;
            began.elapsed() < long()
        } {}
        let during = trial.settle(200).await;
        println!(
            "200 tasks settle in {before:?}, and in {during:?} after {:?}",
            began.elapsed()
        );
        // Many times slower is what a scan over the dead would be, and not what a busy machine is.
        let bound = before * 10 + Duration::from_secs(2);
        assert!(during < bound, "{during:?} instead of {before:?}");
        // What has changed since cannot be taken away, but nothing else may grow: heartbeats, timers and counters of an
        // hour are no more than what the tasks themselves have done.
        let (dead, events) = (dead_rows(&mut somebody).await, trial.events().await);
        println!("dead rows: {dead:?}; {events} events");
        let heartbeats = heartbeats(trial, began.elapsed());
        for (table, dead) in dead {
            let bound = if table == "session" {
                heartbeats
            } else {
                4 * events + 100
            };
            assert!(dead <= bound, "{dead} dead rows in {table}, more than {bound}");
        }
        sqlx::raw_sql("rollback")
            .execute(&mut somebody)
            .await
            .expect("it was not ended");
    })
    .await;
}

/// Somebody locks rows that are written all the time, for longer than the servers wait for one. Nothing can be written
/// meanwhile, and whoever asks is told so instead of being kept waiting; afterwards all goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_holds_rows() {
    trial(Plan::default(), seed(), async |trial| {
        let began = Instant::now();
        while {
            trial
                .with_load(async |fleet, chance| {
                    let held = hold_rows(fleet).await;
                    let holds = Instant::now();
                    // The servers give a statement ten seconds, and a lock a little less.
                    sleep(Duration::from_secs(12) + chance.millis(0, 3_000)).await;
                    let http = reqwest::Client::new();
                    let read = http.get(format!("{}/api/v1/tasks", fleet.servers[0].proxy.url()));
                    let read = read.send().await.expect("an answer");
                    assert_eq!(read.status().as_u16(), 200, "what is read needs no lock");
                    let_go(held).await;
                    println!("rows were held for {:?}", holds.elapsed());
                })
                .await;
            began.elapsed() < long()
        } {}
    })
    .await;
}

/// How often sessions were written at most: three times a lease, and twice that where connections come back.
fn heartbeats(trial: &Trial, elapsed: Duration) -> i64 {
    let leases = elapsed.as_secs_f64() / trial.fleet.plan.lease().as_secs_f64() + 1.0;
    (leases * 6.0 * trial.fleet.plan.workers as f64) as i64 + 100
}

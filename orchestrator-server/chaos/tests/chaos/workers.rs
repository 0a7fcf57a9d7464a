//! Workers that die, freeze and leave.

use std::time::Duration;

use crate::{
    fault::Fault,
    fleet::Plan,
    round::{seed, trial},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_are_killed_frozen_and_drained() {
    trial(Plan::default(), seed(), async |trial| {
        trial.suffer(Fault::KillWorker).await;
        trial.suffer(Fault::FreezeWorker).await;
        trial.suffer(Fault::DrainWorker).await;
    })
    .await;
}

/// Nobody said how long a lease is: at most 15 seconds, and 5 more until a task of a dead worker runs elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_default_lease_a_dead_workers_tasks_run_elsewhere_within_twenty_seconds() {
    let plan = Plan {
        lease: None,
        ..Plan::default()
    };
    assert_eq!(plan.lease(), Duration::from_secs(15));
    trial(plan, seed(), async |trial| trial.suffer(Fault::KillWorker).await).await;
}

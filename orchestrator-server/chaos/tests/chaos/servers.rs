//! Servers that die, freeze and are upgraded.

use crate::{
    fault::Fault,
    fleet::Plan,
    round::{seed, trial},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_are_killed_frozen_and_rolled() {
    trial(Plan::default(), seed(), async |trial| {
        trial.suffer(Fault::KillServer).await;
        trial.suffer(Fault::FreezeServer).await;
        trial.suffer(Fault::RollServers).await;
        trial.suffer(Fault::KillRedis).await;
    })
    .await;
}

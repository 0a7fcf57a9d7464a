//! A network that cuts and stalls.

use crate::{
    fault::Fault,
    fleet::Plan,
    round::{seed, trial},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_cut_and_stalled() {
    trial(Plan::default(), seed(), async |trial| {
        trial.suffer(Fault::CutServers).await;
        trial.suffer(Fault::StallServer).await;
        trial.suffer(Fault::CutDatabase).await;
        trial.suffer(Fault::StallDatabase).await;
        trial.suffer(Fault::StrandDatabase).await;
    })
    .await;
}

//! Faults drawn from a seed, one upon the other.

use orchestrator_testkit::chance::Chance;
use tokio::time::Instant;

use crate::{
    fault::Fault,
    fleet::Plan,
    round::{seed, trial},
    time::long,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_come_one_upon_the_other() {
    let began = Instant::now();
    let mut seed = seed();
    loop {
        storm(seed).await;
        if began.elapsed() >= long() {
            return;
        }
        seed += 1;
    }
}

async fn storm(seed: u64) {
    let mut chance = Chance::new(seed);
    let plan = Plan {
        servers: chance.between(2, 3) as usize,
        workers: chance.between(2, 4) as usize,
        slots: chance.between(5, 12) as u32,
        lease: Some(chance.millis(2_000, 4_000)),
        connections: 40,
    };
    trial(plan, seed, async |trial| {
        let faults: Vec<Fault> = (0..4).map(|_| *chance.pick(&Fault::ALL)).collect();
        trial.storm(&faults).await;
    })
    .await;
}

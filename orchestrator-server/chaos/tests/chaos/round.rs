//! One fault after the other, each with load under way, and a judgement at the end.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt;
use orchestrator_protocol::{ExternalResult, Json, NewTask};
use orchestrator_testkit::chance::Chance;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    fault::{Fault, Loss, strike},
    fleet::{Fleet, Plan},
    load::{Job, Load},
    referee,
    time::until,
    viewers::Viewer,
};

/// The seed: from the environment, to repeat what failed.
pub fn seed() -> u64 {
    let seed = std::env::var("ORCHESTRATOR_CHAOS_SEED").ok();
    let seed = seed.map(|seed| seed.parse().expect("ORCHESTRATOR_CHAOS_SEED is a number"));
    seed.unwrap_or(1)
}

/// A fleet with viewers, and everything that has happened to it.
pub struct Trial {
    pub fleet: Fleet,
    pub chance: Chance,
    viewers: Vec<Viewer>,
    jobs: Vec<Job>,
    losses: Vec<(Loss, Duration)>,
    rounds: usize,
    pulse: Pulse,
}

impl Trial {
    pub async fn begin(plan: Plan, seed: u64) -> Self {
        println!("ORCHESTRATOR_CHAOS_SEED={seed}");
        let fleet = Fleet::start(plan).await;
        let viewers = (0..3).map(|number| Viewer::start(&fleet, number)).collect();
        Self {
            viewers,
            fleet,
            chance: Chance::new(seed),
            jobs: Vec::new(),
            losses: Vec::new(),
            rounds: 0,
            pulse: Pulse::start(),
        }
    }

    /// Load without a fault, for as long as this takes.
    pub async fn with_load<T>(&mut self, during: impl AsyncFnOnce(&mut Fleet, &mut Chance) -> T) -> T {
        self.rounds += 1;
        let load = Load::start(&self.fleet, &format!("r{}", self.rounds), &mut self.chance);
        until("the load is under way", async || (load.ended() >= 2).then_some(())).await;
        let result = during(&mut self.fleet, &mut self.chance).await;
        let ended = load.ended();
        until("the load goes on", async || {
            // Whoever ends what it does not know of should be told from a defect.
            self.fleet.check();
            (load.ended() >= ended + 2).then_some(())
        })
        .await;
        self.jobs.extend(load.finish().await);
        result
    }

    /// A fault with load under way, which comes to its end.
    pub async fn suffer(&mut self, fault: Fault) {
        let began = Instant::now();
        self.pulse.take();
        let loss = self
            .with_load(async |fleet, chance| {
                sleep(chance.millis(0, 500)).await;
                strike(fleet, fault, chance).await
            })
            .await;
        let starved = self.pulse.take();
        self.losses.extend(loss.map(|loss| (loss, starved)));
        let tries: usize = self.jobs.iter().map(|job| job.tries).sum();
        println!(
            "{fault}: {:.1} s; {} jobs and {tries} submissions so far; starved for {starved:?}",
            began.elapsed().as_secs_f64(),
            self.jobs.len(),
        );
    }

    /// Several faults, one after the other, without waiting for what they did to be over.
    pub async fn storm(&mut self, faults: &[Fault]) {
        let began = Instant::now();
        self.with_load(async |fleet, chance| {
            for fault in faults {
                println!("{:5.1} s: {fault}", began.elapsed().as_secs_f64());
                strike(fleet, *fault, chance).await;
                sleep(chance.millis(0, 1_000)).await;
            }
        })
        .await;
        println!(
            "{:5.1} s: all has ended; {} jobs so far",
            began.elapsed().as_secs_f64(),
            self.jobs.len()
        );
    }

    /// How long it takes until so many tasks, one after the other, were submitted and completed from outside.
    pub async fn settle(&mut self, count: usize) -> Duration {
        let client = self.fleet.client();
        let began = Instant::now();
        for number in 0..count {
            let task = NewTask::new("external", Json::NULL);
            let task = client.submit(&task).await.expect("a task").value.id;
            let result = ExternalResult::Output(Json::of(&number).expect("JSON"));
            client.complete(task, &result).await.expect("it is completed");
            self.jobs.push(Job {
                programs: vec![None],
                tasks: vec![task],
                tries: 1,
            });
        }
        began.elapsed()
    }

    /// How many durable events there are.
    pub async fn events(&self) -> i64 {
        let mut owner = self.fleet.postgres.connect().await;
        let count = sqlx::query_scalar("select count(*) from orchestrator.event").fetch_one(&mut owner);
        count.await.expect("a number")
    }

    /// Holds everything so far against what was promised.
    pub async fn judge(&self) {
        self.fleet.check();
        referee::judge(&self.fleet, &self.jobs, &self.viewers, &self.losses).await;
    }
}

/// Runs a trial. When it fails, the logs of the fleet are shown, and kept with everything else where that is wanted.
pub async fn trial(plan: Plan, seed: u64, run: impl AsyncFnOnce(&mut Trial)) {
    let mut trial = Trial::begin(plan, seed).await;
    let ran = AssertUnwindSafe(async {
        run(&mut trial).await;
        trial.judge().await;
        referee::use_every_slot(&trial.fleet).await;
    })
    .catch_unwind()
    .await;
    if let Err(panic) = ran {
        println!("{}", trial.fleet.logs());
        if std::env::var_os("ORCHESTRATOR_CHAOS_KEEP").is_some() {
            println!("everything is kept in {}", trial.fleet.keep_folder().display());
        }
        drop(trial);
        std::panic::resume_unwind(panic);
    }
}

/// How long this process was kept from running: on a machine that is too busy for its own tests, nothing that takes a
/// while says much.
struct Pulse {
    starved: Arc<Mutex<Duration>>,
    beats: JoinHandle<()>,
}

impl Pulse {
    fn start() -> Self {
        const BEAT: Duration = Duration::from_millis(50);
        let starved: Arc<Mutex<Duration>> = Arc::default();
        let counts = starved.clone();
        let beats = tokio::spawn(async move {
            loop {
                let began = Instant::now();
                sleep(BEAT).await;
                let late = began.elapsed().saturating_sub(BEAT * 2);
                *counts.lock().expect("nobody panics") += late;
            }
        });
        Self { starved, beats }
    }

    /// How long since this was asked the last time.
    fn take(&self) -> Duration {
        std::mem::take(&mut *self.starved.lock().expect("nobody panics"))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.beats.abort();
    }
}

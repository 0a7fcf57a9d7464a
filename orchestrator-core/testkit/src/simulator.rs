//! The deterministic simulator: one seed drives submissions, workers, people, lost messages, crashes and clocks against a
//! store, and a referee checks every verb.
//!
//! A simulation is one Tokio runtime with paused time, in which everything runs that would run in a fleet: several
//! workers with scripted agents, each behind a wire that loses, repeats and delays messages; the maintenance loops;
//! clients, operators and viewers. Workers crash at any point, machines stand still, clocks jump. After a while the
//! weather calms down, and everything must come to rest.
//!
//! The store is wrapped in a layer that tells a model of each verb. The model says what is wrong at once, not when it
//! has led to something. What it checks are the promises: nothing that was acknowledged is lost; every outcome is
//! recorded once; what is finished is not executed again; who lost a lease changes nothing; one lease at a time; limits,
//! groups and budgets hold; waiting holds nothing, and ends when it should; nothing goes on below what has ended;
//! whoever watches misses nothing; and whatever crashed, the result is the same.
//!
//! ```
//! use std::sync::Arc;
//!
//! use orchestrator_core::store::memory::MemoryStore;
//! use orchestrator_testkit::Simulation;
//!
//! Simulation::new(7).run(|| Arc::new(MemoryStore::new())).unwrap();
//! ```

mod author;
mod crowd;
mod finale;
mod flaky;
mod fleet;
mod model;
mod ordered;
mod plan;
mod referee;
mod time;
mod watched;
mod wire;
mod world;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orchestrator_core::{maintain, store::Store};
use orchestrator_protocol::Seq;
use tokio::runtime::Builder;

use self::{plan::Plan, world::World};
use crate::chance::Chance;

/// How long everything may take to come to rest once the faults have ended.
const REST: Duration = Duration::from_hours(1);

/// One simulation.
#[derive(Debug, Clone, Copy)]
pub struct Simulation {
    seed: u64,
    tell: bool,
}

/// A simulation in which everything was as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Two runs of one seed have the same trace.
    pub trace: u64,
    /// How many verbs the store was given.
    pub verbs: u64,
    /// How many tasks there were.
    pub tasks: usize,
    /// What happened, when it was to be told.
    pub told: Vec<String>,
}

/// A simulation in which something was wrong.
#[derive(Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its seed.
    pub seed: u64,
    /// What was wrong first.
    pub wrong: String,
    /// What happened before, when it was to be told.
    pub told: Vec<String>,
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.told {
            writeln!(f, "{line}")?;
        }
        write!(
            f,
            "the simulation of seed {seed} failed: {wrong}\nreplay it with ORCHESTRATOR_SIM_SEED={seed} cargo test -p \
             orchestrator-core --test it simulator",
            seed = self.seed,
            wrong = self.wrong
        )
    }
}

impl Simulation {
    /// The simulation of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, tell: false }
    }

    /// The same, which tells everything that happened.
    #[must_use]
    pub fn telling(self) -> Self {
        Self { tell: true, ..self }
    }

    /// Runs it on the store that `open` gives, which must be empty.
    ///
    /// # Errors
    ///
    /// The first thing that was wrong.
    ///
    /// # Panics
    ///
    /// Within a Tokio runtime.
    pub fn run(self, open: impl FnOnce() -> Arc<dyn Store>) -> Result<Passed, Failed> {
        self.run_behind(open, |store| store)
    }

    /// The same, with something between the watched store and the services that use it. The referee sees what the store
    /// does and not what the services hear, so that only the behaviour of the whole can show that they hear lies.
    ///
    /// # Errors
    ///
    /// The first thing that was wrong.
    ///
    /// # Panics
    ///
    /// Within a Tokio runtime.
    pub fn run_behind(
        self,
        open: impl FnOnce() -> Arc<dyn Store>,
        between: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Result<Passed, Failed> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without threads of its own");
        runtime.block_on(self.play(open(), between))
    }

    async fn play(
        self,
        store: Arc<dyn Store>,
        between: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Result<Passed, Failed> {
        let mut chance = Chance::new(self.seed);
        let plan = Plan::draw(&mut chance);
        let world = Arc::new(World::new(plan, &mut chance, store, between, self.tell));
        world.prepare(&mut chance).await;
        let seen = begin(&world, &mut chance);
        let story = async {
            come_to_rest(&world).await?;
            caught_up(&world, &seen).await?;
            finale::judge(&world).await
        };
        tokio::select! {
            biased;
            () = world.referee.whistled() => {}
            end = story => if let Err(wrong) = end {
                world.referee.blame(wrong);
            },
        }
        let (wrong, told) = (world.referee.wrong(), world.referee.told());
        if let Some(wrong) = wrong {
            return Err(Failed {
                seed: self.seed,
                wrong: format!("{wrong}\n    {:?}", world.plan),
                told,
            });
        }
        let (verbs, tasks) = world.referee.model(|model| (model.verb, model.tasks.len()));
        Ok(Passed {
            trace: world.referee.trace(),
            verbs,
            tasks,
            told,
        })
    }
}

/// Starts everything that runs in a simulation. Gives what a viewer will have seen.
fn begin(world: &Arc<World>, chance: &mut Chance) -> Arc<Mutex<Vec<Seq>>> {
    let source = world.source.clone();
    tokio::spawn(async move { source.listen().await });
    for _ in 0..world.plan.tickers {
        tokio::spawn(maintain::timer::run(world.engine.clone()));
    }
    for place in 0..world.machines.len() {
        let lives = tokio::spawn(fleet::live(world.clone(), place, chance.fork()));
        let referee = world.referee.clone();
        tokio::spawn(async move {
            if let Err(panic) = lives.await {
                referee.blame(format!("a worker panicked: {panic}"));
            }
        });
        tokio::spawn(fleet::freeze(world.clone(), place, chance.fork()));
    }
    let seen = Arc::new(Mutex::default());
    tokio::spawn(crowd::submit(world.clone(), chance.fork()));
    tokio::spawn(crowd::answer(world.clone(), chance.fork()));
    tokio::spawn(crowd::intervene(world.clone(), chance.fork()));
    tokio::spawn(crowd::repair(world.clone(), chance.fork()));
    tokio::spawn(crowd::jump(world.clone(), chance.fork()));
    tokio::spawn(crowd::view(world.clone(), seen.clone(), chance.fork()));
    seen
}

/// Ends the faults after a while, and waits until every task has ended.
async fn come_to_rest(world: &World) -> Result<(), String> {
    tokio::time::sleep(world.plan.chaos).await;
    world.referee.tell(|| "calm weather".to_owned());
    world.weather.calm_down();
    for machine in &world.machines {
        machine.thaw();
    }
    let calm_since = world.clock.elapsed();
    // Longer than any message is under way, so that nothing begins after the end.
    tokio::time::sleep(Duration::from_secs(15)).await;
    loop {
        let unsettled = world.referee.model(|model| {
            let unsettled = model.tasks.iter().find(|(_, known)| !known.state.is_terminal());
            unsettled.map(|(id, known)| format!("{id} (`{}`) is {}", known.spec.task_type, known.state))
        });
        let Some(unsettled) = unsettled else { return Ok(()) };
        if world.clock.elapsed() > calm_since + REST {
            return Err(format!("long after the last fault {unsettled}"));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Waits until the viewer has seen everything.
async fn caught_up(world: &World, seen: &Mutex<Vec<Seq>>) -> Result<(), String> {
    // Its slowest way is the poll.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    world.referee.model(|model| {
        let told = model.history.iter().map(|event| event.seq);
        if told.clone().eq(seen.iter().copied()) {
            return Ok(());
        }
        let missed = told.clone().find(|seq| !seen.contains(seq));
        Err(format!(
            "a viewer saw {} of {} events; missed first: {missed:?}",
            seen.len(),
            told.count()
        ))
    })
}

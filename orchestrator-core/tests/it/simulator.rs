//! Seeded simulations of a whole fleet over the memory store.
//!
//! `ORCHESTRATOR_SIM_SEED=7` replays one seed and tells what happened; `ORCHESTRATOR_SIM_SEEDS=100000` runs more of them
//! than the 2,000 of every test run.

use std::sync::Arc;

use orchestrator_core::store::memory::MemoryStore;
use orchestrator_testkit::Simulation;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A quarter of the seeds, so that the quarters run side by side.
fn quarter(which: u64) {
    if let Some(seed) = number("ORCHESTRATOR_SIM_SEED") {
        if seed % 4 == which {
            Simulation::new(seed)
                .telling()
                .run(|| Arc::new(MemoryStore::new()))
                .unwrap();
        }
        return;
    }
    let seeds = number("ORCHESTRATOR_SIM_SEEDS").unwrap_or(2_000);
    for seed in (which..seeds).step_by(4) {
        if let Err(failed) = Simulation::new(seed).run(|| Arc::new(MemoryStore::new())) {
            panic!(
                "{failed}\nreplay it: ORCHESTRATOR_SIM_SEED={seed} cargo test -p orchestrator-core --test it simulator"
            );
        }
    }
}

#[test]
fn first_quarter_of_the_seeds() {
    quarter(0);
}

#[test]
fn second_quarter_of_the_seeds() {
    quarter(1);
}

#[test]
fn third_quarter_of_the_seeds() {
    quarter(2);
}

#[test]
fn last_quarter_of_the_seeds() {
    quarter(3);
}

/// The same seed is the same story, or a failure could not be replayed.
#[test]
fn a_seed_is_one_story() {
    for seed in 0..20 {
        let run = || {
            Simulation::new(seed)
                .run(|| Arc::new(MemoryStore::new()))
                .map(|passed| passed.trace)
        };
        assert_eq!(run().ok(), run().ok(), "seed {seed}");
    }
}

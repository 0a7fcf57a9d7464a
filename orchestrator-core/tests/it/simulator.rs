//! The simulator: seeds over the stores, that it repeats itself, and that it can fail.

use std::{
    fmt,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

#[cfg(feature = "sqlite")]
use orchestrator_core::store::sqlite::{SqliteOptions, SqliteStore};
use orchestrator_core::store::{Store, memory::MemoryStore};
#[cfg(feature = "sqlite")]
use orchestrator_testkit::layer::Apart;
use orchestrator_testkit::{
    Simulation,
    broken::{Broken, Defect},
    simulator::{Failed, Passed},
};

/// How many seeds are run on the store in memory, unless `ORCHESTRATOR_SIM_SEEDS` says otherwise.
const SEEDS: u64 = 2_000;

/// And on SQLite, where each takes longer; `ORCHESTRATOR_SIM_SEEDS` is divided in the same way.
#[cfg(feature = "sqlite")]
const SQLITE_SHARE: u64 = 20;

/// Within how many seeds a broken store must be found out.
const PATIENCE: u64 = 1_000;

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

/// A number from the environment.
fn wanted(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is `{text}`, which is not a number")),
    )
}

/// Runs seeds on all processors, and gives the failure with the smallest seed.
fn first_failure(seeds: u64, run: impl Fn(Simulation) -> Result<Passed, Failed> + Sync) -> Option<Failed> {
    let next = AtomicU64::new(0);
    let failed = AtomicU64::new(seeds);
    let work = || {
        let mut first: Option<Failed> = None;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            // A seed that another thread found may not be the first: all smaller ones are still run.
            if seed >= failed.load(Ordering::Relaxed) {
                return first;
            }
            if let Err(failure) = run(Simulation::new(seed)) {
                failed.fetch_min(seed, Ordering::Relaxed);
                first = first.filter(|f| f.seed < seed).or(Some(failure));
            }
        }
    };
    let threads = thread::available_parallelism().map_or(2, NonZero::get);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let failures = threads.into_iter().filter_map(|t| t.join().expect("no thread panics"));
        failures.min_by_key(|failure| failure.seed)
    })
}

/// Runs defects until they are found out.
#[expect(clippy::print_stderr, reason = "with --nocapture it says at which seed")]
fn find_out(defects: &[Defect], run: impl Fn(Simulation, Defect) -> Result<Passed, Failed> + Sync) {
    let mut missed = Vec::new();
    for defect in defects {
        match first_failure(PATIENCE, |simulation| run(simulation, *defect)) {
            Some(failure) => {
                let words = failure.wrong.lines().next().unwrap_or_default();
                eprintln!("{defect:?} is found out by seed {}: {words}", failure.seed);
            }
            None => missed.push(defect),
        }
    }
    assert!(missed.is_empty(), "nobody noticed within {PATIENCE} seeds: {missed:?}");
}

/// Ends a test with a failure in words, with everything that happened before when one seed was asked for.
fn show(failure: &dyn fmt::Display) -> ! {
    panic!("\n{failure}\n")
}

#[test]
fn simulator() {
    if let Some(seed) = wanted("ORCHESTRATOR_SIM_SEED") {
        match Simulation::new(seed).telling().run(memory) {
            Ok(_) => return,
            Err(failure) => show(&failure),
        }
    }
    let seeds = wanted("ORCHESTRATOR_SIM_SEEDS").unwrap_or(SEEDS);
    if let Some(failure) = first_failure(seeds, |simulation| simulation.run(memory)) {
        show(&failure);
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn simulator_on_sqlite() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    // What is tested is not whether the disk keeps what it is given: memory does, and answers sooner.
    let shared = std::path::Path::new("/dev/shm");
    let run = |simulation: Simulation| {
        let place = if shared.is_dir() {
            tempfile::tempdir_in(shared)
        } else {
            tempfile::tempdir()
        };
        let place = place.expect("a directory");
        let path = place.path().join("agents.db");
        let open = || {
            let store = runtime.block_on(SqliteStore::open(path, SqliteOptions::default()));
            let store = Arc::new(store.expect("it opens"));
            Arc::new(Apart::new(store, runtime.handle().clone())) as Arc<dyn Store>
        };
        simulation.run(open)
    };
    if let Some(seed) = wanted("ORCHESTRATOR_SIM_SEED") {
        return run(Simulation::new(seed).telling()).map_or_else(|failure| show(&failure), drop);
    }
    let seeds = wanted("ORCHESTRATOR_SIM_SEEDS").unwrap_or(SEEDS).div_ceil(SQLITE_SHARE);
    if let Some(failure) = first_failure(seeds, run) {
        show(&failure);
    }
}

#[test]
fn one_seed_is_one_story() {
    for seed in 0..20 {
        let run = || Simulation::new(seed).telling().run(memory).expect("it passes");
        let (first, second) = (run(), run());
        let differs = first.told.iter().zip(&second.told).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first, second);
    }
}

#[test]
fn every_broken_store_is_found_out() {
    find_out(&Defect::ALL, |simulation, defect| {
        simulation.run(|| Broken::over(defect, memory(), memory()))
    });
}

/// The referee sees a store without defects here, and the services another: only what comes of it can show.
#[test]
fn every_lie_to_the_services_is_found_out() {
    let lies = [
        Defect::ForgetsSteps,
        Defect::ForgetsChildren,
        Defect::GrantsTwice,
        Defect::LosesWakeUps,
        Defect::LosesSubmissions,
        Defect::ForgetsKeys,
        Defect::RescuesNobody,
        Defect::HidesEvents,
    ];
    find_out(&lies, |simulation, defect| {
        simulation.run_behind(memory, |store| Broken::over(defect, store, memory()))
    });
}

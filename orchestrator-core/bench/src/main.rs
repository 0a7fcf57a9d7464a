//! The orchestrator, measured against the limit of its storage and against its peers, in one run.
//!
//! Absolute figures change with the machine and with the hour. So contenders take turns, round after round, and what
//! counts is the ratio of their medians. `docs/benchmarks.md` says how to read the result.
//!
//! To be read in this order: what a contender can do, what it is asked, how the asking goes, and then the contenders.

#![expect(clippy::print_stdout, reason = "this program's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]

mod contender;

mod scenario;

mod harness;

mod limit;
mod limit_memory;
mod ours;
#[cfg(feature = "peers")]
mod peer_apalis;

use std::path::PathBuf;

use clap::Parser;

use crate::contender::{Entry, Role, Storage};
use crate::harness::Plan;
use crate::scenario::{SCENARIOS, Size};

/// Measures the orchestrator beside the limit and its peers.
#[derive(Parser)]
struct Options {
    /// Which scenarios to run; all but `memory` when none is named. That one is true for one contender a process.
    scenarios: Vec<String>,
    /// Only contenders whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Also the other ways in which the limit was tried.
    #[arg(long)]
    variants: bool,
    /// Jobs of one throughput run.
    #[arg(long, default_value_t = 50_000)]
    jobs: usize,
    /// Samples of one latency run.
    #[arg(long, default_value_t = 200)]
    samples: usize,
    /// Tasks in other lanes when a claim is measured behind many.
    #[arg(long, default_value_t = 1_000_000)]
    backlog: usize,
    /// How often everything is repeated; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the databases are made: it must be on a disk, not in memory.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// Every sample, as JSON lines, into this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Everybody, the limits first.
fn entries() -> Vec<Entry> {
    let entry = |name, storage, role, open| Entry {
        name,
        storage,
        role,
        open,
    };
    vec![
        entry("limit in memory", Storage::Memory, Role::Limit, limit_memory::open),
        entry("limit on SQLite", Storage::Sqlite, Role::Limit, limit::open),
        entry(
            "limit on SQLite, one table",
            Storage::Sqlite,
            Role::Variant,
            limit::open_in_place,
        ),
        entry(
            "limit on SQLite, claims of 16",
            Storage::Sqlite,
            Role::Variant,
            limit::open_small_batches,
        ),
        entry(
            "ours in memory, verbs",
            Storage::Memory,
            Role::Ours,
            ours::open_memory_verbs,
        ),
        entry("ours in memory, whole", Storage::Memory, Role::Ours, ours::open_memory),
        entry(
            "ours on SQLite, verbs",
            Storage::Sqlite,
            Role::Ours,
            ours::open_sqlite_verbs,
        ),
        entry("ours on SQLite, whole", Storage::Sqlite, Role::Ours, ours::open_sqlite),
        #[cfg(feature = "peers")]
        entry(
            "apalis 1.0, durable",
            Storage::Sqlite,
            Role::Peer,
            peer_apalis::open_durable,
        ),
        #[cfg(feature = "peers")]
        entry(
            "apalis 1.0, as it sets itself up (not durable)",
            Storage::Sqlite,
            Role::Peer,
            peer_apalis::open_as_it_is,
        ),
    ]
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    for wanted in &options.scenarios {
        let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        anyhow::ensure!(
            names.contains(&wanted.as_str()),
            "no scenario {wanted}; there are: {}",
            names.join(", ")
        );
    }
    // Memory is measured in a process of its own, or what others have given back would count.
    let named = |name: &str| {
        let by_default = options.scenarios.is_empty() && name != scenario::MEMORY;
        by_default || options.scenarios.iter().any(|wanted| wanted == name)
    };
    let taking_part = |entry: &Entry| {
        (options.variants || entry.role != Role::Variant)
            && options
                .only
                .as_ref()
                .is_none_or(|part| entry.role == Role::Limit || entry.name.contains(part.as_str()))
    };
    let plan = Plan {
        scenarios: SCENARIOS.iter().filter(|scenario| named(scenario.name)).collect(),
        entries: entries().into_iter().filter(taking_part).collect(),
        size: Size {
            jobs: options.jobs,
            samples: options.samples,
            backlog: options.backlog,
        },
        rounds: options.rounds,
        folder: options.folder,
        json: options.json,
    };
    plan.run().await
}

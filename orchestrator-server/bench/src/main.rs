//! The fleet, measured in one run on one machine: the store on PostgreSQL beside SQL by hand and beside other queues,
//! the server and real worker processes, and the HTTP of the server beside other people's.
//!
//! `make bench ARGS="fleet"` starts a private PostgreSQL that syncs, and a Redis, and runs this. `docs/benchmarks.md` says
//! how to read the result.

#![expect(clippy::print_stdout, reason = "this program's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]

mod database;
mod process;
mod queue;
mod scenario;
mod table;

mod fleet;
mod limit;
mod ours;
mod peer_http;
mod peer_node;
mod wrk;

mod claims;
mod http;
mod idle;
mod store;
mod whole;

use std::path::PathBuf;

use clap::Parser;

use crate::scenario::{Bench, SCENARIOS, Size};

/// Measures the server, the workers and the store on PostgreSQL beside the limit and the peers.
#[derive(Parser)]
struct Options {
    /// Which scenarios to run; all when none is named.
    scenarios: Vec<String>,
    /// Only contenders whose name contains this (and the limit and ours, which it is compared with).
    #[arg(long)]
    only: Option<String>,
    /// Jobs of one throughput run.
    #[arg(long, default_value_t = 30_000)]
    jobs: usize,
    /// Samples of one latency run.
    #[arg(long, default_value_t = 300)]
    samples: usize,
    /// How long one HTTP run takes, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often everything is repeated; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Without other people's programs.
    #[arg(long)]
    no_peers: bool,
    /// Where peers are installed, and files are made: it must be on a disk, not in memory.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// Every sample, as JSON lines, into this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// A private PostgreSQL that syncs.
    #[arg(long, env = "ORCHESTRATOR_TEST_POSTGRES", hide_env_values = true)]
    postgres: String,
    /// A private Redis.
    #[arg(long, env = "ORCHESTRATOR_TEST_REDIS", hide_env_values = true)]
    redis: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let options = Options::parse();
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    for wanted in &options.scenarios {
        anyhow::ensure!(
            names.contains(&wanted.as_str()),
            "no scenario {wanted}; there are: {}",
            names.join(", ")
        );
    }
    let size = Size {
        jobs: options.jobs,
        samples: options.samples,
        seconds: options.seconds,
        rounds: options.rounds,
        only: options.only,
        peers: !options.no_peers,
    };
    let mut bench = Bench::new(&options.postgres, options.redis, size, options.folder, options.json).await?;
    for scenario in SCENARIOS {
        if options.scenarios.is_empty() || options.scenarios.iter().any(|wanted| wanted == scenario.name) {
            println!("\n## {}: {}\n", scenario.name, scenario.what);
            if let Err(error) = (scenario.run)(&mut bench).await {
                println!("failed: {error:#}");
            }
        }
    }
    Ok(())
}

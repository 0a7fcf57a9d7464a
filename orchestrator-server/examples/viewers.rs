//! Measures how soon five hundred viewers see what two hundred tasks on ten workers say, over two replicas of one fleet.
//!
//! ```text
//! cargo run --release -p orchestrator-server --example viewers -- --database postgres://… [--redis redis://…]
//! cargo run --release -p orchestrator-server --example viewers -- --servers http://…,http://…
//! ```

#![expect(clippy::print_stdout, reason = "what was measured is its output")]

#[path = "../tests/support/viewers.rs"]
mod viewers;

use std::time::Duration;

use clap::Parser;
use orchestrator_server::{Config, Server};
use tokio::sync::watch;

/// Measures how soon viewers see what tasks say.
#[derive(Parser)]
struct Args {
    /// The replicas of a fleet that runs already, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "database")]
    servers: Vec<String>,
    /// A token for them
    #[arg(long, env = "ORCHESTRATOR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The database of two replicas that are started in this process
    #[arg(long, required_unless_present = "servers")]
    database: Option<String>,
    /// Their Redis
    #[arg(long, requires = "database")]
    redis: Option<String>,
    /// How many watch
    #[arg(long, default_value_t = 500)]
    viewers: usize,
    /// How many workers there are
    #[arg(long, default_value_t = 10)]
    workers: usize,
    /// How many tasks each of them runs at once
    #[arg(long, default_value_t = 20)]
    tasks: u32,
    /// How many lines and steps each task writes
    #[arg(long, default_value_t = 20)]
    lines: usize,
    /// How long it rests between two of them
    #[arg(long, default_value_t = 500)]
    rest_ms: u64,
    /// All of them at the same moments: bursts instead of a stream
    #[arg(long)]
    together: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (stop, _) = watch::channel(false);
    let mut replicas = Vec::new();
    let mut urls = args.servers;
    if let Some(database) = args.database {
        for _ in 0..2 {
            let config = Config {
                listen: "127.0.0.1:0".parse()?,
                database: database.clone(),
                redis: args.redis.clone(),
                ..Config::default()
            };
            let server = Server::start(config).await?;
            urls.push(server.url());
            let mut stopped = stop.subscribe();
            replicas.push(tokio::spawn(server.run(async move {
                let _ = stopped.changed().await;
            })));
        }
    }
    let plan = viewers::Plan {
        urls,
        token: args.token,
        viewers: args.viewers,
        workers: args.workers,
        tasks: args.tasks,
        lines: args.lines,
        rest: Duration::from_millis(args.rest_ms),
        together: args.together,
    };
    let seen = viewers::run(&plan).await?;
    println!("{}", serde_json::to_string_pretty(&seen)?);
    stop.send_replace(true);
    for replica in replicas {
        replica.await??;
    }
    Ok(())
}

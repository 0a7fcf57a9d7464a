//! What a fleet costs that has nothing to do.

use std::time::{Duration, Instant};

use crate::{
    fleet::Fleet,
    process,
    scenario::Bench,
    table::{Figure, Table},
};

const SERVER: &str = "server: % of a core";
const POSTGRES: &str = "PostgreSQL: % of a core";
const WORKERS: &str = "100 workers: % of a core";
const QUERIES: &str = "transactions/s";
const MEMORY: &str = "server: MB";

const FIGURES: &[Figure] = &[
    Figure::less(SERVER),
    Figure::less(POSTGRES),
    Figure::aside(WORKERS),
    Figure::less(QUERIES),
    Figure::aside(MEMORY),
];

/// A hundred connected workers, and nothing to do for half a minute.
pub async fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let mut table = Table::new(FIGURES);
    bench.calibrate("idle")?;
    let url = bench.postgres.database().await?;
    let mut fleet = Fleet::start(&url, None).await?;
    fleet.add_workers(100, 8).await?;
    // What connecting began has come to an end.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let used = |fleet: &Fleet| {
        [
            process::cpu_of(fleet.server.pid),
            bench.postgres.cpu(),
            process::cpu_of(fleet.workers[0].pid),
        ]
    };
    let (before, transactions, started) = (used(&fleet), bench.postgres.transactions(&url).await?, Instant::now());
    tokio::time::sleep(Duration::from_secs(30)).await;
    let (after, took) = (used(&fleet), started.elapsed().as_secs_f64());
    // Sessions of the database tell what they did at most once a second.
    let transactions = bench.postgres.transactions(&url).await? - transactions;
    let share = |place: usize| (after[place] - before[place]) / took * 100.0;
    let sample = vec![
        (SERVER, share(0)),
        (POSTGRES, share(1)),
        (WORKERS, share(2)),
        (QUERIES, transactions as f64 / took),
        (MEMORY, process::memory_of(fleet.server.pid) / 1e6),
    ];
    fleet.stop().await;
    bench.postgres.drop(&url).await?;
    bench.record("idle", &mut table, "100 workers, no tasks", Ok(sample))?;
    table.print();
    Ok(())
}

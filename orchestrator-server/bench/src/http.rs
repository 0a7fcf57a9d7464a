//! A thousand connections: reading one task, and submitting tasks that must be on the disk when they are answered.

use std::time::Duration;

use anyhow::Context;
use orchestrator_bench::job::body;
use orchestrator_core::{Json, NewTask};

use crate::{
    fleet::Fleet,
    peer_http::{self, Peers},
    process,
    scenario::Bench,
    table::{Figure, Sample, Table},
    wrk::{self, Ask},
};

const RATE: &str = "requests/s";
const AVERAGE: &str = "avg ms";
const P99: &str = "p99 ms";
const MEMORY: &str = "MB";
const CPU: &str = "CPU us a request";
const FAILED: &str = "failed";

const FIGURES: &[Figure] = &[
    Figure::more(RATE),
    Figure::less(AVERAGE),
    Figure::less(P99),
    Figure::less(MEMORY),
    Figure::aside(CPU),
    Figure::aside(FAILED),
];

const CONNECTIONS: usize = 1000;

/// Reads.
pub async fn reads(bench: &mut Bench) -> anyhow::Result<()> {
    let mut table = Table::new(FIGURES);
    let peers = if bench.size.peers {
        Peers::install(bench).await
    } else {
        Peers::none()
    };
    for round in 1..=bench.size.rounds {
        println!("round {round} of {}", bench.size.rounds);
        bench.calibrate("reads")?;
        for name in ["ours on PostgreSQL", "ours in memory"] {
            if bench.takes_part(name) {
                let sample = ours(bench, name == "ours in memory", None).await;
                bench.record("reads", &mut table, name, sample)?;
            }
        }
        for peer in peers.that_read() {
            if bench.takes_part(peer.name) {
                let sample = other(bench, peer, &peers, Ask::Get).await;
                bench.record("reads", &mut table, peer.name, sample)?;
            }
        }
    }
    table.print();
    Ok(())
}

/// Durable submissions.
pub async fn writes(bench: &mut Bench) -> anyhow::Result<()> {
    let mut table = Table::new(FIGURES);
    let peers = if bench.size.peers {
        Peers::install(bench).await
    } else {
        Peers::none()
    };
    let task = serde_json::to_string(&NewTask::new("noop", Json::parse(body(7))?))?;
    for round in 1..=bench.size.rounds {
        println!("round {round} of {}", bench.size.rounds);
        bench.calibrate("writes")?;
        let sample = ours(bench, false, Some(&task)).await;
        bench.record("writes", &mut table, "ours on PostgreSQL", sample)?;
        for peer in peers.that_write() {
            if bench.takes_part(peer.name) {
                let sample = other(bench, peer, &peers, Ask::Post(peer_http::BODY)).await;
                bench.record("writes", &mut table, peer.name, sample)?;
            }
        }
    }
    table.print();
    Ok(())
}

async fn ours(bench: &Bench, in_memory: bool, post: Option<&str>) -> anyhow::Result<Sample> {
    let url = if in_memory {
        "memory:".to_owned()
    } else {
        bench.postgres.database().await?
    };
    let fleet = Fleet::start(&url, None).await?;
    let tasks = format!("{}/api/v1/tasks", fleet.url);
    let sample = if let Some(task) = post {
        load(bench, &tasks, Ask::Post(task), fleet.server.pid).await
    } else {
        let task = fleet
            .client
            .submit(&NewTask::new("noop", Json::parse(body(7))?))
            .await?
            .value;
        load(bench, &format!("{tasks}/{}", task.id), Ask::Get, fleet.server.pid).await
    };
    fleet.stop().await;
    if !in_memory {
        bench.postgres.drop(&url).await?;
    }
    sample
}

async fn other(bench: &Bench, peer: &peer_http::Peer, peers: &Peers, ask: Ask<'_>) -> anyhow::Result<Sample> {
    let database = bench.postgres.database().await?;
    let (running, url) = peers.start(peer, &database).await.context("it does not start")?;
    let url = if let Ask::Get = ask { format!("{url}/7") } else { url };
    let sample = load(bench, &url, ask, running.pid).await;
    running.stop().await;
    bench.postgres.drop(&database).await?;
    sample
}

async fn load(bench: &Bench, url: &str, ask: Ask<'_>, pid: u32) -> anyhow::Result<Sample> {
    // Code that is compiled while it runs gets the time for it.
    wrk::run(&bench.folder, url, Ask::Get, 50, 1).await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = process::cpu_of(pid);
    let seconds = bench.size.seconds;
    let load = wrk::run(&bench.folder, url, ask, CONNECTIONS, seconds).await?;
    let cpu = process::cpu_of(pid) - before;
    Ok(vec![
        (RATE, load.per_second),
        (AVERAGE, load.average_ms),
        (P99, load.p99_ms),
        (MEMORY, process::memory_of(pid) / 1e6),
        (CPU, cpu / (load.per_second * seconds as f64) * 1e6),
        (FAILED, load.failed),
    ])
}

//! The store on PostgreSQL beside SQL by hand and beside other queues on PostgreSQL.

use std::time::Duration;

use crate::{
    limit::{self, WAYS},
    ours,
    peer_node::{self, PEERS},
    queue::{Entry, Queue},
    scenario::Bench,
    table::{Figure, Sample, Table},
};

const ONE: &str = "1 producer/s";
const MANY: &str = "16 producers/s";
const BATCHES: &str = "in batches/s";
const DRAINED: &str = "drained/s";
const CPU_SUBMIT: &str = "CPU us a submit (16)";
const CPU_DRAIN: &str = "CPU us a drained job";

const FIGURES: &[Figure] = &[
    Figure::more(ONE),
    Figure::more(MANY),
    Figure::more(BATCHES),
    Figure::more(DRAINED),
    Figure::aside(CPU_SUBMIT),
    Figure::aside(CPU_DRAIN),
];

/// A contender that takes longer is stuck, or of no interest.
const PATIENCE: Duration = Duration::from_mins(2);

/// What stands first in the table: the best way of the limit in each figure.
const BEST: &str = "the best of the limits";

fn entries(bench: &Bench, node: Option<&peer_node::Node>) -> Vec<Entry> {
    let mut entries = vec![Entry {
        name: "ours, verbs".to_owned(),
        fewer: 1,
        open: Box::new(ours::open),
    }];
    for way in WAYS {
        entries.push(Entry {
            name: way.name.to_owned(),
            fewer: if way.claim == 1 { 10 } else { 1 },
            open: Box::new(|url| limit::open(url, *way)),
        });
    }
    if let Some(node) = node {
        for peer in PEERS {
            let node = node.clone();
            entries.push(Entry {
                name: peer.name.to_owned(),
                fewer: peer.fewer,
                open: Box::new(move |url| peer_node::open(url, node.clone(), peer)),
            });
        }
    }
    entries.retain(|entry| bench.takes_part(&entry.name));
    entries
}

/// What the peers need, if it can be had.
async fn node(bench: &Bench) -> Option<peer_node::Node> {
    if !bench.size.peers {
        return None;
    }
    let node = peer_node::Node::install(&bench.folder, &["graphile-worker@0.18", "pg-boss@12", "pg@8"]).await;
    node.map_err(|error| println!("without Graphile Worker and pg-boss: {error:#}"))
        .ok()
}

/// Those that take one job at a time: the limit, and the peers as they are set up by default.
pub async fn entries_for_latency(bench: &Bench) -> Vec<Entry> {
    let node = node(bench).await;
    let mut entries = entries(bench, node.as_ref());
    entries.retain(|entry| entry.name == WAYS[0].name || entry.name.ends_with("default"));
    entries
}

/// Runs it.
pub async fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let node = node(bench).await;
    let entries = entries(bench, node.as_ref());
    let mut table = Table::new(FIGURES);
    table.row(BEST);
    for entry in &entries {
        table.row(&entry.name);
    }
    for round in 1..=bench.size.rounds {
        println!("round {round} of {}", bench.size.rounds);
        bench.calibrate("store")?;
        for turn in 0..entries.len() {
            let entry = &entries[(turn + round) % entries.len()];
            let sample = tokio::time::timeout(PATIENCE, self::turn(bench, entry)).await;
            let sample = sample.unwrap_or_else(|_| Err(anyhow::anyhow!("took longer than {} s", PATIENCE.as_secs())));
            bench.record("store", &mut table, &entry.name, sample)?;
        }
    }
    let best = |figure: &Figure| {
        let medians = WAYS.iter().filter_map(|way| table.median(way.name, figure.name));
        Some((figure.name, medians.reduce(f64::max)?))
    };
    let best: Sample = FIGURES[..4].iter().filter_map(best).collect();
    table.add(BEST, &best);
    table.print();
    Ok(())
}

/// One contender in two fresh databases, which are removed afterwards.
async fn turn(bench: &Bench, entry: &Entry) -> anyhow::Result<Sample> {
    let mut sample = Sample::new();
    let url = bench.postgres.database().await?;
    {
        let mut queue = (entry.open)(&url).await?;
        let jobs = bench.size.jobs / 3;
        let (took, cpu) = timed(bench, queue.submit_singly(jobs, 16)).await?;
        sample.push((MANY, jobs as f64 / took));
        sample.push((CPU_SUBMIT, cpu / jobs as f64 * 1e6));
        let few = jobs / 5;
        let (took, _) = timed(bench, queue.submit_singly(few, 1)).await?;
        sample.push((ONE, few as f64 / took));
    }
    bench.postgres.drop(&url).await?;
    let url = bench.postgres.database().await?;
    {
        let mut queue: Box<dyn Queue> = (entry.open)(&url).await?;
        let jobs = (bench.size.jobs / entry.fewer).max(1);
        let (took, _) = timed(bench, queue.submit_in_batches(jobs)).await?;
        sample.push((BATCHES, jobs as f64 / took));
        let (took, cpu) = timed(bench, queue.drain(jobs)).await?;
        sample.push((DRAINED, jobs as f64 / took));
        sample.push((CPU_DRAIN, cpu / jobs as f64 * 1e6));
    }
    bench.postgres.drop(&url).await?;
    Ok(sample)
}

/// How long something took, in seconds, and how much processor this process, what it started and PostgreSQL used.
async fn timed(bench: &Bench, run: impl Future<Output = anyhow::Result<Duration>>) -> anyhow::Result<(f64, f64)> {
    let used = || bench.postgres.cpu() + crate::process::cpu_of(std::process::id());
    let before = used();
    let took = run.await?;
    Ok((took.as_secs_f64(), used() - before))
}

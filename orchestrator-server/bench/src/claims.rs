//! What a claim costs while many other tasks wait in other lanes, and while many workers are connected.

use std::time::Instant;

use crate::{
    ours::{NOOP, Verbs, open_session},
    scenario::Bench,
    table::{Figure, Sample, Table, median},
};

const WARM: &str = "p50 us, by the server that wrote last";
const COLD: &str = "p50 us, by one that has to read anew";

const FIGURES: &[Figure] = &[Figure::less(WARM), Figure::less(COLD)];

/// How many claims are measured.
const CLAIMS: usize = 200;

/// How many come first, which pay for what filling has left behind.
const WARM_UP: usize = 50;

/// Runs it, once: filling takes the longest.
pub async fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let mut table = Table::new(FIGURES);
    bench.calibrate("claims")?;
    let url = bench.postgres.database().await?;
    let verbs = Verbs::open(&url).await?;
    let other = Verbs::open(&url).await?;
    let mut waiting = 0;
    for backlog in [1000, 100_000, 1_000_000] {
        // A hundred other lanes.
        verbs.fill(|n| format!("other-{}", n % 100), backlog - waiting).await?;
        waiting = backlog;
        let sample = measure(&verbs, &other).await;
        bench.record("claims", &mut table, &format!("{backlog} tasks in other lanes"), sample)?;
    }
    drop((verbs, other));
    bench.postgres.drop(&url).await?;
    table.print();

    let mut table = Table::new(FIGURES);
    for workers in [1, 1000, 10_000] {
        // Each in a database of its own: what claims leave behind until it is vacuumed would count for those after it.
        let url = bench.postgres.database().await?;
        let verbs = Verbs::open(&url).await?;
        let other = Verbs::open(&url).await?;
        // They run something else, as most of a large fleet does.
        let sessions: Vec<usize> = (1..workers).collect();
        for some in sessions.chunks(200) {
            let open = some.iter().map(|n| {
                let store = verbs.store.clone();
                let task_type = format!("other-{}", n % 100);
                async move { open_session(&*store, &[&task_type], 8).await }
            });
            futures::future::try_join_all(open).await?;
        }
        let sample = measure(&verbs, &other).await;
        bench.record("claims", &mut table, &format!("{workers} workers"), sample)?;
        drop((verbs, other));
        bench.postgres.drop(&url).await?;
    }
    table.print();
    Ok(())
}

/// Claims of one task each.
async fn measure(verbs: &Verbs, other: &Verbs) -> anyhow::Result<Sample> {
    verbs.fill(|_| NOOP.to_owned(), 2 * CLAIMS + WARM_UP).await?;
    for _ in 0..WARM_UP {
        claim(verbs).await?;
    }
    let mut warm = Vec::with_capacity(CLAIMS);
    for _ in 0..CLAIMS {
        warm.push(claim(verbs).await?);
    }
    let mut cold = Vec::with_capacity(CLAIMS);
    for number in 0..CLAIMS {
        // Each finds that the other has written since.
        cold.push(claim(if number % 2 == 0 { other } else { verbs }).await?);
    }
    Ok(vec![(WARM, median(&warm)), (COLD, median(&cold))])
}

async fn claim(verbs: &Verbs) -> anyhow::Result<f64> {
    let started = Instant::now();
    anyhow::ensure!(verbs.claim(1).await?.len() == 1, "a task is ready");
    Ok(started.elapsed().as_secs_f64() * 1e6)
}

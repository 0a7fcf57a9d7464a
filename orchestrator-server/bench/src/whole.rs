//! The whole way: HTTP, the server, PostgreSQL, WebSockets, and worker processes.

use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use orchestrator_bench::job::body;
use orchestrator_core::{Json, NewTask};

use crate::{
    fleet::Fleet,
    process,
    scenario::Bench,
    table::{Figure, Sample, Table, percentile},
};

const TASKS: &str = "tasks/s";
const SERVER: &str = "CPU us a task: server";
const WORKERS: &str = "workers";
const POSTGRES: &str = "PostgreSQL";
const BENCH: &str = "submitter";

const FIGURES: &[Figure] = &[
    Figure::aside(TASKS),
    Figure::aside(SERVER),
    Figure::aside(WORKERS),
    Figure::aside(POSTGRES),
    Figure::aside(BENCH),
];

/// Tasks in one request.
const BATCH: usize = 500;

/// Throughput: submitted in batches over HTTP while two worker processes of a thousand slots run them.
pub async fn throughput(bench: &mut Bench) -> anyhow::Result<()> {
    let mut table = Table::new(FIGURES);
    for round in 1..=bench.size.rounds {
        println!("round {round} of {}", bench.size.rounds);
        bench.calibrate("fleet")?;
        for (name, task_type, share) in [
            ("tasks that do nothing, submit to result", "noop", 1),
            ("durable runs of three steps", "steps", 5),
            ("tasks that do nothing, with Redis", "noop", 1),
            ("tasks that do nothing on SQLite", "noop", 1),
            ("durable runs of three steps on SQLite", "steps", 5),
        ] {
            let sample = run(bench, name, task_type, bench.size.jobs / share).await;
            bench.record("fleet", &mut table, name, sample)?;
        }
    }
    table.print();
    Ok(())
}

async fn run(bench: &Bench, name: &str, task_type: &str, jobs: usize) -> anyhow::Result<Sample> {
    let sqlite = name.ends_with("SQLite");
    let folder = tempfile::tempdir_in(&bench.folder)?;
    let url = if sqlite {
        format!("sqlite:{}", folder.path().join("fleet.db").display())
    } else {
        bench.postgres.database().await?
    };
    let redis = if name.ends_with("Redis") {
        Some(bench.redis.as_deref().context("there is no Redis")?)
    } else {
        None
    };
    let mut fleet = Fleet::start(&url, redis).await?;
    for _ in 0..2 {
        fleet.add_workers(1, 1000).await?;
    }
    let used = |fleet: &Fleet| {
        [
            process::cpu_of(fleet.server.pid),
            fleet.workers.iter().map(|worker| process::cpu_of(worker.pid)).sum(),
            bench.postgres.cpu(),
            process::cpu_of(std::process::id()),
        ]
    };
    let before = used(&fleet);
    let started = Instant::now();
    let submit = async |which: usize| {
        for first in (which * BATCH..jobs).step_by(2 * BATCH) {
            let task = |n| anyhow::Ok(NewTask::new(task_type, Json::parse(body(n))?));
            let batch = (first..jobs.min(first + BATCH))
                .map(task)
                .collect::<anyhow::Result<Vec<_>>>()?;
            fleet.client.submit_all(&batch).await?;
        }
        anyhow::Ok(())
    };
    let all = async {
        tokio::try_join!(submit(0), submit(1))?;
        fleet.until_succeeded(jobs).await
    };
    let done = tokio::time::timeout(Duration::from_mins(2), all).await;
    let took = started.elapsed().as_secs_f64();
    let after = used(&fleet);
    fleet.stop().await;
    if !sqlite {
        bench.postgres.drop(&url).await?;
    }
    done.context("not done in two minutes")??;
    let each = |place: usize| (after[place] - before[place]) / jobs as f64 * 1e6;
    let below = |place: usize| {
        if place == 3 {
            each(3) - each(0) - each(1)
        } else {
            each(place)
        }
    };
    Ok(vec![
        (TASKS, jobs as f64 / took),
        (SERVER, below(0)),
        (WORKERS, below(1)),
        (POSTGRES, below(2)),
        (BENCH, below(3)),
    ])
}

const START_P50: &str = "to start, p50 ms";
const START_P99: &str = "p99 ms";
const RESULT_P50: &str = "to result, p50 ms";
const RESULT_P99: &str = "result p99 ms";

const LATENCY: &[Figure] = &[
    Figure::less(START_P50),
    Figure::less(START_P99),
    Figure::aside(RESULT_P50),
    Figure::aside(RESULT_P99),
];

/// One task at a time on an idle fleet, and the queues of others beside it.
pub async fn latency(bench: &mut Bench) -> anyhow::Result<()> {
    let mut table = Table::new(LATENCY);
    let entries = crate::store::entries_for_latency(bench).await;
    for round in 1..=bench.size.rounds {
        println!("round {round} of {}", bench.size.rounds);
        bench.calibrate("latency")?;
        for entry in &entries {
            let sample = async {
                let url = bench.postgres.database().await?;
                let mut queue = (entry.open)(&url).await?;
                let starts = queue.starts(bench.size.samples).await?.context("not measured")?;
                drop(queue);
                bench.postgres.drop(&url).await?;
                Ok(vec![
                    (START_P50, percentile(&starts, 50)),
                    (START_P99, percentile(&starts, 99)),
                ])
            };
            let sample = sample.await;
            bench.record("latency", &mut table, &entry.name, sample)?;
        }
        let sample = fleet_latency(bench, "clocked").await;
        bench.record("latency", &mut table, "ours: HTTP, WebSocket, a worker process", sample)?;
        let sample = fleet_latency(bench, "fan_out").await;
        bench.record("latency", &mut table, "ours: 100 children and their join", sample)?;
    }
    table.print();
    Ok(())
}

async fn fleet_latency(bench: &Bench, task_type: &str) -> anyhow::Result<Sample> {
    let url = bench.postgres.database().await?;
    let mut fleet = Fleet::start(&url, None).await?;
    fleet.add_workers(1, 200).await?;
    let fans_out = task_type == "fan_out";
    let samples = if fans_out {
        bench.size.samples / 10
    } else {
        bench.size.samples
    };
    let (mut starts, mut results) = (Vec::new(), Vec::new());
    for number in 0..samples {
        let input = if fans_out { "100".to_owned() } else { body(number) };
        let task = NewTask::new(task_type, Json::parse(input)?);
        let (wall, before) = (SystemTime::now(), Instant::now());
        let id = fleet.client.submit(&task).await?.value.id;
        let task = fleet.client.result(id, Duration::from_secs(30)).await?;
        results.push(before.elapsed().as_secs_f64() * 1e3);
        if !fans_out {
            let output = task.output.context("the task has not succeeded")?;
            let at: u64 = serde_json::from_str(output.get())?;
            let wall = wall.duration_since(SystemTime::UNIX_EPOCH)?.as_micros() as u64;
            starts.push(at.saturating_sub(wall) as f64 / 1e3);
        }
        // Idle means idle: without the pause the next task finds everything awake.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    fleet.stop().await;
    bench.postgres.drop(&url).await?;
    let mut sample = vec![
        (RESULT_P50, percentile(&results, 50)),
        (RESULT_P99, percentile(&results, 99)),
    ];
    if !fans_out {
        sample.push((START_P50, percentile(&starts, 50)));
        sample.push((START_P99, percentile(&starts, 99)));
    }
    Ok(sample)
}

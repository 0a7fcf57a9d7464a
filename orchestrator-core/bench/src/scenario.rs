//! What the contenders are asked to do.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::contender::Contender;

/// How much of it.
pub struct Size {
    /// Jobs of one throughput run.
    pub jobs: usize,
    /// Samples of one latency run.
    pub samples: usize,
    /// Tasks in other lanes when a claim is measured.
    pub backlog: usize,
}

/// One figure that a scenario yields.
pub struct Figure {
    /// With its unit, as the table's heading.
    pub name: &'static str,
    pub more_is_better: bool,
}

/// Something that can be asked of every contender.
pub struct Scenario {
    pub name: &'static str,
    pub what: &'static str,
    pub figures: &'static [Figure],
    pub run: for<'a> fn(&'a mut dyn Contender, &'a Size) -> Running<'a>,
}

/// The figures of one run, by name. One that is left out was not measured.
pub type Running<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Vec<(&'static str, f64)>>> + Send + 'a>>;

const SUBMITTED: &str = "submitted/s";
const DRAINED: &str = "drained/s";
const WHOLE: &str = "submitted and drained/s";
const PROCESSOR: &str = "processor us/job";
const RUNS: &str = "runs/s";
const FEW: &str = "behind 1,000: us";
const MANY: &str = "behind 1,000,000: us";
const QUEUED: &str = "queued: bytes";
const WAITING: &str = "waiting: bytes";
const P50: &str = "p50 ms";
const P99: &str = "p99 ms";

/// The scenario that needs a process of its own.
pub const MEMORY: &str = "memory";

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "throughput",
        what: "jobs that do nothing, 200 bytes of JSON each: submit them all, then run them all and record the outcomes",
        figures: &[
            Figure {
                name: SUBMITTED,
                more_is_better: true,
            },
            Figure {
                name: DRAINED,
                more_is_better: true,
            },
            Figure {
                name: WHOLE,
                more_is_better: true,
            },
            Figure {
                name: PROCESSOR,
                more_is_better: false,
            },
        ],
        run: |contender, size| Box::pin(throughput(contender, size)),
    },
    Scenario {
        name: "latency",
        what: "one job at a time on an idle queue: from before it is submitted until its handler starts",
        figures: &[
            Figure {
                name: P50,
                more_is_better: false,
            },
            Figure {
                name: P99,
                more_is_better: false,
            },
        ],
        run: |contender, size| Box::pin(latency(contender, size)),
    },
    Scenario {
        name: "steps",
        what: "durable runs of three steps, all submitted at once",
        figures: &[Figure {
            name: RUNS,
            more_is_better: true,
        }],
        run: |contender, size| Box::pin(steps(contender, size)),
    },
    Scenario {
        name: "backlog",
        what: "one claim of one task while 1,000, and while 1,000,000 others wait in a hundred other lanes",
        figures: &[
            Figure {
                name: FEW,
                more_is_better: false,
            },
            Figure {
                name: MANY,
                more_is_better: false,
            },
        ],
        run: |contender, size| Box::pin(backlog(contender, size)),
    },
    Scenario {
        name: MEMORY,
        what: "memory of this process for each of 100,000 tasks that are queued, and then wait",
        figures: &[
            Figure {
                name: QUEUED,
                more_is_better: false,
            },
            Figure {
                name: WAITING,
                more_is_better: false,
            },
        ],
        run: |contender, _| Box::pin(memory(contender)),
    },
];

async fn steps(contender: &mut dyn Contender, size: &Size) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let runs = (size.jobs / 10).max(100);
    let took = contender.three_steps(runs).await?;
    Ok(took
        .map(|took| (RUNS, runs as f64 / took.as_secs_f64()))
        .into_iter()
        .collect())
}

async fn backlog(contender: &mut dyn Contender, size: &Size) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let mut figures = Vec::new();
    let mut waiting = 0;
    for (name, backlog) in [(FEW, 1000), (MANY, size.backlog)] {
        let Some(took) = contender.claim_behind(backlog - waiting).await? else {
            break;
        };
        waiting = backlog;
        figures.push((name, took.as_secs_f64() * 1e6));
    }
    Ok(figures)
}

async fn memory(contender: &mut dyn Contender) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let Some((queued, waiting)) = contender.memory(100_000).await? else {
        return Ok(Vec::new());
    };
    Ok(vec![(QUEUED, queued), (WAITING, waiting)])
}

async fn throughput(contender: &mut dyn Contender, size: &Size) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let jobs = size.jobs as f64;
    let before = processor_time()?;
    let started = Instant::now();
    contender.submit(size.jobs).await?;
    let submitted = started.elapsed();
    let submitted_at = Instant::now();
    contender.drain(size.jobs).await?;
    let (drained, whole) = (submitted_at.elapsed(), started.elapsed());
    Ok(vec![
        (SUBMITTED, jobs / submitted.as_secs_f64()),
        (DRAINED, jobs / drained.as_secs_f64()),
        (WHOLE, jobs / whole.as_secs_f64()),
        (
            PROCESSOR,
            processor_time()?.saturating_sub(before).as_secs_f64() * 1e6 / jobs,
        ),
    ])
}

/// How long all threads of this process have run, to the hundredth of a second. Unlike the time that passes it hardly
/// depends on what else the machine does.
fn processor_time() -> anyhow::Result<Duration> {
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // After the name, which is in parentheses and may contain anything, the twelfth and thirteenth are user and system.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Vec<u32> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(TICK * ticks.iter().sum())
}

async fn latency(contender: &mut dyn Contender, size: &Size) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let mut took = Vec::with_capacity(size.samples);
    for _ in 0..size.samples {
        let Some(sample) = contender.submit_to_start().await? else {
            return Ok(Vec::new());
        };
        took.push(sample.as_secs_f64() * 1e3);
        // Idle means idle: without the pause the next job finds everything awake.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    Ok(vec![(P50, at(50)), (P99, at(99))])
}

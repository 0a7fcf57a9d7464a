//! The orchestrator, twice on each storage: through the store's verbs, as other queues are driven, and whole, as an
//! embedding program uses it: agents, the worker loop, and results.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use orchestrator_core::{
    AgentError, Config, Json, NewTask, Orchestrator, TaskContext, agent,
    clock::{Clock, Ids, SystemClock, SystemIds},
    store::{
        Claim, OpenSession, ReportBody, ReportItem, Store, Submission, Submit,
        memory::MemoryStore,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use orchestrator_protocol::{SessionId, Timestamp};
use tokio::sync::mpsc;

use orchestrator_bench::job::{OUTPUT, body};

use crate::contender::{Contender, Opening};

/// How many tasks one call carries.
const BATCH: usize = 1000;

/// The agent's type.
const NOOP: &str = "noop";

/// The store's verbs, without a worker loop: two callers at a time, as a server with more than one worker has them.
pub struct Verbs {
    store: Arc<dyn Store>,
    session: SessionId,
}

/// The verbs of the memory store.
pub fn open_memory_verbs(_: &Path) -> Opening<'_> {
    Box::pin(async { Verbs::over(Arc::new(MemoryStore::new())).await })
}

/// The verbs of the SQLite store.
pub fn open_sqlite_verbs(folder: &Path) -> Opening<'_> {
    Box::pin(async move {
        let store = SqliteStore::open(folder.join("verbs.db"), SqliteOptions::default()).await?;
        Verbs::over(Arc::new(store)).await
    })
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn task(task_type: &str, number: usize) -> anyhow::Result<Submission> {
    let task = NewTask::new(task_type, Json::parse(body(number))?);
    Ok(Submission {
        id: SystemIds.task(),
        task: Arc::new(task),
    })
}

impl Verbs {
    async fn over(store: Arc<dyn Store>) -> anyhow::Result<Box<dyn Contender>> {
        let session = SystemIds.session();
        let open = OpenSession {
            session,
            worker: SystemIds.worker(),
            name: "bench".into(),
            labels: std::collections::BTreeSet::new(),
            task_types: [NOOP.to_owned()].into(),
            slots: 1000,
            ttl: Duration::from_hours(1),
            owner: None,
            now: now(),
        };
        store.open_session(open).await?;
        Ok(Box::new(Self { store, session }))
    }

    async fn fill(&self, task_type: impl Fn(usize) -> String + Send + Sync, tasks: usize) -> anyhow::Result<()> {
        let submit = async |first: usize| {
            let batch = first..tasks.min(first + BATCH);
            let tasks = batch.map(|n| task(&task_type(n), n)).collect::<anyhow::Result<_>>()?;
            anyhow::Ok(self.store.submit(Submit { tasks, now: now() }).await?)
        };
        let caller = async |which: usize| {
            for first in (which * BATCH..tasks).step_by(2 * BATCH) {
                submit(first).await?;
            }
            anyhow::Ok(())
        };
        tokio::try_join!(caller(0), caller(1))?;
        Ok(())
    }

    /// What one worker does until everything is done.
    async fn work(&self, jobs: usize, done: &AtomicUsize) -> anyhow::Result<()> {
        let output = Json::parse(OUTPUT)?;
        let mut outcomes: Vec<ReportItem> = Vec::new();
        loop {
            // The outcomes of one batch and the claim of the next are on their way together, as a busy worker sends them.
            let reported = self.store.report(std::mem::take(&mut outcomes), now());
            let (reported, leased) = tokio::join!(reported, self.claim(BATCH));
            let reported = reported?.value.len();
            let leased = leased?;
            if done.fetch_add(reported, Ordering::Relaxed) + reported >= jobs || (reported == 0 && leased.is_empty()) {
                return Ok(());
            }
            let complete = |leased| {
                let output = output.clone();
                report(leased, ReportBody::Complete { output, wall_s: 0.0 })
            };
            outcomes = leased.iter().map(complete).collect();
        }
    }

    async fn claim(&self, credit: usize) -> anyhow::Result<Vec<orchestrator_core::store::LeasedTask>> {
        Ok(self
            .store
            .claim(Claim {
                session: self.session,
                credit,
                now: now(),
                policy: orchestrator_core::domain::placement::Policy::default(),
            })
            .await?
            .value)
    }
}

fn report(leased: &orchestrator_core::store::LeasedTask, body: ReportBody) -> ReportItem {
    ReportItem {
        task: leased.id,
        lease: leased.lease,
        number: 1,
        body,
    }
}

/// Bytes of memory that this process holds.
fn resident() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or("0");
    Ok(kilobytes.parse::<f64>()? * 1024.0)
}

#[async_trait]
impl Contender for Verbs {
    async fn submit(&mut self, jobs: usize) -> anyhow::Result<()> {
        self.fill(|_| NOOP.to_owned(), jobs).await
    }

    async fn drain(&mut self, jobs: usize) -> anyhow::Result<()> {
        let done = AtomicUsize::new(0);
        tokio::try_join!(self.work(jobs, &done), self.work(jobs, &done))?;
        let done = done.into_inner();
        anyhow::ensure!(done == jobs, "{done} of {jobs} are done");
        Ok(())
    }

    async fn claim_behind(&mut self, backlog: usize) -> anyhow::Result<Option<Duration>> {
        const CLAIMS: usize = 200;
        // The backlog waits in other lanes, a hundred of them.
        self.fill(|n| format!("other-{}", n % 100), backlog).await?;
        self.fill(|_| NOOP.to_owned(), CLAIMS).await?;
        let started = Instant::now();
        for _ in 0..CLAIMS {
            anyhow::ensure!(self.claim(1).await?.len() == 1, "a task is ready");
        }
        Ok(Some(started.elapsed() / CLAIMS as u32))
    }

    async fn memory(&mut self, tasks: usize) -> anyhow::Result<Option<(f64, f64)>> {
        let before = resident()?;
        self.fill(|_| NOOP.to_owned(), tasks).await?;
        let queued = (resident()? - before) / tasks as f64;
        let until = Some(now().plus(Duration::from_hours(24)));
        loop {
            let leased = self.claim(BATCH).await?;
            if leased.is_empty() {
                break;
            }
            let wait = ReportBody::Wait {
                tasks: Vec::new(),
                join: orchestrator_protocol::Join::All,
                until,
            };
            self.store
                .report(leased.iter().map(|l| report(l, wait.clone())).collect(), now())
                .await?;
        }
        Ok(Some((queued, (resident()? - before) / tasks as f64)))
    }
}

/// The whole of it, as an embedding program has it.
pub struct Whole {
    orchestrator: Orchestrator,
    started: mpsc::UnboundedReceiver<Instant>,
    /// How many jobs were run.
    run: Arc<AtomicUsize>,
}

/// An agent that runs three durable steps.
const STEPS: &str = "steps";

/// An orchestrator in memory.
pub fn open_memory(_: &Path) -> Opening<'_> {
    Box::pin(async { Whole::open("memory:", 1024).await })
}

/// An orchestrator on SQLite.
pub fn open_sqlite(folder: &Path) -> Opening<'_> {
    Box::pin(async move { Whole::open(&format!("sqlite:{}", folder.join("ours.db").display()), 4096).await })
}

impl Whole {
    async fn open(url: &str, slots: u32) -> anyhow::Result<Box<dyn Contender>> {
        let mut config = Config::default();
        // As many as suit it best: no commit makes a batch worth waiting for where there is no disk.
        config.worker.slots = slots;
        let orchestrator = Orchestrator::open_with(url, config).await?;
        let (starts, started) = mpsc::unbounded_channel();
        let run = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&run);
        orchestrator.register(agent(NOOP, move |_: TaskContext, _: Json| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, AgentError>(Json::parse(OUTPUT)?) }
        }))?;
        orchestrator.register(agent("clocked", move |_: TaskContext, (): ()| {
            let _ = starts.send(Instant::now());
            async { Ok::<_, AgentError>(()) }
        }))?;
        orchestrator.register(agent(STEPS, |ctx: TaskContext, _: Json| async move {
            for name in ["one", "two", "three"] {
                ctx.step(name, || async { Ok::<_, AgentError>(1) }).await?;
            }
            Ok::<_, AgentError>(())
        }))?;
        Ok(Box::new(Self {
            orchestrator,
            started,
            run,
        }))
    }

    async fn run_all(&self, tasks: Vec<NewTask>) -> anyhow::Result<()> {
        let engine = self.orchestrator.engine();
        let mut ids = Vec::with_capacity(tasks.len());
        let mut tasks = tasks.into_iter().peekable();
        while tasks.peek().is_some() {
            let batch = tasks.by_ref().take(BATCH).collect();
            ids.extend(
                engine
                    .submit(batch)
                    .await?
                    .iter()
                    .map(orchestrator_core::store::SubmittedTask::id),
            );
        }
        self.orchestrator.start()?;
        // The last to start are the last to end but for a few.
        for id in ids.into_iter().rev().take(2048) {
            self.orchestrator.task(id).output::<Json>().await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Contender for Whole {
    async fn submit(&mut self, jobs: usize) -> anyhow::Result<()> {
        // Nothing runs yet: the worker starts when it is told to.
        let engine = self.orchestrator.engine();
        for first in (0..jobs).step_by(BATCH) {
            let batch = first..jobs.min(first + BATCH);
            let tasks = batch
                .map(|n| Ok(NewTask::new(NOOP, Json::parse(body(n))?)))
                .collect::<anyhow::Result<Vec<NewTask>>>()?;
            engine.submit(tasks).await?;
        }
        Ok(())
    }

    async fn drain(&mut self, jobs: usize) -> anyhow::Result<()> {
        self.orchestrator.start()?;
        while self.run.load(Ordering::Relaxed) < jobs {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Everything has ended when nothing is ready and nothing runs.
        loop {
            let stats = self.orchestrator.engine().stats().await?;
            let open: u64 = stats
                .by_state
                .iter()
                .filter(|(state, _)| !state.is_terminal())
                .map(|(_, n)| n)
                .sum();
            if open == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn submit_to_start(&mut self) -> anyhow::Result<Option<Duration>> {
        let submitted = Instant::now();
        let handle = self.orchestrator.submit(NewTask::new("clocked", Json::NULL)).await?;
        let started = self
            .started
            .recv()
            .await
            .ok_or_else(|| anyhow::anyhow!("the agent is gone"))?;
        handle.settled().await?;
        Ok(Some(started.duration_since(submitted)))
    }

    async fn three_steps(&mut self, runs: usize) -> anyhow::Result<Option<Duration>> {
        let started = Instant::now();
        self.run_all((0..runs).map(|_| NewTask::new(STEPS, Json::NULL)).collect())
            .await?;
        Ok(Some(started.elapsed()))
    }
}

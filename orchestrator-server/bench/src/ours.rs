//! The store on PostgreSQL through its verbs, as other queues are driven.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use orchestrator_bench::job::{OUTPUT, body};
use orchestrator_core::{
    Json, NewTask,
    clock::{Clock, Ids, SystemClock, SystemIds},
    store::{Claim, LeasedTask, OpenSession, ReportBody, ReportItem, Store, Submission, Submit},
};
use orchestrator_postgres::{PostgresOptions, PostgresStore};
use orchestrator_protocol::{SessionId, Timestamp};

use crate::queue::{Opening, Queue};

/// How many tasks one call carries.
const BATCH: usize = 1000;

/// The agent's type.
pub const NOOP: &str = "noop";

/// The verbs of a store.
pub struct Verbs {
    pub store: Arc<dyn Store>,
    pub session: SessionId,
}

/// The store on PostgreSQL.
pub fn open(url: &str) -> Opening<'_> {
    Box::pin(async move { Ok(Box::new(Verbs::open(url).await?) as Box<dyn Queue>) })
}

/// The time.
pub fn now() -> Timestamp {
    SystemClock.now()
}

/// A task that does nothing.
pub fn task(task_type: &str, number: usize) -> anyhow::Result<Submission> {
    let task = NewTask::new(task_type, Json::parse(body(number))?);
    Ok(Submission {
        id: SystemIds.task(),
        task: Arc::new(task),
    })
}

impl Verbs {
    /// Opens a database, with one session.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let store: Arc<dyn Store> = Arc::new(PostgresStore::open(url, PostgresOptions::default()).await?);
        // More than are ever claimed and not finished: a full worker leaves what is new to others for a while.
        let session = open_session(&*store, &[NOOP], 10_000).await?;
        Ok(Self { store, session })
    }

    /// Submits tasks in batches, by two callers.
    pub async fn fill(&self, task_type: impl Fn(usize) -> String + Send + Sync, tasks: usize) -> anyhow::Result<()> {
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
            outcomes = leased.iter().map(|leased| complete(leased, &output)).collect();
        }
    }

    /// Claims so many.
    pub async fn claim(&self, credit: usize) -> anyhow::Result<Vec<LeasedTask>> {
        let claim = Claim {
            session: self.session,
            credit,
            now: now(),
            policy: orchestrator_core::domain::placement::Policy::default(),
        };
        Ok(self.store.claim(claim).await?.value)
    }
}

/// Opens a session for an hour.
pub async fn open_session(store: &dyn Store, task_types: &[&str], slots: u32) -> anyhow::Result<SessionId> {
    let session = SystemIds.session();
    let open = OpenSession {
        session,
        worker: SystemIds.worker(),
        name: "bench".into(),
        labels: BTreeSet::new(),
        task_types: task_types.iter().map(|&name| name.to_owned()).collect(),
        slots,
        ttl: Duration::from_hours(1),
        owner: None,
        now: now(),
    };
    store.open_session(open).await?;
    Ok(session)
}

/// The report that a task has done what it should.
pub fn complete(leased: &LeasedTask, output: &Json) -> ReportItem {
    ReportItem {
        task: leased.id,
        lease: leased.lease,
        number: 1,
        body: ReportBody::Complete {
            output: output.clone(),
            wall_s: 0.0,
        },
    }
}

#[async_trait]
impl Queue for Verbs {
    async fn submit_singly(&mut self, jobs: usize, producers: usize) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let callers = (0..producers).map(|which| {
            let store = self.store.clone();
            // Each on a thread of its own choice, as a server's requests are.
            tokio::spawn(async move {
                for number in (which..jobs).step_by(producers) {
                    let tasks = vec![task(NOOP, number)?];
                    store.submit(Submit { tasks, now: now() }).await?;
                }
                anyhow::Ok(())
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await??;
        }
        Ok(started.elapsed())
    }

    async fn submit_in_batches(&mut self, jobs: usize) -> anyhow::Result<Duration> {
        let started = Instant::now();
        self.fill(|_| NOOP.to_owned(), jobs).await?;
        Ok(started.elapsed())
    }

    async fn drain(&mut self, jobs: usize) -> anyhow::Result<Duration> {
        let done = AtomicUsize::new(0);
        let started = Instant::now();
        tokio::try_join!(self.work(jobs, &done), self.work(jobs, &done))?;
        let (took, done) = (started.elapsed(), done.into_inner());
        anyhow::ensure!(done == jobs, "{done} of {jobs} are done");
        Ok(took)
    }
}

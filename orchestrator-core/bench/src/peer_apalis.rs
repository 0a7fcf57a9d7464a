//! apalis on SQLite, at its best: the Rust job queue that somebody would use instead.
//!
//! Its own set-up switches syncing off, on one of its connections. So it takes part twice: durable, which is what can be
//! compared, and as it sets itself up, with a single connection, so that the setting holds for everything it does.
//!
//! Without `LIdx`, its index on the worker that holds a job: SQLite 3.51 records outcomes by way of it, which takes
//! longer with every job that the worker has ever run (a drain of 3,000 jobs falls to 700 a second).
//!
//! Tuned by trying: claims of 1,000 and a poll every 5 ms; no separate write when a job starts (`lock_tasks`), since
//! the claim has already marked it. Outcomes are kept: without them a job would run again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_sqlite::{Config, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteStorage};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use orchestrator_bench::job::body;

use crate::contender::{Contender, Opening};

/// A job, as apalis stores it: the same 200 bytes, parsed by its codec.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    number: String,
    kind: String,
    agent: String,
    text: String,
}

/// Told by the handlers.
#[derive(Default)]
struct Progress {
    started: AtomicUsize,
    wake: Notify,
}

struct Apalis {
    pool: SqlitePool,
    progress: Arc<Progress>,
    worker: Option<JoinHandle<()>>,
}

async fn handle(_: Job, progress: Data<Arc<Progress>>) -> Result<bool, BoxDynError> {
    progress.started.fetch_add(1, Ordering::AcqRel);
    progress.wake.notify_one();
    Ok(true)
}

impl Drop for Apalis {
    fn drop(&mut self) {
        // It would go on polling while others are measured.
        if let Some(worker) = self.worker.take() {
            worker.abort();
        }
    }
}

/// Every commit is synced.
pub fn open_durable(folder: &Path) -> Opening<'_> {
    Box::pin(async move {
        let pool = SqlitePoolOptions::new()
            .connect_with(
                file(folder)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full),
            )
            .await?;
        SqliteStorage::migrations().run(&pool).await?;
        Apalis::tuned(pool).await
    })
}

/// As its `setup` does it.
pub fn open_as_it_is(folder: &Path) -> Opening<'_> {
    Box::pin(async move {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(file(folder))
            .await?;
        SqliteStorage::setup(&pool).await?;
        Apalis::tuned(pool).await
    })
}

fn file(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join("apalis.db"))
        .create_if_missing(true)
}

impl Apalis {
    async fn tuned(pool: SqlitePool) -> anyhow::Result<Box<dyn Contender>> {
        sqlx::query("drop index LIdx").execute(&pool).await?;
        Ok(Box::new(Self {
            pool,
            progress: Arc::default(),
            worker: None,
        }))
    }

    fn storage(&self) -> SqliteStorage<Job> {
        let config = Config::default().queue("bench").batch_size(1000).lock_tasks(false);
        SqliteStorage::new(&self.pool).with_config(config)
    }

    /// Starts what runs the jobs, unless it runs already.
    fn work(&mut self) {
        if self.worker.is_some() {
            return;
        }
        let backend = self
            .storage()
            .poll_with_strategy(Strategy::new().interval(Duration::from_millis(5)));
        let worker = WorkerBuilder::new("bench")
            .backend(backend)
            .data(Arc::clone(&self.progress))
            .concurrency(16)
            .build(handle);
        self.worker = Some(tokio::spawn(async move {
            if let Err(error) = worker.run().await {
                println!("apalis: {error}");
            }
        }));
    }

    /// Waits until that many handlers have been started since this queue was opened.
    async fn started(&self, jobs: usize) {
        while self.progress.started.load(Ordering::Acquire) < jobs {
            self.progress.wake.notified().await;
        }
    }
}

#[async_trait]
impl Contender for Apalis {
    async fn submit(&mut self, jobs: usize) -> anyhow::Result<()> {
        let mut storage = self.storage();
        for first in (0..jobs).step_by(1000) {
            let batch = (first..jobs.min(first + 1000)).map(|number| Ok(serde_json::from_str::<Job>(&body(number))?));
            storage.push_bulk(batch.collect::<anyhow::Result<Vec<_>>>()?).await?;
        }
        Ok(())
    }

    async fn drain(&mut self, jobs: usize) -> anyhow::Result<()> {
        self.work();
        self.started(jobs).await;
        // The last handlers have begun; their outcomes follow in one of the next commits.
        loop {
            let done: i64 = sqlx::query_scalar("select count(*) from Jobs where status = 'Done'")
                .fetch_one(&self.pool)
                .await?;
            if done as usize == jobs {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    async fn submit_to_start(&mut self) -> anyhow::Result<Option<Duration>> {
        self.work();
        let before_it = self.progress.started.load(Ordering::Acquire);
        let job = serde_json::from_str(&body(before_it))?;
        let before = Instant::now();
        self.storage().push(job).await?;
        self.started(before_it + 1).await;
        Ok(Some(before.elapsed()))
    }
}

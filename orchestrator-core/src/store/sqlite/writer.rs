//! The one writer: takes what waits, makes one transaction of it, and answers when that is on the disk.
//!
//! Nothing is delayed to gather more: while one transaction is being written the next requests queue up, and they
//! become the next transaction. So many callers share the price of a commit, and a lone one pays it alone, at once. When
//! there are many of them, their transaction is worked out while the one before it is on its way to the disk.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Connection, Executor, SqliteConnection,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    batch::{Batch, Op, Outcome},
    cache::Cache,
    codec::column,
    failure::{Failure, Trouble},
    fault,
    line::{Line, Trips, guarded_begin},
    mirror::Mirror,
    tx::SqliteTx,
    wire::{Landed, Wire},
};
use crate::store::error::StoreError;

/// How many requests may wait: enough for every connection of a busy server; beyond it callers wait to be queued.
const QUEUE: usize = 1024;

/// How many tasks and report items make a transaction full, so that it ends within some tens of milliseconds and the
/// next one can be worked out meanwhile.
const MOST: usize = 1024;

/// From how many on a transaction is worked out while the one before it is being written. With fewer, what waits for the
/// disk is the greater part, and all that comes meanwhile is better written together.
const AHEAD: usize = 256;

/// What is asked of the writer.
pub(super) enum Request {
    /// A change.
    Op(Op),
    /// The number that changes when other processes write.
    ForeignChanges(oneshot::Sender<Result<i64, StoreError>>),
    /// The end.
    Close(oneshot::Sender<()>),
}

/// Where requests are sent.
pub(super) type Sender = mpsc::Sender<Request>;

/// How far a transaction must be written before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// On the disk: it survives a power failure.
    Disk,
    /// With the operating system: it survives the end of the process. A claim that is lost with the power was never
    /// worked on, and its number is not given out again.
    System,
}

/// The writer's state.
pub(super) struct Writer {
    wire: Wire,
    /// Where the requests come back whose commit failed.
    back: Option<oneshot::Receiver<Batch>>,
    /// What the connection is set to, if that is known.
    durability: Option<Durability>,
    data_version: Option<i64>,
    cache: Cache,
    mirror: Option<Mirror>,
    commits: Arc<AtomicU64>,
}

/// A transaction that is worked out, and only to be committed.
struct Ready {
    outcome: Outcome,
    trips: Trips,
    durability: Durability,
    must_sync: bool,
}

impl Writer {
    /// Starts the writer on a connection that is set up.
    pub(super) fn start(options: SqliteConnectOptions, conn: SqliteConnection, commits: Arc<AtomicU64>) -> Sender {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writer = Self {
            wire: Wire::new(options, conn),
            back: None,
            durability: None,
            data_version: None,
            cache: Cache::default(),
            mirror: None,
            commits,
        };
        tokio::spawn(writer.run(receiver));
        sender
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut closing = Vec::new();
        loop {
            let next = tokio::select! {
                biased;
                () = self.wire.land(), if self.wire.is_busy() => None,
                request = requests.recv() => Some(request),
            };
            self.repair().await;
            let first = match next {
                None => continue,
                Some(None) => break,
                Some(Some(first)) => first,
            };
            let mut batch = Batch::default();
            self.gather(Some(first), &mut batch, &mut requests, &mut closing).await;
            if self.wire.is_busy() && batch.weight() < AHEAD {
                // A few are sooner done with those that come until the disk is ready.
                self.wire.land().await;
                self.repair().await;
                self.gather(None, &mut batch, &mut requests, &mut closing).await;
            }
            self.serve(batch).await;
            // It may have failed at once.
            self.repair().await;
        }
        self.wire.land().await;
        self.repair().await;
        if let Ok(conn) = self.wire.free().await {
            // No statistics: those of a store with one task make SQLite read whole tables when it has thousands.
            conn.execute("pragma wal_checkpoint(truncate)").await.ok();
        }
        if let Some(conn) = self.wire.take() {
            conn.close().await.ok();
        }
        for reply in closing {
            reply.send(()).ok();
        }
    }

    /// Adds what waits to a batch.
    async fn gather(
        &mut self,
        mut next: Option<Request>,
        batch: &mut Batch,
        requests: &mut mpsc::Receiver<Request>,
        closing: &mut Vec<oneshot::Sender<()>>,
    ) {
        // Those that were just answered get the chance to ask again before the next transaction begins.
        tokio::task::yield_now().await;
        loop {
            let Some(request) = next.take().or_else(|| requests.try_recv().ok()) else {
                return;
            };
            match request {
                Request::Op(op) => batch.push(op),
                Request::ForeignChanges(reply) => {
                    reply.send(self.foreign_changes().await).ok();
                }
                Request::Close(reply) => {
                    requests.close();
                    closing.push(reply);
                }
            }
            if batch.weight() >= MOST {
                return;
            }
        }
    }

    /// Works a batch out as one transaction, while the one before it may be on its way to the disk, and sends it there.
    async fn serve(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let worked_out = self.work_out(&batch).await;
        self.wire.land().await;
        if let Some((before, failure)) = self.failed() {
            // This one was worked out on it, in vain.
            self.redo(before, failure).await;
            if let Err((batch, failure)) = self.alone(batch).await {
                self.redo(batch, failure).await;
            }
            return;
        }
        match worked_out {
            Ok(ready) => {
                if let Err((batch, failure)) = self.launch(batch, ready).await {
                    self.redo(batch, failure).await;
                }
            }
            Err(failure) => self.redo(batch, failure).await,
        }
    }

    /// What failed on its way to the disk, and why.
    fn failed(&mut self) -> Option<(Batch, Failure)> {
        let failure = self.wire.failed()?;
        let batch = self.back.take()?.try_recv().ok()?;
        Some((batch, failure))
    }

    /// Sees to what failed on its way.
    async fn repair(&mut self) {
        if let Some((batch, failure)) = self.failed() {
            self.redo(batch, failure).await;
        }
    }

    /// Takes a failed transaction back and does it again; when it failed for a reason that may lie with one of the
    /// requests, each alone.
    async fn redo(&mut self, batch: Batch, failure: Failure) {
        let mut failed = VecDeque::from([(batch, failure)]);
        while let Some((batch, failure)) = failed.pop_front() {
            self.roll_back().await;
            let again = match failure.trouble {
                // What is remembered is read anew, under the lock: that happens once.
                Some(Trouble::Stale) => vec![batch],
                _ if failure.may_lie_with_one && batch.len() > 1 => batch.singly(),
                _ => {
                    batch.refuse(&failure.error);
                    continue;
                }
            };
            for batch in again {
                failed.extend(self.alone(batch).await.err());
            }
        }
    }

    /// Does a batch with nothing else under way.
    async fn alone(&mut self, batch: Batch) -> Result<(), (Batch, Failure)> {
        match self.work_out(&batch).await {
            Ok(ready) => self.launch(batch, ready).await?,
            Err(failure) => {
                // What follows must not find a transaction begun.
                self.roll_back().await;
                return Err((batch, failure));
            }
        }
        self.wire.land().await;
        let Some(failed) = self.failed() else {
            return Ok(());
        };
        self.roll_back().await;
        Err(failed)
    }

    /// Finds out what a batch comes to, and what is to be written.
    async fn work_out(&mut self, batch: &Batch) -> Result<Ready, Failure> {
        let durability = if batch.may_be_lost_with_the_power() {
            Durability::System
        } else {
            Durability::Disk
        };
        let begin = self.begin(durability).await.map_err(Failure::of_storage)?;
        let Some(mirror) = &mut self.mirror else {
            let closed = StoreError::Unavailable("the database is closed".to_owned());
            return Err(Failure::of_storage(closed));
        };
        let mut tx = SqliteTx::new(Line::new(&mut self.wire, begin), &mut self.cache, mirror);
        match batch.run(&mut tx).await {
            Ok(outcome) => {
                if durability == Durability::Disk {
                    tx.mirror.top_up();
                }
                let (trips, must_sync) = tx.finish();
                Ok(Ready {
                    outcome,
                    trips,
                    durability,
                    must_sync: must_sync && durability == Durability::System,
                })
            }
            Err(error) => Err(Failure::within(error, tx.line.trouble())),
        }
    }

    /// Sends a transaction on its way to the disk: its requests are answered when it is there.
    async fn launch(&mut self, batch: Batch, ready: Ready) -> Result<(), (Batch, Failure)> {
        if let Err(error) = self.wire.free().await {
            return Err((batch, Failure::of_storage(error)));
        }
        let Some(mut conn) = self.wire.take() else {
            let lost = StoreError::Unavailable("the connection to the database is lost".to_owned());
            return Err((batch, Failure::of_storage(lost)));
        };
        self.durability = Some(if ready.must_sync {
            Durability::Disk
        } else {
            ready.durability
        });
        let commits = Arc::clone(&self.commits);
        let (give_back, back) = oneshot::channel();
        self.back = Some(back);
        self.wire.launch(Box::pin(async move {
            let mut done = ready.trips.run(&mut conn).await;
            if done.is_ok() {
                commits.fetch_add(1, Ordering::Relaxed);
                if ready.must_sync {
                    done = sync(&mut conn).await;
                }
            }
            let failed = match done {
                Ok(_) => {
                    batch.answer(ready.outcome);
                    None
                }
                Err((error, trouble)) => {
                    give_back.send(batch).ok();
                    Some(Failure::within(error, trouble))
                }
            };
            Landed { conn, failed }
        }));
        self.wire.nudge().await;
        Ok(())
    }

    /// Says how the transaction is to begin, on condition that no other process has written since the last one. Where
    /// nothing is remembered yet, or no more, it begins at once and is read.
    async fn begin(&mut self, durability: Durability) -> Result<Option<String>, StoreError> {
        let settings = match durability {
            _ if self.durability.take() == Some(durability) => "",
            Durability::Disk => "pragma synchronous=full;",
            Durability::System => "pragma synchronous=normal;",
        };
        if let (Some(version), Some(_)) = (self.data_version, &self.mirror) {
            return Ok(Some(guarded_begin(settings, version)));
        }
        let sql = format!("{settings}begin immediate;pragma data_version");
        let conn = self.wire.free().await?;
        self.data_version = Some(number(one(conn, sql).await?)?);
        self.cache.clear();
        self.mirror = Some(Mirror::load(conn).await?);
        Ok(None)
    }

    /// Takes a failed transaction back, and forgets what it may have changed in memory.
    async fn roll_back(&mut self) {
        self.cache.clear();
        self.mirror = None;
        self.durability = None;
        let Ok(conn) = self.wire.free().await else { return };
        // SQLite has rolled some failures back already: then there is nothing to roll back, which is no failure.
        let rolled_back = conn.execute("rollback").await;
        let lost = rolled_back.is_err_and(|e| !fault::words(&e).contains("no transaction is active"));
        if lost && let Some(conn) = self.wire.take() {
            tracing::warn!("the connection to the database is lost; a new one is made for the next request");
            // A connection that cannot roll back must not be waited for.
            tokio::time::timeout(Duration::from_secs(1), conn.close_hard())
                .await
                .ok();
            // The number is the connection's own.
            self.data_version = None;
        }
    }

    async fn foreign_changes(&mut self) -> Result<i64, StoreError> {
        self.wire.land().await;
        self.repair().await;
        data_version(self.wire.free().await?).await
    }
}

/// Sees to it that what was committed is on the disk: a commit that is synced takes those before it along.
async fn sync(conn: &mut SqliteConnection) -> Result<Vec<SqliteRow>, (StoreError, Option<Trouble>)> {
    let sql = "pragma synchronous=full;begin immediate;update counter set reserved=reserved where name='seq';\
               commit;select 0";
    let done = conn.fetch_all(sqlx::query(sql)).await;
    done.map_err(|error| (fault::of(&error), None))
}

/// The number that changes when other connections write.
pub(super) async fn data_version(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    number(one(conn, "pragma data_version").await?)
}

/// Runs statements of which one returns a row.
async fn one(conn: &mut SqliteConnection, sql: impl Into<String>) -> Result<Option<SqliteRow>, StoreError> {
    let query = sqlx::query_with(AssertSqlSafe(sql.into()), SqliteArguments::default());
    let rows = conn.fetch_all(query).await.map_err(|e| fault::of(&e))?;
    Ok(rows.into_iter().next())
}

fn number(row: Option<SqliteRow>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), |row| column(&row, 0))
}

//! The one writer: takes what waits, makes one transaction of it, and answers when that is on the disk.
//!
//! Nothing is delayed to gather more: while one transaction is being written the next requests queue up, and they
//! become the next transaction. So many callers share the price of a commit, and a lone one pays it alone, at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, SqliteConnection,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    batch::{Batch, Op, Outcome},
    cache::Cache,
    codec::column,
    fault,
    line::{Line, Trouble, guarded_begin},
    mirror::Mirror,
    tx::SqliteTx,
};
use crate::store::error::StoreError;

/// How many requests may wait: enough for every connection of a busy server; beyond it callers wait to be queued.
const QUEUE: usize = 1024;

/// How many tasks and report items one transaction takes at most, so that it ends within some tens of milliseconds.
const MOST: usize = 4096;

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
    options: SqliteConnectOptions,
    conn: Option<SqliteConnection>,
    /// What the connection is set to, if that is known.
    durability: Option<Durability>,
    data_version: Option<i64>,
    cache: Cache,
    mirror: Option<Mirror>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the writer on a connection that is set up.
    pub(super) fn start(options: SqliteConnectOptions, conn: SqliteConnection, commits: Arc<AtomicU64>) -> Sender {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writer = Self {
            options,
            conn: Some(conn),
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
        while let Some(first) = requests.recv().await {
            // Those that were just answered get the chance to ask again before the next transaction begins.
            tokio::task::yield_now().await;
            let mut batch = Batch::default();
            let mut next = Some(first);
            while let Some(request) = next {
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
                next = if batch.weight() < MOST {
                    requests.try_recv().ok()
                } else {
                    None
                };
            }
            self.serve(batch).await;
        }
        if let Some(mut conn) = self.conn.take() {
            // No statistics: those of a store with one task make SQLite read whole tables when it has thousands.
            conn.execute("pragma wal_checkpoint(truncate)").await.ok();
            conn.close().await.ok();
        }
        for reply in closing {
            reply.send(()).ok();
        }
    }

    /// Does a batch as one transaction. When that fails for a reason that may lie with one of them, each is tried alone.
    async fn serve(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        match self.attempt(&batch).await {
            Ok(outcome) => batch.answer(outcome),
            Err(failure) if batch.len() == 1 || !failure.may_lie_with_one => batch.refuse(&failure.error),
            Err(_) => {
                for single in batch.singly() {
                    match self.attempt(&single).await {
                        Ok(outcome) => single.answer(outcome),
                        Err(failure) => single.refuse(&failure.error),
                    }
                }
            }
        }
    }

    async fn attempt(&mut self, batch: &Batch) -> Result<Outcome, Failure> {
        let durability = if batch.may_be_lost_with_the_power() {
            Durability::System
        } else {
            Durability::Disk
        };
        let mut done = self.transact(batch, durability).await;
        if matches!(&done, Err(failure) if failure.trouble == Some(Trouble::Stale)) {
            self.roll_back().await;
            done = self.transact(batch, durability).await;
        }
        if done.is_err() {
            self.roll_back().await;
        }
        done
    }

    async fn transact(&mut self, batch: &Batch, durability: Durability) -> Result<Outcome, Failure> {
        let begin = self.begin(durability).await.map_err(Failure::of_storage)?;
        let (Some(conn), Some(mirror)) = (&mut self.conn, &mut self.mirror) else {
            let closed = StoreError::Unavailable("the database is closed".to_owned());
            return Err(Failure::of_storage(closed));
        };
        let mut tx = SqliteTx::new(Line::new(conn, begin), &mut self.cache, mirror);
        let done = match batch.run(&mut tx).await {
            Ok(outcome) => {
                if durability == Durability::Disk {
                    tx.mirror.top_up();
                }
                tx.commit().await.map(|must_sync| (outcome, must_sync))
            }
            Err(error) => Err(error),
        };
        let (outcome, must_sync) = done.map_err(|error| Failure::within(error, tx.line.trouble()))?;
        self.durability = Some(durability);
        self.commits.fetch_add(1, Ordering::Relaxed);
        if must_sync && durability == Durability::System {
            self.sync().await.map_err(Failure::of_storage)?;
        }
        Ok(outcome)
    }

    /// Says how the transaction is to begin, on condition that no other process has written since the last one. Where
    /// nothing is remembered yet, or no more, it begins at once and is read.
    async fn begin(&mut self, durability: Durability) -> Result<Option<String>, StoreError> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            none => {
                let conn = self.options.connect().await.map_err(|e| fault::of(&e))?;
                self.durability = None;
                self.data_version = None;
                none.insert(conn)
            }
        };
        let settings = match durability {
            _ if self.durability.take() == Some(durability) => "",
            Durability::Disk => "pragma synchronous=full;",
            Durability::System => "pragma synchronous=normal;",
        };
        if let (Some(version), Some(_)) = (self.data_version, &self.mirror) {
            return Ok(Some(guarded_begin(settings, version)));
        }
        let sql = format!("{settings}begin immediate;pragma data_version");
        self.data_version = Some(number(one(conn, sql).await?)?);
        self.cache.clear();
        self.mirror = Some(Mirror::load(conn).await?);
        Ok(None)
    }

    /// Sees to it that what was committed is on the disk: a commit that is synced takes those before it along.
    async fn sync(&mut self) -> Result<(), StoreError> {
        let Some(conn) = &mut self.conn else { return Ok(()) };
        let sql = "pragma synchronous=full;begin immediate;update counter set reserved=reserved where name='seq';\
                   commit;select 0";
        self.durability = None;
        one(conn, sql).await?;
        self.durability = Some(Durability::Disk);
        Ok(())
    }

    /// Takes a failed transaction back, and forgets what it may have changed in memory.
    async fn roll_back(&mut self) {
        self.cache.clear();
        self.mirror = None;
        let Some(conn) = &mut self.conn else { return };
        // SQLite has rolled some failures back already: then there is nothing to roll back, which is no failure.
        let rolled_back = conn.execute("rollback").await;
        let lost = rolled_back.is_err_and(|e| !fault::words(&e).contains("no transaction is active"));
        if lost && let Some(conn) = self.conn.take() {
            tracing::warn!("the connection to the database is lost; a new one is made for the next request");
            // A connection that cannot roll back must not be waited for.
            tokio::time::timeout(Duration::from_secs(1), conn.close_hard())
                .await
                .ok();
        }
    }

    async fn foreign_changes(&mut self) -> Result<i64, StoreError> {
        match &mut self.conn {
            Some(conn) => data_version(conn).await,
            None => Ok(0),
        }
    }
}

/// The number that changes when other connections write.
pub(super) async fn data_version(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    number(one(conn, "pragma data_version").await?)
}

/// Why a transaction failed.
struct Failure {
    error: StoreError,
    /// Whether one request among several may be the reason, so that the others would succeed without it.
    may_lie_with_one: bool,
    trouble: Option<Trouble>,
}

impl Failure {
    fn of_storage(error: StoreError) -> Self {
        Self {
            error,
            may_lie_with_one: false,
            trouble: None,
        }
    }

    fn within(error: StoreError, trouble: Option<Trouble>) -> Self {
        let is_of_storage = trouble.is_some() || matches!(error, StoreError::Full(_) | StoreError::Unusable(_));
        Self {
            error,
            may_lie_with_one: !is_of_storage,
            trouble,
        }
    }
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

//! The store in one SQLite file: durable, embedded, and shared by the processes of one machine.
//!
//! One `writer` makes transactions of what waits; `reader` reads beside it. The semantics are the
//! [`crate::store::ledger`]'s, over the row port of `tx`.

mod batch;
mod cache;
mod codec;
mod failure;
mod fault;
mod heads;
mod line;
mod mirror;
mod open;
mod owner;
mod pending;
mod prune;
mod reader;
mod sql;
mod tx;
mod wire;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use orchestrator_protocol::{
    Event, ExternalResult, LimitRule, LogLine, Page, Schedule, ScheduleId, SessionId, Stats, Task, TaskId, Timestamp,
    Token, TokenId, Tree, WorkerId,
};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::oneshot;

pub use self::open::SqliteOptions;
use self::{
    batch::{Op, Reply},
    owner::Presence,
    reader::Reader,
    tx::SqliteTx,
    writer::{Request, Sender, Writer},
};
use super::{
    Claim, Committed, EventQuery, Facts, History, Intervention, LeasedTask, ListQuery, LogQuery, OpenSession, Owner,
    Renewal, Renewed, ReportAck, ReportItem, SessionView, Settled, Store, StoreError, Submit, SubmittedTask, Ticked,
    ledger,
};
use crate::clock::{Ids, SystemIds};

/// A store in one SQLite file.
///
/// What was acknowledged is on the disk, with one exception that is harmless: a lease that was granted just before a
/// power failure may be forgotten, and its task is granted again under a higher number.
pub struct SqliteStore {
    path: PathBuf,
    /// None: opened for reading only.
    writer: Option<Sender>,
    reader: Reader,
    presence: Mutex<Option<Presence>>,
    commits: Arc<AtomicU64>,
    /// Notices the changes of others where there is no writer.
    watcher: tokio::sync::Mutex<Option<SqliteConnection>>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a database file, which is created when it is missing; its directory is not. Must be called within a Tokio
    /// runtime, which must live as long as the store is used.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when the file cannot be used, with one line that says why and what to do;
    /// [`StoreError::Full`] and [`StoreError::Unavailable`] when it cannot be used at the moment.
    pub async fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        open::check_path(&path, &options)?;
        let reader = Reader::new(open::readers(&path, &options));
        if options.read_only {
            let watcher = open::watcher(&path, &options).await?;
            return Ok(Self {
                path,
                writer: None,
                reader,
                presence: Mutex::new(None),
                commits: Arc::default(),
                watcher: tokio::sync::Mutex::new(Some(watcher)),
            });
        }
        let settings = open::writer(&path, &options);
        let conn = open::connect(&path, &settings).await?;
        let presence = Presence::take(&path, SystemIds.uuid())
            .inspect_err(|error| tracing::warn!(%error, "other processes cannot tell whether this one lives"))
            .ok();
        let commits = Arc::default();
        Ok(Self {
            path,
            writer: Some(Writer::start(settings, conn, Arc::clone(&commits))),
            reader,
            presence: Mutex::new(presence),
            commits,
            watcher: tokio::sync::Mutex::new(None),
        })
    }

    /// How this process is named in its sessions, so that others can tell at once when it has ended. None where the
    /// file system has no locks, and after [`Store::close`].
    pub fn owner(&self) -> Option<Owner> {
        self.with_presence(|presence| presence.owner().clone())
    }

    /// Whether a process that shares the file lives.
    pub fn is_alive(&self, owner: &Owner) -> bool {
        self.with_presence(|presence| presence.is_alive(owner)).unwrap_or(true)
    }

    /// Ends the sessions of processes that have ended without doing so themselves, and gives their tasks back. Says what
    /// came of it: how many sessions there were is the value.
    ///
    /// # Errors
    ///
    /// The storage failed.
    pub async fn reap(&self, now: Timestamp) -> Result<Committed<usize>, StoreError> {
        let sessions = self.reader.sessions().await?;
        let dead = sessions
            .iter()
            .filter(|s| s.owner.as_ref().is_some_and(|owner| !self.is_alive(owner)));
        let mut reaped = Committed::default();
        for session in dead {
            let ended = self.close_session(session.id, now).await?;
            reaped.value += 1;
            reaped.events.extend(ended.events);
            reaped.ready |= ended.ready;
            reaped.cancelled.extend(ended.cancelled);
        }
        self.with_presence(Presence::clean);
        Ok(reaped)
    }

    /// How many transactions were made since the store was opened. Far fewer than requests when those come together.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn with_presence<T>(&self, look: impl FnOnce(&Presence) -> T) -> Option<T> {
        let presence = self.presence.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        presence.as_ref().map(look)
    }

    /// Asks the writer and waits for its answer.
    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, StoreError> {
        let Some(writer) = &self.writer else {
            return Err(StoreError::Unavailable(
                "the database was opened for reading only".to_owned(),
            ));
        };
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        writer.send(request(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    async fn change<T>(&self, op: impl FnOnce(Reply<T>) -> Op) -> Result<T, StoreError> {
        self.ask(|reply| Request::Op(op(reply))).await
    }

    /// Has the writer run something rare. It may run twice, the first time in a transaction that is rolled back.
    async fn errand<T, F>(&self, run: F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut SqliteTx<'_>) -> BoxFuture<'t, Result<Result<T, StoreError>, StoreError>>
            + Send
            + Sync
            + 'static,
        T: Send + 'static,
    {
        self.change(|reply| Op::Errand(Box::new(batch::Task { run, reply })))
            .await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn submit(&self, submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError> {
        self.change(|reply| Op::Submit(submit, reply)).await
    }

    async fn open_session(&self, open: OpenSession) -> Result<Committed<()>, StoreError> {
        self.errand(move |tx| {
            let open = open.clone();
            Box::pin(async move { ledger::open_session(tx, open).await.map(Ok) })
        })
        .await
    }

    async fn claim(&self, claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError> {
        self.change(|reply| Op::Claim(claim, reply)).await
    }

    async fn report(&self, items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError> {
        self.change(|reply| Op::Report(items, now, reply)).await
    }

    async fn renew(&self, renewal: Renewal) -> Result<Renewed, StoreError> {
        self.change(|reply| Op::Renew(renewal, reply)).await
    }

    async fn drain(&self, worker: WorkerId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.errand(move |tx| Box::pin(ledger::drain(tx, worker, now))).await
    }

    async fn close_session(&self, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.errand(move |tx| Box::pin(async move { ledger::close_session(tx, session, now).await.map(Ok) }))
            .await
    }

    async fn settle(
        &self,
        task: TaskId,
        result: ExternalResult,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.errand(move |tx| {
            let result = result.clone();
            Box::pin(async move { ledger::settle(tx, task, result, now).await })
        })
        .await
    }

    async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.errand(move |tx| {
            let intervention = intervention.clone();
            Box::pin(async move { ledger::intervene(tx, task, intervention, now).await })
        })
        .await
    }

    async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
        self.errand(move |tx| Box::pin(async move { ledger::tick(tx, now, limit).await.map(Ok) }))
            .await
    }

    async fn prune(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        // Looked for beside the writer, who only has to look again at what was found.
        let old = self.reader.old(before, limit).await?;
        if old.is_empty() {
            return Ok(0);
        }
        self.errand(move |tx| {
            let old = old.clone();
            Box::pin(async move { prune::prune(tx, &old, before).await.map(Ok) })
        })
        .await
    }

    async fn put_schedule(&self, schedule: Schedule) -> Result<Schedule, StoreError> {
        self.errand(move |tx| {
            let schedule = tx.put_schedule(schedule.clone());
            Box::pin(async move { Ok(Ok(schedule)) })
        })
        .await
    }

    async fn delete_schedule(&self, id: ScheduleId) -> Result<(), StoreError> {
        self.errand(move |tx| Box::pin(tx.delete_schedule(id))).await
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        self.reader.schedules().await
    }

    async fn put_limit(&self, key: String, rule: Option<LimitRule>) -> Result<(), StoreError> {
        self.errand(move |tx| Box::pin(tx.put_limit(key.clone(), rule.clone())))
            .await
    }

    async fn limits(&self) -> Result<Vec<(String, LimitRule)>, StoreError> {
        self.reader.limits().await
    }

    async fn pause_queue(&self, queue: String, paused: bool) -> Result<(), StoreError> {
        self.errand(move |tx| Box::pin(tx.pause_queue(queue.clone(), paused)))
            .await
    }

    async fn put_token(&self, token: Token, digest: [u8; 32]) -> Result<(), StoreError> {
        self.errand(move |tx| Box::pin(tx.put_token(token.clone(), digest)))
            .await
    }

    async fn delete_token(&self, id: TokenId) -> Result<(), StoreError> {
        self.errand(move |tx| Box::pin(tx.delete_token(id))).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.reader.tokens().await
    }

    async fn token_by_digest(&self, digest: [u8; 32]) -> Result<Option<Token>, StoreError> {
        self.reader.token_by_digest(&digest).await
    }

    async fn get(&self, task: TaskId) -> Result<Option<Task>, StoreError> {
        self.reader.get(task).await
    }

    async fn list(&self, query: ListQuery) -> Result<Page<Task>, StoreError> {
        self.reader.list(&query).await
    }

    async fn tree(&self, task: TaskId) -> Result<Tree, StoreError> {
        self.reader.tree(task).await
    }

    async fn events(&self, query: EventQuery) -> Result<Vec<Event>, StoreError> {
        self.reader.events(&query).await
    }

    async fn logs(&self, query: LogQuery) -> Result<Vec<LogLine>, StoreError> {
        self.reader.logs(&query).await
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        self.reader.history(task).await
    }

    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        self.reader.results(tasks).await
    }

    async fn facts(&self, task: TaskId, _now: Timestamp) -> Result<Option<Facts>, StoreError> {
        self.reader.facts(task).await
    }

    async fn sessions(&self) -> Result<Vec<SessionView>, StoreError> {
        self.reader.sessions().await
    }

    async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError> {
        self.reader.stats(now).await
    }

    async fn foreign_changes(&self) -> Result<i64, StoreError> {
        if self.writer.is_some() {
            return self.ask(Request::ForeignChanges).await;
        }
        match &mut *self.watcher.lock().await {
            Some(watcher) => writer::data_version(watcher).await,
            None => Ok(0),
        }
    }

    async fn close(&self) {
        if let Some(writer) = &self.writer {
            let (reply, closed) = oneshot::channel();
            if writer.send(Request::Close(reply)).await.is_ok() {
                closed.await.ok();
            }
        }
        if let Some(watcher) = self.watcher.lock().await.take() {
            watcher.close().await.ok();
        }
        self.reader.pool().close().await;
        self.presence
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
    }
}

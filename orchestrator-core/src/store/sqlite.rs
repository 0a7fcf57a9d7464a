//! The store in one SQLite file: durable, embedded, and shared by the processes of one machine.
//!
//! One [`crate::store::writer`] makes transactions of what waits, over the connection of `disk`; `reader` reads beside
//! it.

mod codec;
mod disk;
mod fault;
mod open;
mod owner;
mod prune;
mod reader;
mod sql;
mod write;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Mutex,
};

use async_trait::async_trait;
use orchestrator_protocol::{
    Event, ExternalResult, LimitRule, LogLine, Page, Schedule, ScheduleId, Seq, SessionId, Stats, Task, TaskId,
    Timestamp, Token, TokenId, Tree, WorkerId,
};
use sqlx::{Connection, SqliteConnection};

pub use self::open::{SqliteOptions, migrate, migrations};
use self::{disk::SqliteDisk, owner::Presence, reader::Reader};
use super::{
    AnnouncedType, Claim, Committed, EventQuery, Facts, History, Intervention, LeasedTask, ListQuery, LogQuery,
    OpenSession, Order, Owner, Renewal, Renewed, ReportAck, ReportItem, SessionView, Settled, Store, StoreError,
    Submit, SubmittedTask, Ticked, writer::Desk,
};
use crate::clock::{Ids, SystemIds};

/// A store in one SQLite file.
///
/// What was acknowledged is on the disk, with one exception that is harmless: a lease that was granted just before a
/// power failure may be forgotten, and its task is granted again under a higher number.
pub struct SqliteStore {
    path: PathBuf,
    /// None: opened for reading only.
    writer: Option<Desk<SqliteDisk>>,
    reader: Reader,
    presence: Mutex<Option<Presence>>,
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
                watcher: tokio::sync::Mutex::new(Some(watcher)),
            });
        }
        let settings = open::writer(&path, &options);
        let conn = open::connect(&path, &settings, options.migrate).await?;
        let presence = Presence::take(&path, SystemIds.uuid())
            .inspect_err(|error| tracing::warn!(%error, "other processes cannot tell whether this one lives"))
            .ok();
        Ok(Self {
            path,
            writer: Some(Desk::open(settings, SqliteDisk::new(conn))),
            reader,
            presence: Mutex::new(presence),
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
        self.writer.as_ref().map_or(0, Desk::commits)
    }

    fn with_presence<T>(&self, look: impl FnOnce(&Presence) -> T) -> Option<T> {
        let presence = self.presence.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        presence.as_ref().map(look)
    }

    fn desk(&self) -> Result<&Desk<SqliteDisk>, StoreError> {
        let read_only = || StoreError::Unavailable("the database was opened for reading only".to_owned());
        self.writer.as_ref().ok_or_else(read_only)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn submit(&self, submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError> {
        self.desk()?.submit(submit).await
    }

    async fn open_session(&self, open: OpenSession) -> Result<Committed<()>, StoreError> {
        self.desk()?.open_session(open).await
    }

    async fn claim(&self, claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError> {
        self.desk()?.claim(claim).await
    }

    async fn claim_or_order(&self, claim: Claim) -> Result<(Committed<Vec<LeasedTask>>, Option<Order>), StoreError> {
        self.desk()?.claim_or_order(claim).await
    }

    async fn reconsider(&self, session: SessionId, now: Timestamp) {
        if let Ok(desk) = self.desk() {
            desk.reconsider(session, now).await;
        }
    }

    async fn report(&self, items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError> {
        self.desk()?.report(items, now).await
    }

    async fn renew(&self, renewal: Renewal) -> Result<Renewed, StoreError> {
        self.desk()?.renew(renewal).await
    }

    async fn drain(&self, worker: WorkerId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.desk()?.drain(worker, now).await
    }

    async fn close_session(&self, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.desk()?.close_session(session, now).await
    }

    async fn settle(
        &self,
        task: TaskId,
        result: ExternalResult,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.desk()?.settle(task, result, now).await
    }

    async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.desk()?.intervene(task, intervention, now).await
    }

    async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
        self.desk()?.tick(now, limit).await
    }

    async fn prune(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let desk = self.desk()?;
        desk.prune(self.reader.old(before, limit).await?, before).await
    }

    async fn put_schedule(&self, schedule: Schedule) -> Result<Schedule, StoreError> {
        self.desk()?.put_schedule(schedule).await
    }

    async fn delete_schedule(&self, id: ScheduleId) -> Result<(), StoreError> {
        self.desk()?.delete_schedule(id).await
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        self.reader.schedules().await
    }

    async fn put_limit(&self, key: String, rule: Option<LimitRule>) -> Result<(), StoreError> {
        self.desk()?.put_limit(key, rule).await
    }

    async fn limits(&self) -> Result<Vec<(String, LimitRule)>, StoreError> {
        self.reader.limits().await
    }

    async fn pause_queue(&self, queue: String, paused: bool) -> Result<(), StoreError> {
        self.desk()?.pause_queue(queue, paused).await
    }

    async fn put_token(&self, token: Token, digest: [u8; 32]) -> Result<(), StoreError> {
        self.desk()?.put_token(token, digest).await
    }

    async fn delete_token(&self, id: TokenId) -> Result<(), StoreError> {
        self.desk()?.delete_token(id).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.reader.tokens().await
    }

    async fn token_by_digest(&self, digest: [u8; 32]) -> Result<Option<Token>, StoreError> {
        self.reader.token_by_digest(&digest).await
    }

    async fn put_task_types(&self, types: Vec<AnnouncedType>) -> Result<(), StoreError> {
        self.desk()?.put_task_types(types).await
    }

    async fn task_types(&self, names: Option<Vec<String>>) -> Result<Vec<AnnouncedType>, StoreError> {
        self.reader.task_types(names).await
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

    async fn newest(&self) -> Result<Seq, StoreError> {
        self.reader.newest().await
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

    async fn facts(&self, task: TaskId, now: Timestamp) -> Result<Option<Facts>, StoreError> {
        self.reader.facts(task, now).await
    }

    async fn sessions(&self) -> Result<Vec<SessionView>, StoreError> {
        self.reader.sessions().await
    }

    async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError> {
        self.reader.stats(now).await
    }

    async fn foreign_changes(&self) -> Result<i64, StoreError> {
        if let Some(desk) = &self.writer {
            return desk.foreign_changes().await;
        }
        match &mut *self.watcher.lock().await {
            Some(watcher) => disk::data_version(watcher).await,
            None => Ok(0),
        }
    }

    async fn close(&self) {
        if let Some(desk) = &self.writer {
            desk.close().await;
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

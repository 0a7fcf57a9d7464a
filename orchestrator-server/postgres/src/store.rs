//! The store.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use orchestrator_core::store::{
    AnnouncedType, Claim, Committed, EventQuery, Facts, History, Intervention, LeasedTask, ListQuery, LogQuery,
    OpenSession, Order, Renewal, Renewed, ReportAck, ReportItem, SessionView, Settled, Store, StoreError, Submit,
    SubmittedTask, Ticked,
    writer::{Desk, Disk},
};
use orchestrator_protocol::{
    Event, ExternalResult, LimitRule, LogLine, Page, Schedule, ScheduleId, Seq, SessionId, Stats, Task, TaskId,
    Timestamp, Token, TokenId, Tree, WorkerId,
};

use crate::{
    disk::PostgresDisk,
    listener::Listener,
    migrate,
    open::{self, PostgresOptions},
    outbox::Outbox,
    reader::Reader,
};

/// How long the connections that read may take to say goodbye.
const CLOSING: Duration = Duration::from_secs(2);

/// A store on PostgreSQL. Any number of processes may open the same one.
///
/// What was acknowledged is on the disk, leases included: PostgreSQL keeps what is not synced in its own memory, so that
/// it would be lost with one of its processes already. Only heartbeats may be lost, and are repeated.
pub struct PostgresStore {
    desk: Desk<PostgresDisk>,
    reader: Reader,
    listener: Listener,
    schema: String,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens a database by its URL, `postgres://user:password@host:port/name`, and brings its schema up to date. Must be
    /// called within a Tokio runtime, which must live as long as the store is used.
    ///
    /// The URL may name a primary and its standbys, `postgres://user:password@host:port,host:port/name`: whichever takes
    /// writes is used, and looked for again when it does so no more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when it cannot be used, with one line that says why and what to do;
    /// [`StoreError::Unavailable`] when it cannot be reached at the moment.
    pub async fn open(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let hosts = open::hosts(url, &options)?;
        migrate::prepare(&hosts, &options).await?;
        let reader = open::readers(&hosts, &options);
        let writer = open::writer(&hosts, &options);
        let disk = PostgresDisk::connect(&writer).await?;
        Ok(Self {
            listener: Listener::start(hosts, options.schema.clone()),
            desk: Desk::open(writer, disk),
            reader,
            schema: options.schema,
        })
    }

    /// Where tasks are left by transactions of your own, to be taken in by whichever process ticks next.
    pub fn outbox(&self) -> Outbox {
        Outbox::known(self.schema.clone())
    }

    /// How many transactions this process made. Far fewer than requests when those come together.
    pub fn commits(&self) -> u64 {
        self.desk.commits()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn submit(&self, submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError> {
        self.desk.submit(submit).await
    }

    async fn open_session(&self, open: OpenSession) -> Result<Committed<()>, StoreError> {
        self.desk.open_session(open).await
    }

    async fn claim(&self, claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError> {
        self.desk.claim(claim).await
    }

    async fn claim_or_order(&self, claim: Claim) -> Result<(Committed<Vec<LeasedTask>>, Option<Order>), StoreError> {
        self.desk.claim_or_order(claim).await
    }

    async fn reconsider(&self, session: SessionId, now: Timestamp) {
        self.desk.reconsider(session, now).await;
    }

    async fn report(&self, items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError> {
        self.desk.report(items, now).await
    }

    async fn renew(&self, renewal: Renewal) -> Result<Renewed, StoreError> {
        self.desk.renew(renewal).await
    }

    async fn drain(&self, worker: WorkerId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.desk.drain(worker, now).await
    }

    async fn close_session(&self, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.desk.close_session(session, now).await
    }

    async fn settle(
        &self,
        task: TaskId,
        result: ExternalResult,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.desk.settle(task, result, now).await
    }

    async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.desk.intervene(task, intervention, now).await
    }

    async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
        self.desk.tick(now, limit).await
    }

    async fn arrival(&self) {
        self.listener.arrival().await;
    }

    async fn prune(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.desk.prune(self.reader.old(before, limit).await?, before).await
    }

    async fn put_schedule(&self, schedule: Schedule) -> Result<Schedule, StoreError> {
        self.desk.put_schedule(schedule).await
    }

    async fn delete_schedule(&self, id: ScheduleId) -> Result<(), StoreError> {
        self.desk.delete_schedule(id).await
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        self.reader.schedules().await
    }

    async fn put_limit(&self, key: String, rule: Option<LimitRule>) -> Result<(), StoreError> {
        self.desk.put_limit(key, rule).await
    }

    async fn limits(&self) -> Result<Vec<(String, LimitRule)>, StoreError> {
        self.reader.limits().await
    }

    async fn pause_queue(&self, queue: String, paused: bool) -> Result<(), StoreError> {
        self.desk.pause_queue(queue, paused).await
    }

    async fn put_token(&self, token: Token, digest: [u8; 32]) -> Result<(), StoreError> {
        self.desk.put_token(token, digest).await
    }

    async fn delete_token(&self, id: TokenId) -> Result<(), StoreError> {
        self.desk.delete_token(id).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.reader.tokens().await
    }

    async fn token_by_digest(&self, digest: [u8; 32]) -> Result<Option<Token>, StoreError> {
        self.reader.token_by_digest(&digest).await
    }

    async fn put_task_types(&self, types: Vec<AnnouncedType>) -> Result<(), StoreError> {
        self.desk.put_task_types(types).await
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
        self.desk.foreign_changes().await
    }

    async fn close(&self) {
        self.desk.close().await;
        self.listener.stop();
        // A connection that hangs need not be waited for: it ends with the process.
        let closing = self.reader.pool().close();
        tokio::time::timeout(CLOSING, closing).await.ok();
    }
}

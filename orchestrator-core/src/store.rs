//! The durable half of the system: what a store promises, in few verbs that each are one transaction.
//!
//! A verb takes a struct of parameters, changes everything or nothing, and says which events it recorded so that the
//! caller can publish them. No verb hands out rows to be changed and written back.
//!
//! The semantics are written once, in [`ledger`], over the small row port [`tx::Tx`]; an adapter supplies the rows and
//! the transaction around them. [`memory`] is the reference adapter.

mod claim;
mod error;
pub mod ledger;
pub mod memory;
mod newest;
mod query;
mod report;
pub mod row;
mod session;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod submit;
pub mod tally;
mod task_type;
pub mod tx;
pub mod writer;

use async_trait::async_trait;
use orchestrator_protocol::{
    Event, LimitRule, LogLine, Page, Schedule, ScheduleId, Seq, SessionId, Stats, Task, TaskId, Timestamp, Token,
    TokenId, WorkerId,
};

pub use claim::{Claim, LeasedTask, Order};
pub use error::StoreError;
pub use query::{EventQuery, EventScope, Facts, LimitUse, ListQuery, LogQuery, SessionView};
pub use report::{ChildRef, ChildSpec, Group, History, ReportAck, ReportBody, ReportItem, Settled, StepRecord};
pub use session::{OpenSession, Owner, Renewal, Renewed};
pub use submit::{Submission, Submit, SubmittedTask};
pub use task_type::AnnouncedType;

/// What a verb did: its answer, and what the world should be told.
#[derive(Debug, Clone, Default)]
pub struct Committed<T> {
    /// The answer.
    pub value: T,
    /// The events that it recorded, in order, and the live-only ones that go with them.
    pub events: Vec<Event>,
    /// Whether tasks became ready, so that workers should be woken.
    pub ready: bool,
    /// Sessions that run a task which was just cancelled and should be told at once.
    pub cancelled: Vec<SessionId>,
    /// Sessions for which a task was left, and which should ask for it.
    pub meant: Vec<SessionId>,
    /// When what was left for them is anyone's.
    pub open_at: Option<Timestamp>,
}

/// A change that people make to a task and everything below it.
#[derive(Debug, Clone, PartialEq)]
pub enum Intervention {
    /// End it: what does not run is cancelled now, what runs is told to stop.
    Cancel {
        /// Why, for the history.
        reason: String,
    },
    /// Start nothing more of it.
    Pause,
    /// Take back a pause, or a budget's stop.
    Resume,
    /// Run it again from its finished steps: for failed, cancelled and needs_attention tasks. The failed and cancelled
    /// tasks below it are retried too when their parent asks for them again.
    Retry,
}

/// The answer to [`Store::tick`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ticked {
    /// Tasks that other programs left in the database, and that were taken in.
    pub arrived: usize,
    /// Tasks taken back from sessions that ended in silence.
    pub rescued: usize,
    /// Tasks whose time came.
    pub due: usize,
    /// Tasks that schedules submitted.
    pub scheduled: usize,
    /// When the next timer, schedule or session ends, if any is known.
    pub next_at: Option<Timestamp>,
}

/// A durable store of tasks. Dyn-compatible: everything holds an `Arc<dyn Store>`.
///
/// # Errors
///
/// Every verb returns [`StoreError::Unavailable`] when the storage cannot be reached or written, in which case nothing
/// has changed. What else a verb refuses is said there.
///
/// # Cancel safety
///
/// A verb whose future is dropped has happened entirely or not at all; which of the two is not known.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug + 'static {
    /// Stores a batch of tasks, all or none. A task whose idempotency key is known already is answered with the first
    /// one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`], [`StoreError::Cycle`], [`StoreError::TaskNotFound`] for unknown dependencies and
    /// parents, [`StoreError::IdempotencyConflict`], [`StoreError::StateConflict`] under a settled parent.
    async fn submit(&self, submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError>;

    /// Opens a session for a worker. Repeating it with the same id changes what the session offers.
    async fn open_session(&self, open: OpenSession) -> Result<Committed<()>, StoreError>;

    /// Grants leases on up to `credit` ready tasks that the session may run, the most urgent first. A task that became
    /// ready a moment ago is left for a session that suits it better, as the claim's policy says.
    ///
    /// # Errors
    ///
    /// [`StoreError::SessionLost`] when the session is unknown or has ended.
    async fn claim(&self, claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError>;

    /// As [`Store::claim`]. Where that grants less than `credit`, the rest may stand as an order, which is filled by the
    /// transaction that makes tasks ready: one commit stores and grants them. A session has one order at most, the newest.
    ///
    /// Adapters that gain nothing by it leave no order: then the session is to ask when it is woken.
    ///
    /// # Errors
    ///
    /// As [`Store::claim`].
    async fn claim_or_order(&self, claim: Claim) -> Result<(Committed<Vec<LeasedTask>>, Option<Order>), StoreError> {
        Ok((self.claim(claim).await?, None))
    }

    /// Considers the order of a session although nothing is known to have become ready: another process may have made it
    /// so, or a limit has room again. What comes of it the order says. Without an order it does nothing.
    async fn reconsider(&self, _session: SessionId, _now: Timestamp) {}

    /// Takes what workers say of their tasks, each item under its lease, and answers each item. Items of one task take
    /// effect in order. An item under a lease that is not the task's current one changes nothing.
    async fn report(&self, items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError>;

    /// Keeps a session and all its leases alive, and says what it should stop working on.
    async fn renew(&self, renewal: Renewal) -> Result<Renewed, StoreError>;

    /// Ends a session at once and gives its tasks back. Ending it twice is harmless.
    async fn close_session(&self, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError>;

    /// Grants a worker nothing more: its sessions keep what they hold, and their heartbeats are told to drain. Repeating
    /// it is harmless; a new session of the worker is granted tasks again.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when it has no session.
    async fn drain(&self, worker: WorkerId, now: Timestamp) -> Result<Committed<()>, StoreError>;

    /// Completes an external task or a checkpoint.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`]; [`StoreError::StateConflict`] when it is settled already or is not external.
    async fn settle(
        &self,
        task: TaskId,
        result: orchestrator_protocol::ExternalResult,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError>;

    /// Cancels, pauses, resumes or retries a task and what is below it.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`]; [`StoreError::StateConflict`] where the state does not allow it. Cancelling what
    /// has ended is harmless and changes nothing.
    async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError>;

    /// Does what is due: takes in what other programs left in the database, ends silent sessions and gives their tasks
    /// back, starts what waited for a time, fails what missed its deadline, fires schedules. At most `limit` tasks at once;
    /// `next_at` is not after `now` when more is due.
    async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError>;

    /// Returns when another program may have left something that the next [`Store::tick`] takes in; never where none can.
    /// A hint: it may come for nothing and may be lost, so who waits for it ticks now and then as well.
    async fn arrival(&self) {
        std::future::pending::<()>().await;
    }

    /// Forgets trees that ended before `before`, at most `limit` of them. Says how many it forgot.
    async fn prune(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// Creates or replaces a schedule of the same name.
    async fn put_schedule(&self, schedule: Schedule) -> Result<Schedule, StoreError>;

    /// Removes a schedule. The tasks that it submitted stay.
    async fn delete_schedule(&self, id: ScheduleId) -> Result<(), StoreError>;

    /// All schedules, by name.
    async fn schedules(&self) -> Result<Vec<Schedule>, StoreError>;

    /// Sets or, with `None`, removes the rule of a limit key.
    async fn put_limit(&self, key: String, rule: Option<LimitRule>) -> Result<(), StoreError>;

    /// All limit rules, by key.
    async fn limits(&self) -> Result<Vec<(String, LimitRule)>, StoreError>;

    /// Pauses or resumes a queue: a paused queue grants no leases.
    async fn pause_queue(&self, queue: String, paused: bool) -> Result<(), StoreError>;

    /// Keeps a token under the digest of its secret, or changes the token of that id.
    async fn put_token(&self, token: Token, digest: [u8; 32]) -> Result<(), StoreError>;

    /// Forgets a token: its holder is let in no more.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    async fn delete_token(&self, id: TokenId) -> Result<(), StoreError>;

    /// All tokens, by name and id, expired ones included.
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;

    /// The token whose secret has this digest, expired or not.
    async fn token_by_digest(&self, digest: [u8; 32]) -> Result<Option<Token>, StoreError>;

    /// Keeps what workers said of types of tasks, in place of what was said of the same types before.
    async fn put_task_types(&self, types: Vec<AnnouncedType>) -> Result<(), StoreError>;

    /// What workers said of types of tasks, of these or of all, by name. Those of which nothing was said are left out.
    async fn task_types(&self, names: Option<Vec<String>>) -> Result<Vec<AnnouncedType>, StoreError>;

    /// One task.
    async fn get(&self, task: TaskId) -> Result<Option<Task>, StoreError>;

    /// A page of tasks, the newest first. Paging is stable while tasks are added.
    async fn list(&self, query: ListQuery) -> Result<Page<Task>, StoreError>;

    /// A task and all below it, parents before their children, each level in the order of submission.
    async fn tree(&self, task: TaskId) -> Result<orchestrator_protocol::Tree, StoreError>;

    /// Durable events after a place in the history, in order.
    async fn events(&self, query: EventQuery) -> Result<Vec<Event>, StoreError>;

    /// The place of the newest durable event; where the history begins when there is none.
    ///
    /// Whoever wants only what comes next asks this first. Adapters that can, answer it with one look.
    async fn newest(&self) -> Result<Seq, StoreError> {
        newest::search(self).await
    }

    /// Lines that a task wrote, after a place in the history, in order.
    async fn logs(&self, query: LogQuery) -> Result<Vec<LogLine>, StoreError>;

    /// Everything that a task has finished: its steps and its children. What an agent is run again with.
    async fn history(&self, task: TaskId) -> Result<History, StoreError>;

    /// Where tasks are and what they gave, in the order asked for; unknown ones are left out.
    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError>;

    /// What there is to know about why a task is where it is.
    async fn facts(&self, task: TaskId, now: Timestamp) -> Result<Option<Facts>, StoreError>;

    /// All sessions that have not ended.
    async fn sessions(&self) -> Result<Vec<SessionView>, StoreError>;

    /// Counts.
    async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError>;

    /// A number that is different after another process has changed the store; always the same where only this process
    /// can. Cheap enough to ask every second.
    async fn foreign_changes(&self) -> Result<i64, StoreError>;

    /// Waits for what is under way and lets go of files and connections. Verbs fail from then on.
    async fn close(&self);
}

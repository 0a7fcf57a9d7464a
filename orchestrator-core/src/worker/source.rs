//! Where a worker's tasks come from and where its reports go.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_protocol::{Json, Load, SessionId, TaskId, WorkerId};

use crate::store::{History, LeasedTask, Owner, Renewed, ReportAck, ReportItem, Settled, StoreError};

/// What a worker says of itself when it opens a session.
#[derive(Debug, Clone)]
pub struct Hello {
    /// The worker's id, kept over reconnects.
    pub worker: WorkerId,
    /// Its name, for people.
    pub name: String,
    /// What it offers.
    pub labels: BTreeSet<String>,
    /// The agents that it has.
    pub task_types: BTreeSet<String>,
    /// JSON schemas of their inputs, by task type; a type that is left out has none. None where the worker says nothing of
    /// schemas: what was announced before stays.
    pub input_schemas: Option<BTreeMap<String, Json>>,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// The process that it lives in.
    pub owner: Option<Owner>,
}

/// The session that a worker got.
#[derive(Debug, Clone, Copy)]
pub struct Welcome {
    /// Its id.
    pub session: SessionId,
    /// How long it may be silent; heartbeats go out three times as often.
    pub ttl: Duration,
}

/// Where a worker's tasks come from and where its reports go: the service in the same process, or a server far away.
///
/// Every method may fail with a transient error ([`StoreError::is_transient`]), after which the caller tries again with
/// the same arguments: repeating any of them is harmless.
#[async_trait]
pub trait TaskSource: Send + Sync + std::fmt::Debug + 'static {
    /// Opens a session.
    async fn open(&self, hello: Hello) -> Result<Welcome, StoreError>;

    /// Claims up to `credit` tasks.
    async fn claim(&self, session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError>;

    /// Reports, and hears what became of each item.
    async fn report(&self, items: Vec<ReportItem>) -> Result<Vec<ReportAck>, StoreError>;

    /// Keeps the session alive, says how busy the machine is, and hears what to stop.
    async fn renew(&self, session: SessionId, load: Load) -> Result<Renewed, StoreError>;

    /// What a task has finished, for running its agent again.
    async fn history(&self, task: TaskId) -> Result<History, StoreError>;

    /// Where tasks are and what they gave, in the order asked for.
    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError>;

    /// Cancels tasks and everything below them: children that a race does not need any more. Those that have ended stay
    /// as they are.
    async fn cancel(&self, tasks: Vec<TaskId>, reason: String) -> Result<(), StoreError>;

    /// Returns when there may be new work, or something to stop, for this session since the call before; at the latest
    /// after the source's poll interval (seconds, jittered). Returns at once when something happened between two calls.
    ///
    /// # Cancel safety
    ///
    /// A wake-up that arrives while nobody waits is kept for the next call.
    async fn woken(&self, session: SessionId) -> Wakeup;

    /// The worker takes nothing more under this session, and finishes what it has: what was meant for it others may have.
    /// Only a hint; `close` follows.
    async fn retire(&self, _session: SessionId) {}

    /// Ends the session and gives its tasks back.
    async fn close(&self, session: SessionId) -> Result<(), StoreError>;
}

/// Why a worker was woken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wakeup {
    /// There may be new work.
    pub work: bool,
    /// There may be something to stop: renew the session now to hear what.
    pub cancel: bool,
}

/// A shared source.
pub type SharedSource = Arc<dyn TaskSource>;

//! The use cases: load, decide in [`crate::domain`], make one store call, publish what happened.

mod checkpoint;
mod later;
mod limit;
mod live;
mod lobby;
mod poll;
mod result;
mod schedule;
mod source;
mod task_type;
mod trouble;
mod why;
mod worker;

use std::{sync::Arc, time::Duration};

use orchestrator_protocol::{
    Event, ExternalResult, LogLine, NewTask, Page, Stats, Task, TaskId, TaskState, Timestamp, Tree,
};

pub use live::Live;
pub use source::{LocalSource, SourceConfig};
pub use trouble::Trouble;

use self::{later::Later, lobby::Lobby, trouble::Noted};
use crate::{
    bus::{Bus, Nudge},
    clock::Sources,
    domain::placement::Policy,
    presence::{Presence, Stored},
    store::{
        Committed, EventQuery, Intervention, ListQuery, LogQuery, Store, StoreError, Submission, Submit, SubmittedTask,
        Ticked,
    },
};

/// How many times as long to wait between two looks at the store while the bus tells of what changes. The looks stay: the
/// bus may lose something without noticing, and a process may write that is not on it.
const PACE: u32 = 3;

/// Everything that can be asked of the system, over one store and one bus. Cheap to clone; all clones are one.
///
/// Verbs that may meet each other in several processes or tasks are decided by the store: of two that exclude each other
/// one is refused.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The durable half.
    pub store: Arc<dyn Store>,
    /// The lossy half.
    pub bus: Arc<dyn Bus>,
    /// How busy workers' machines are, where that is not left to the store.
    pub presence: Arc<dyn Presence>,
    /// Time and ids.
    pub sources: Sources,
    /// How workers that may run a task are compared.
    pub policy: Policy,
    lobby: Arc<Lobby>,
    noted: Arc<Noted>,
    later: Arc<Later>,
}

impl Engine {
    /// The use cases over a store and a bus.
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, sources: Sources) -> Self {
        Self {
            store,
            bus,
            presence: Arc::new(Stored),
            sources,
            policy: Policy::default(),
            lobby: Arc::default(),
            noted: Arc::default(),
            later: Arc::default(),
        }
    }

    /// The same with what workers say of their machines kept there, and not in the store.
    #[must_use]
    pub fn with_presence(self, presence: Arc<dyn Presence>) -> Self {
        Self { presence, ..self }
    }

    /// The same, with workers compared in another way.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.sources.clock.now()
    }

    /// How often to look for what other processes changed, where it would be so often without a bus that tells of it.
    pub fn pace(&self, every: Duration) -> Duration {
        if self.bus.reaches_others() { every * PACE } else { every }
    }

    /// Ends everything: whoever waits for a task or for events is told so, and the store is closed.
    pub async fn close(&self) {
        self.lobby.close();
        self.store.close().await;
    }

    /// Whether [`Engine::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.lobby.is_closed()
    }

    /// Tells the world what a verb did.
    pub(crate) async fn announce<V>(&self, committed: Committed<V>) -> V {
        let timed = committed
            .events
            .iter()
            .any(|event| event.body.state == Some(TaskState::Scheduled));
        if !committed.events.is_empty() {
            self.bus.publish(committed.events).await;
        }
        if committed.ready {
            self.bus.nudge(Nudge::Ready).await;
        }
        if timed {
            self.bus.nudge(Nudge::Timer).await;
        }
        for session in committed.cancelled {
            self.bus.nudge(Nudge::Cancel(session)).await;
        }
        for session in committed.meant {
            self.bus.nudge(Nudge::Meant(session)).await;
        }
        if let Some(at) = committed.open_at {
            self.later.nudge(self, at);
        }
        committed.value
    }

    /// Stores a batch of tasks, all or none, and says for each whether it is new, in the same order. Tasks of a batch may
    /// depend on each other by their refs.
    ///
    /// # Errors
    ///
    /// As [`Store::submit`].
    ///
    /// # Cancel safety
    ///
    /// The batch is stored entirely or not at all; use idempotency keys to find out.
    pub async fn submit(&self, tasks: Vec<NewTask>) -> Result<Vec<SubmittedTask>, StoreError> {
        let now = self.now();
        // A task that starts later tells so by its first event, one that must start by a time does not.
        let timed = tasks.iter().any(|task| task.deadline.is_some());
        let tasks = tasks
            .into_iter()
            .map(|task| Submission {
                id: self.sources.ids.task(),
                task: Arc::new(task),
            })
            .collect();
        let committed = self.store.submit(Submit { tasks, now }).await?;
        let submitted = self.announce(committed).await;
        if timed {
            self.bus.nudge(Nudge::Timer).await;
        }
        Ok(submitted)
    }

    /// Stores one task.
    ///
    /// # Errors
    ///
    /// As [`Store::submit`].
    ///
    /// # Cancel safety
    ///
    /// As [`Engine::submit`].
    pub async fn submit_one(&self, task: NewTask) -> Result<SubmittedTask, StoreError> {
        let first = self.submit(vec![task]).await?.pop();
        first.ok_or_else(|| StoreError::Unavailable("the store gave no answer".to_owned()))
    }

    /// One task.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    pub async fn get(&self, task: TaskId) -> Result<Task, StoreError> {
        self.store.get(task).await?.ok_or(StoreError::TaskNotFound(task))
    }

    /// A page of tasks, the newest first.
    ///
    /// # Errors
    ///
    /// As [`Store::list`].
    pub async fn list(&self, query: ListQuery) -> Result<Page<Task>, StoreError> {
        self.store.list(query).await
    }

    /// A task and all below it.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    pub async fn tree(&self, task: TaskId) -> Result<Tree, StoreError> {
        self.store.tree(task).await
    }

    /// Durable events after a place in the history.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    pub async fn events(&self, query: EventQuery) -> Result<Vec<Event>, StoreError> {
        self.store.events(query).await
    }

    /// Lines that a task wrote.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    pub async fn logs(&self, query: LogQuery) -> Result<Vec<LogLine>, StoreError> {
        self.store.logs(query).await
    }

    async fn intervene(&self, task: TaskId, intervention: Intervention) -> Result<Task, StoreError> {
        let committed = self.store.intervene(task, intervention, self.now()).await?;
        Ok(self.announce(committed).await)
    }

    /// Cancels a task and everything below it. Repeating it is harmless.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    pub async fn cancel(&self, task: TaskId, reason: &str) -> Result<Task, StoreError> {
        self.intervene(
            task,
            Intervention::Cancel {
                reason: reason.to_owned(),
            },
        )
        .await
    }

    /// Starts nothing more of a task and what is below it.
    ///
    /// # Errors
    ///
    /// [`StoreError::StateConflict`] when it has ended.
    pub async fn pause(&self, task: TaskId) -> Result<Task, StoreError> {
        self.intervene(task, Intervention::Pause).await
    }

    /// Takes a pause back, or lets a tree go on although its budget is spent.
    ///
    /// # Errors
    ///
    /// [`StoreError::StateConflict`] when it is not held.
    pub async fn resume(&self, task: TaskId) -> Result<Task, StoreError> {
        self.intervene(task, Intervention::Resume).await
    }

    /// Runs a failed, cancelled or needs_attention task again, from its finished steps.
    ///
    /// # Errors
    ///
    /// [`StoreError::StateConflict`] in other states.
    pub async fn retry(&self, task: TaskId) -> Result<Task, StoreError> {
        self.intervene(task, Intervention::Retry).await
    }

    /// Completes an external task.
    ///
    /// # Errors
    ///
    /// [`StoreError::StateConflict`] when it is settled already or is not external.
    pub async fn complete(&self, task: TaskId, result: ExternalResult) -> Result<Task, StoreError> {
        let committed = self.store.settle(task, result, self.now()).await?;
        Ok(self.announce(committed).await)
    }

    /// Does what is due at a time, at most so many tasks of it: timers, deadlines, schedules, the end of silent sessions.
    /// The loop [`crate::maintain::timer`] does so all the time; a test that holds the clock does it when it has moved it.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn tick(&self, now: Timestamp, limit: usize) -> Result<Ticked, StoreError> {
        let committed = self.store.tick(now, limit).await?;
        Ok(self.announce(committed).await)
    }

    /// Counts.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        self.store.stats(self.now()).await
    }
}

//! The use cases: load, decide in [`crate::domain`], make one store call, publish what happened.

mod checkpoint;
mod live;
mod result;
mod schedule;
mod source;

use std::sync::Arc;

use orchestrator_protocol::{
    Event, ExternalResult, LimitRule, LogLine, NewTask, Page, Stats, Task, TaskId, Timestamp, Tree, Why, Worker,
    WorkerState,
};

pub use live::Live;
pub use source::{LocalSource, SourceConfig};

use crate::{
    bus::{Bus, Nudge},
    clock::Sources,
    store::{
        Committed, EventQuery, Intervention, ListQuery, LogQuery, Store, StoreError, Submission, Submit, SubmittedTask,
    },
};

/// Everything that can be asked of the system, over one store and one bus. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The durable half.
    pub store: Arc<dyn Store>,
    /// The lossy half.
    pub bus: Arc<dyn Bus>,
    /// Time and ids.
    pub sources: Sources,
}

impl Engine {
    /// The use cases over a store and a bus.
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, sources: Sources) -> Self {
        Self { store, bus, sources }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.sources.clock.now()
    }

    /// Tells the world what a verb did.
    pub(crate) async fn announce<V>(&self, committed: Committed<V>) -> V {
        if !committed.events.is_empty() {
            self.bus.publish(committed.events).await;
        }
        if committed.ready {
            self.bus.nudge(Nudge::Ready).await;
        }
        for session in committed.cancelled {
            self.bus.nudge(Nudge::Cancel(session)).await;
        }
        committed.value
    }

    /// Stores a batch of tasks, all or none.
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
        let timed = tasks.iter().any(|t| t.run_at.is_some() || t.deadline.is_some());
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

    /// Sets or removes the rule of a limit key.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn put_limit(&self, key: &str, rule: Option<LimitRule>) -> Result<(), StoreError> {
        self.store.put_limit(key.to_owned(), rule).await?;
        self.bus.nudge(Nudge::Ready).await;
        Ok(())
    }

    /// Pauses or resumes a queue.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn pause_queue(&self, queue: &str, paused: bool) -> Result<(), StoreError> {
        self.store.pause_queue(queue.to_owned(), paused).await?;
        self.bus.nudge(Nudge::Ready).await;
        Ok(())
    }

    /// Why a task is where it is.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    pub async fn why(&self, task: TaskId) -> Result<Why, StoreError> {
        let now = self.now();
        let facts = self
            .store
            .facts(task, now)
            .await?
            .ok_or(StoreError::TaskNotFound(task))?;
        Ok(crate::domain::why::explain(&facts, now))
    }

    /// All workers that have a session.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        let now = self.now();
        let sessions = self.store.sessions().await?;
        let worker = |s: crate::store::SessionView| Worker {
            id: s.worker,
            name: s.name,
            state: if s.expires_at < now {
                WorkerState::Offline
            } else {
                WorkerState::Online
            },
            labels: s.labels,
            task_types: s.task_types,
            slots: s.slots,
            running: s.running,
            cpu_percent: None,
            memory_percent: None,
            disk_percent: None,
            last_seen_at: now,
        };
        Ok(sessions.into_iter().map(worker).collect())
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

//! Waiting for a task's end.

use std::{collections::BTreeMap, time::Duration};

use orchestrator_protocol::{Attention, Task, TaskId, TaskResult, TaskState};

use super::{Engine, lobby::has_ended};
use crate::store::{ListQuery, StoreError};

/// How often the store is asked in any case: another process may have ended the task.
const POLL: Duration = Duration::from_secs(1);

/// How many tasks that need a person's attention are named.
const NAMED: usize = 50;

/// How often in a row the store may be unavailable before whoever waits is told: a few seconds.
const PATIENCE: u32 = 5;

impl Engine {
    /// The task once it is terminal or needs a person's attention.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`]; [`StoreError::Unavailable`] when the store stays so, or was closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn settled(&self, task: TaskId) -> Result<Task, StoreError> {
        Ok(self.until(task, has_ended, false).await?.task)
    }

    /// The task once it is terminal, or as it is when the wait ends.
    ///
    /// # Errors
    ///
    /// As [`Engine::settled`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn result(&self, task: TaskId, wait: Duration) -> Result<Task, StoreError> {
        if wait.is_zero() {
            return self.get(task).await;
        }
        tokio::select! {
            biased;
            ended = self.until(task, TaskState::is_terminal, false) => Ok(ended?.task),
            () = self.sources.clock.sleep(wait) => self.get(task).await,
        }
    }

    /// The task once it is terminal, or once it or a task below it that it waits for needs a person's attention, or as
    /// it is when the wait ends; and which those are.
    ///
    /// # Errors
    ///
    /// As [`Engine::settled`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn result_or_attention(&self, task: TaskId, wait: Duration) -> Result<TaskResult, StoreError> {
        if wait.is_zero() {
            return self.look(task, true).await;
        }
        tokio::select! {
            biased;
            ended = self.until(task, TaskState::is_terminal, true) => ended,
            () = self.sources.clock.sleep(wait) => self.look(task, true).await,
        }
    }

    /// A task as it is, and if wanted what keeps it from ending without a person.
    async fn look(&self, task: TaskId, heed: bool) -> Result<TaskResult, StoreError> {
        let task = self.get(task).await?;
        let attention = if heed { self.attention(&task).await? } else { Vec::new() };
        Ok(TaskResult { task, attention })
    }

    /// What keeps a task from ending without a person: itself, or those below it while it waits for them.
    async fn attention(&self, task: &Task) -> Result<Vec<Attention>, StoreError> {
        if task.state != TaskState::Waiting {
            return Ok(Attention::of(task).into_iter().collect());
        }
        let query = ListQuery {
            root_id: Some(task.root_id),
            states: vec![TaskState::NeedsAttention],
            limit: NAMED,
            ..ListQuery::default()
        };
        let found = self.list(query).await?.items;
        let mut parents: BTreeMap<TaskId, Option<TaskId>> = BTreeMap::new();
        let mut below = Vec::new();
        for found in found {
            if self.is_below(found.parent_id, task, &mut parents).await? {
                below.extend(Attention::of(&found));
            }
        }
        Ok(below)
    }

    /// Whether a parent is a task, or somewhere below it.
    async fn is_below(
        &self,
        mut parent: Option<TaskId>,
        task: &Task,
        parents: &mut BTreeMap<TaskId, Option<TaskId>>,
    ) -> Result<bool, StoreError> {
        while let Some(id) = parent {
            if id == task.id || task.id == task.root_id {
                return Ok(true);
            }
            if let Some(known) = parents.get(&id) {
                parent = *known;
            } else {
                parent = self.get(id).await?.parent_id;
                parents.insert(id, parent);
            }
        }
        Ok(false)
    }

    /// Looks whenever something may have happened to a task, until it is far enough, or if wanted until it needs a person.
    async fn until(&self, task: TaskId, enough: fn(TaskState) -> bool, heed: bool) -> Result<TaskResult, StoreError> {
        // Listen first, so that nothing is missed between the look and the wait.
        let seat = self.lobby.enter(&*self.bus, task);
        let mut failures = 0;
        loop {
            match self.look(task, heed).await {
                Ok(found) if enough(found.task.state) || !found.attention.is_empty() => return Ok(found),
                Ok(_) => failures = 0,
                Err(error) if error.is_transient() && failures < PATIENCE && !self.lobby.is_closed() => failures += 1,
                Err(error) => return Err(error),
            }
            tokio::select! {
                biased;
                () = seat.rung() => {}
                () = self.lobby.closed() => return Err(Self::was_closed()),
                () = self.sources.clock.sleep(self.pace(POLL)) => {}
            }
        }
    }

    pub(super) fn was_closed() -> StoreError {
        StoreError::Unavailable("it was shut down".to_owned())
    }
}

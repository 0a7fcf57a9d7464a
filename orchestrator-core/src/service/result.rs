//! Waiting for a task's end.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use orchestrator_protocol::{Attention, Task, TaskId, TaskResult, TaskState};

use super::Engine;
use crate::{
    domain::budget,
    store::{ListQuery, StoreError},
};

/// How often the store is asked in any case: another process may have ended the task.
const POLL: Duration = Duration::from_secs(1);

/// How many tasks that need a person's attention are named.
const NAMED: usize = 50;

/// How often in a row the store may be unavailable before whoever waits is told: a few seconds.
const PATIENCE: u32 = 5;

/// What ends a wait beside the end of the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heed {
    /// Nothing.
    Nothing,
    /// That the task itself needs a person.
    Itself,
    /// The same, and that one below it does which it waits for.
    Below,
}

impl Engine {
    /// The task once it is terminal, needs a person's attention, or rests because a budget is spent.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`]; [`StoreError::Unavailable`] when the store stays so, or was closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn settled(&self, task: TaskId) -> Result<TaskResult, StoreError> {
        self.until(task, Heed::Itself).await
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
            ended = self.until(task, Heed::Nothing) => Ok(ended?.task),
            () = self.sources.clock.sleep(wait) => self.get(task).await,
        }
    }

    /// The task once it is terminal, or once it or a task below it that it waits for needs a person's attention or has
    /// spent its budget, or as it is when the wait ends; and which those are.
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
            return self.look(task, Heed::Below).await;
        }
        tokio::select! {
            biased;
            ended = self.until(task, Heed::Below) => ended,
            () = self.sources.clock.sleep(wait) => self.look(task, Heed::Below).await,
        }
    }

    /// A task as it is, and if wanted what keeps it from ending without a person.
    async fn look(&self, task: TaskId, heed: Heed) -> Result<TaskResult, StoreError> {
        let task = self.get(task).await?;
        let attention = match (task.state, heed) {
            (_, Heed::Nothing) => Vec::new(),
            (TaskState::Waiting, Heed::Below) => self.attention_below(&task).await?,
            (TaskState::Paused, _) => self.spender(task.id).await?.into_iter().collect(),
            _ => Attention::of(&task).into_iter().collect(),
        };
        Ok(TaskResult { task, attention })
    }

    /// The spent budget that keeps a task from going on, its own or that of one above it.
    async fn spender(&self, task: TaskId) -> Result<Option<Attention>, StoreError> {
        let facts = self.store.facts(task, self.now()).await?;
        let Some(spender) = facts.and_then(|facts| facts.spent_by) else {
            return Ok(None);
        };
        Ok(Some(budget::attention(&self.get(spender).await?)))
    }

    /// What keeps those below a task from ending without a person.
    async fn attention_below(&self, task: &Task) -> Result<Vec<Attention>, StoreError> {
        let mut known: BTreeMap<TaskId, Task> = BTreeMap::new();
        let mut below = Vec::new();
        for found in self.in_tree(task.root_id, TaskState::NeedsAttention).await? {
            if !self.path(&found, task, &mut known).await?.is_empty() {
                below.extend(Attention::of(&found));
            }
        }
        let mut spent: BTreeMap<TaskId, Option<Attention>> = BTreeMap::new();
        for found in self.in_tree(task.root_id, TaskState::Paused).await? {
            let path = self.path(&found, task, &mut known).await?;
            let Some(spender) = path.into_iter().find(budget::is_spent_by) else {
                continue;
            };
            if let Entry::Vacant(place) = spent.entry(spender.id) {
                // It may be an operator who stopped it, after somebody had let it go on.
                place.insert(self.spender(spender.id).await?);
            }
        }
        below.extend(spent.into_values().flatten());
        Ok(below)
    }

    async fn in_tree(&self, root: TaskId, state: TaskState) -> Result<Vec<Task>, StoreError> {
        let query = ListQuery {
            root_id: Some(root),
            states: vec![state],
            limit: NAMED,
            ..ListQuery::default()
        };
        Ok(self.list(query).await?.items)
    }

    /// The tasks from one up to a child of another; none when it is not below that.
    async fn path(&self, from: &Task, to: &Task, known: &mut BTreeMap<TaskId, Task>) -> Result<Vec<Task>, StoreError> {
        let mut path = vec![from.clone()];
        let mut parent = from.parent_id;
        while let Some(id) = parent {
            if id == to.id {
                return Ok(path);
            }
            let task = match known.entry(id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.get(id).await?),
            };
            parent = task.parent_id;
            path.push(task.clone());
        }
        Ok(Vec::new())
    }

    /// Looks whenever something may have happened to a task, until it has ended, or if wanted until it needs a person.
    async fn until(&self, task: TaskId, heed: Heed) -> Result<TaskResult, StoreError> {
        // Listen first, so that nothing is missed between the look and the wait.
        let seat = self.lobby.enter(&*self.bus, task);
        let mut failures = 0;
        loop {
            match self.look(task, heed).await {
                Ok(found) if found.task.state.is_terminal() || !found.attention.is_empty() => return Ok(found),
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

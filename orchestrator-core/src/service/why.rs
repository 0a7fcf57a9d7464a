//! Why a task is where it is.

use orchestrator_protocol::{EventType, Placement, Task, TaskId, TaskState, Why};

use super::Engine;
use crate::{
    domain::why::{self, Background},
    store::{EventQuery, EventScope, Facts, LimitUse, ListQuery, StoreError},
};

/// How many running tasks are looked through for those that fill a limit.
const RUNNING: usize = 500;

impl Engine {
    /// Why a task is where it is: what it waits for, what is full or paused or spent, what no worker offers, or how it
    /// ended.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    pub async fn why(&self, task: TaskId) -> Result<Why, StoreError> {
        let now = self.now();
        let facts = self.store.facts(task, now).await?;
        let facts = facts.ok_or(StoreError::TaskNotFound(task))?;
        let background = Background {
            holders: self.holders(&facts).await?,
            spender: match facts.spent_by {
                Some(id) => self.store.get(id).await?,
                None => None,
            },
            last_words: self.last_words(&facts.task).await?,
            placement: match facts.task.state {
                TaskState::Running => self.placement(task).await?,
                _ => None,
            },
            policy: self.policy,
        };
        Ok(why::explain_with(&facts, &background, now))
    }

    /// Why the worker that runs a task, or ran it last, was chosen; none where there was nothing to choose.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    pub async fn placement(&self, task: TaskId) -> Result<Option<Placement>, StoreError> {
        let query = EventQuery {
            scope: EventScope::Task(task),
            types: vec![EventType::TaskState],
            ..EventQuery::default()
        };
        let events = self.store.events(query).await?;
        let mut starts = events.into_iter().filter(|e| e.body.state == Some(TaskState::Running));
        Ok(starts
            .next_back()
            .and_then(|event| event.body.placement)
            .map(|placement| *placement))
    }

    /// Who runs under the limits that are full.
    async fn holders(&self, facts: &Facts) -> Result<Vec<Task>, StoreError> {
        let full = |limit: &&LimitUse| {
            let LimitUse {
                rule, running, tokens, ..
            } = limit;
            let slots = rule.max_running.is_some_and(|max| *running >= max);
            slots || rule.tokens_per_minute.is_some_and(|max| *tokens >= max)
        };
        let keys: Vec<&String> = facts.limits.iter().filter(full).map(|limit| &limit.key).collect();
        if keys.is_empty() || facts.task.state != TaskState::Ready {
            return Ok(Vec::new());
        }
        let query = ListQuery {
            states: vec![TaskState::Running],
            limit: RUNNING,
            ..ListQuery::default()
        };
        let mut running = self.store.list(query).await?.items;
        running.retain(|task| task.limits.iter().any(|key| keys.contains(&key)));
        Ok(running)
    }

    /// What was said when the task came into its state, where the task itself does not tell.
    async fn last_words(&self, task: &Task) -> Result<Option<String>, StoreError> {
        if task.state != TaskState::Cancelled {
            return Ok(None);
        }
        let query = EventQuery {
            scope: EventScope::Task(task.id),
            types: vec![EventType::TaskState],
            ..EventQuery::default()
        };
        let events = self.store.events(query).await?;
        let last = events.into_iter().rev().find(|e| e.body.state == Some(task.state));
        Ok(last.and_then(|event| event.body.text))
    }
}

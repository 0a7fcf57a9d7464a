//! Why a task is where it is.

use orchestrator_protocol::{EventType, LimitRule, Task, TaskId, TaskState, Why};

use super::Engine;
use crate::{
    domain::why::{self, Background},
    store::{EventQuery, EventScope, Facts, ListQuery, StoreError},
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
        };
        Ok(why::explain_with(&facts, &background, now))
    }

    /// Who runs under the limits that are full.
    async fn holders(&self, facts: &Facts) -> Result<Vec<Task>, StoreError> {
        let full = |(_, rule, running): &&(String, LimitRule, u32)| rule.max_running.is_some_and(|max| *running >= max);
        let keys: Vec<&String> = facts.limits.iter().filter(full).map(|(key, ..)| key).collect();
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

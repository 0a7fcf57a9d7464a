//! Many children at once: map and race.

use orchestrator_protocol::{Json, NewTask, TaskError, TaskId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{TaskContext, Wait};
use crate::store::Group;

/// What a race remembers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Winner {
    race_won_by: usize,
}

impl TaskContext {
    /// Has one child of a type work on each input, at most `max_parallel` of them at a time (0: all at once), and waits
    /// for all. Their names are `name[0]`, `name[1]` and so on; the outcomes are in the order of the inputs.
    ///
    /// ```
    /// # use orchestrator_core::context::TaskContext;
    /// # use orchestrator_protocol::TaskError;
    /// # async fn example(ctx: TaskContext, docs: Vec<String>) -> Result<Vec<String>, TaskError> {
    /// let outcomes = ctx.map("summaries", "summarize", docs, 4).await?;
    /// let summaries: Vec<String> = outcomes.into_iter().collect::<Result<_, _>>()?;
    /// # Ok(summaries)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`TaskContext::spawn`]. What became of each child is in its own place.
    pub async fn map<I: Serialize, O: DeserializeOwned>(
        &self,
        name: impl Into<String>,
        task_type: &str,
        inputs: impl IntoIterator<Item = I>,
        max_parallel: u32,
    ) -> Result<Vec<Result<O, TaskError>>, TaskError> {
        let name = name.into();
        let tasks = inputs
            .into_iter()
            .enumerate()
            .map(|(i, input)| {
                let input = Json::of(&input).map_err(|error| {
                    TaskError::terminal(format!("input {i} of `{name}` cannot be written as JSON: {error}"))
                })?;
                Ok(NewTask::new(task_type, input))
            })
            .collect::<Result<Vec<_>, TaskError>>()?;
        self.map_tasks(name, tasks, max_parallel).await
    }

    /// As [`TaskContext::map`], with tasks of any types.
    ///
    /// # Errors
    ///
    /// As [`TaskContext::map`].
    pub async fn map_tasks<O: DeserializeOwned>(
        &self,
        name: impl Into<String>,
        tasks: impl IntoIterator<Item = NewTask>,
        max_parallel: u32,
    ) -> Result<Vec<Result<O, TaskError>>, TaskError> {
        let name = name.into();
        let children = numbered(&name, tasks);
        let group = Group {
            name,
            size: max_parallel,
        };
        let ids = self.ensure(children, (max_parallel > 0).then_some(&group)).await?;
        self.outcomes(&ids).await
    }

    /// Lets tasks race: the first that succeeds wins, the others are cancelled. Gives the winner's place and output.
    ///
    /// The children are named as those of [`TaskContext::map`]; who won is recorded under `name` itself, so that it
    /// stays the winner when the agent runs again.
    ///
    /// # Errors
    ///
    /// The last child's error when none succeeded; otherwise as [`TaskContext::spawn`].
    pub async fn race<O: DeserializeOwned>(
        &self,
        name: impl Into<String>,
        tasks: impl IntoIterator<Item = NewTask>,
    ) -> Result<(usize, O), TaskError> {
        let name = name.into();
        let ids = self.ensure(numbered(&name, tasks), None).await?;
        let Some(last) = ids.last() else {
            return Err(TaskError::terminal(format!("nobody takes part in the race `{name}`")));
        };
        let winner = match self.recorded::<Winner>(&name)? {
            Some(winner) => Some(winner),
            None => self.first_success(&name, &ids).await?,
        };
        let Some(Winner { race_won_by: winner }) = winner else {
            return self.outcome(*last).map(|output| (ids.len() - 1, output));
        };
        let Some(id) = ids.get(winner) else {
            return Err(TaskError::terminal(format!(
                "the race `{name}` was won by number {winner} before, which does not take part now"
            )));
        };
        self.call_off(&ids, &format!("another child won the race `{name}`"))
            .await?;
        // The winner may be known from its record alone.
        self.inner.wait(Wait::all(vec![*id])).await?;
        Ok((winner, self.outcome(*id)?))
    }

    /// Waits for the first success and records it; none when all have settled without one.
    async fn first_success(&self, name: &str, ids: &[TaskId]) -> Result<Option<Winner>, TaskError> {
        loop {
            let (won, open) = self.inner.memo(|memo| {
                let won = ids.iter().position(|id| memo.has_succeeded(*id));
                let open: Vec<TaskId> = ids.iter().copied().filter(|id| !memo.is_settled(*id)).collect();
                (won, open)
            });
            if let Some(race_won_by) = won {
                let record = async || Ok::<_, TaskError>(Winner { race_won_by });
                return self.step(name, record).await.map(Some);
            }
            if open.is_empty() {
                return Ok(None);
            }
            self.inner.wait(Wait::any(open)).await?;
        }
    }

    /// Cancels those of the children that have not settled.
    async fn call_off(&self, ids: &[TaskId], reason: &str) -> Result<(), TaskError> {
        let open: Vec<TaskId> = self
            .inner
            .memo(|memo| ids.iter().copied().filter(|id| !memo.is_settled(*id)).collect());
        if open.is_empty() {
            return Ok(());
        }
        let _active = self.inner.admit(false).await?;
        let host = &self.inner.host;
        let cancel = host.persist(|| host.source.cancel(open.clone(), reason.to_owned()));
        let cancelled = self.unless_stopped(cancel).await?;
        cancelled
            .map_err(|error| TaskError::retryable(format!("the children that lost could not be cancelled: {error}")))
    }
}

fn numbered(name: &str, tasks: impl IntoIterator<Item = NewTask>) -> Vec<(String, NewTask)> {
    tasks
        .into_iter()
        .enumerate()
        .map(|(i, task)| (format!("{name}[{i}]"), task))
        .collect()
}

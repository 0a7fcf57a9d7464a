//! Tasks.

use orchestrator_core::store::{EventQuery, EventScope, ListQuery, LogQuery};
use orchestrator_protocol::{
    DecisionRequest, Event, ExternalResult, LogLine, NewTask, Page, Task, TaskResult, Tree, Why, object,
};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, query};
use crate::{
    app::App,
    problem::Failure,
    wire::{Answer, Body, Created},
};

/// A batch of tasks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTasks {
    /// The tasks, which may name each other's `ref` in `depends_on`.
    #[serde(deserialize_with = "object::each")]
    tasks: Vec<NewTask>,
}

/// The tasks of a batch, in its order.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TaskBatch {
    /// The tasks.
    tasks: Vec<Task>,
}

/// How many tasks one batch may have.
const LARGEST_BATCH: usize = 10_000;

pub(crate) struct Tasks(pub(super) App);

/// Submitting needs the role `submitter`, deciding `reviewer`; everyone may read.
#[OpenApi(tag = "Group::Tasks")]
impl Tasks {
    /// Submit a task
    ///
    /// 201 with the task; 200 with the first one when the idempotency key repeats; 409 when it repeats with another body.
    #[oai(path = "/tasks", method = "post", operation_id = "create_task")]
    async fn create(&self, body: Body<NewTask>) -> Result<Created<Task>, Failure> {
        let submitted = self.0.engine.submit_one(body.0).await?;
        Ok(Created {
            value: submitted.task(),
            new: submitted.created,
        })
    }

    /// Submit several tasks, all or none
    ///
    /// Tasks may carry a local `ref` and name each other's refs in `depends_on`. 200 when every one was there already.
    #[oai(path = "/tasks/batch", method = "post", operation_id = "create_tasks")]
    async fn create_batch(&self, body: Body<NewTasks>) -> Result<Created<TaskBatch>, Failure> {
        let tasks = body.0.tasks;
        if tasks.is_empty() || tasks.len() > LARGEST_BATCH {
            let message = format!("{} tasks; a batch has 1 to {LARGEST_BATCH}", tasks.len());
            return Err(Failure::field("tasks", message));
        }
        let submitted = self.0.engine.submit(tasks).await?;
        Ok(Created {
            new: submitted.iter().any(|task| task.created),
            value: TaskBatch {
                tasks: submitted
                    .iter()
                    .map(orchestrator_core::store::SubmittedTask::task)
                    .collect(),
            },
        })
    }

    /// List tasks, the newest first
    #[oai(path = "/tasks", method = "get", operation_id = "list_tasks")]
    #[expect(clippy::too_many_arguments, reason = "each is a filter of the address")]
    async fn list(
        &self,
        /// In one of these states, separated by commas.
        state: Query<Option<String>>,
        /// Of this type.
        task_type: Query<Option<String>>,
        /// In the tree of this task.
        root_id: Query<Option<String>>,
        /// Directly below this task.
        parent_id: Query<Option<String>>,
        /// Run by this worker, now or last.
        worker_id: Query<Option<String>>,
        /// With this label, `key:value`.
        label: Query<Option<String>>,
        /// With this text in the description, whatever its case.
        q: Query<Option<String>>,
        /// Without a parent.
        roots_only: Query<Option<bool>>,
        /// How many, 1 to 500; 50 when left out.
        limit: Query<Option<i64>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Answer<Page<Task>>, Failure> {
        let query = ListQuery {
            states: query::states(state.0.as_ref())?,
            task_type: task_type.0,
            root_id: query::opt_id("root_id", root_id.0.as_ref())?,
            parent_id: query::opt_id("parent_id", parent_id.0.as_ref())?,
            worker_id: query::opt_id("worker_id", worker_id.0.as_ref())?,
            label: query::label(label.0.as_ref())?,
            text: q.0,
            roots_only: roots_only.0.unwrap_or(false),
            limit: query::limit(limit.0)?,
            cursor: cursor.0,
        };
        Ok(Answer(self.0.engine.list(query).await?))
    }

    /// One task
    #[oai(path = "/tasks/:task_id", method = "get", operation_id = "get_task")]
    async fn get(&self, task_id: Path<String>) -> Result<Answer<Task>, Failure> {
        Ok(Answer(self.0.engine.get(query::task(&task_id)?).await?))
    }

    /// Wait for a task's result
    ///
    /// The task once it is terminal, or as it is when the wait ends. With `attention`, also as soon as nothing more happens
    /// without a person.
    #[oai(path = "/tasks/:task_id/result", method = "get", operation_id = "get_result")]
    async fn result(
        &self,
        task_id: Path<String>,
        /// How long to wait, in seconds, at most 300; 0 when left out.
        wait_s: Query<Option<f64>>,
        /// Answer also when the task, or one below it that it waits for, is in `needs_attention` or rests because a budget is
        /// spent; `attention` then names them. Whoever asks again gets the same at once, until a person has retried,
        /// resumed or cancelled them.
        attention: Query<Option<bool>>,
    ) -> Result<Answer<TaskResult>, Failure> {
        let (task, wait) = (query::task(&task_id)?, query::wait(wait_s.0)?);
        if attention.0 == Some(true) {
            return Ok(Answer(self.0.engine.result_or_attention(task, wait).await?));
        }
        Ok(Answer(self.0.engine.result(task, wait).await?.into()))
    }

    /// A task and all below it
    #[oai(path = "/tasks/:task_id/tree", method = "get", operation_id = "get_tree")]
    async fn tree(&self, task_id: Path<String>) -> Result<Answer<Tree>, Failure> {
        Ok(Answer(self.0.engine.tree(query::task(&task_id)?).await?))
    }

    /// A task's durable history
    #[oai(path = "/tasks/:task_id/events", method = "get", operation_id = "list_task_events")]
    async fn events(
        &self,
        task_id: Path<String>,
        /// After this place in the history.
        after: Query<Option<i64>>,
        /// With that of everything below the task.
        tree: Query<Option<bool>>,
        /// Of these types, separated by commas.
        types: Query<Option<String>>,
        /// How many, 1 to 500; 50 when left out.
        limit: Query<Option<i64>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Answer<Page<Event>>, Failure> {
        let task = query::task(&task_id)?;
        let size = query::page_size(limit.0)?;
        let query = EventQuery {
            scope: if tree.0 == Some(true) {
                EventScope::Tree(task)
            } else {
                EventScope::Task(task)
            },
            after: query::after(after.0, cursor.0.as_ref())?,
            types: query::names("types", types.0.as_ref())?,
            limit: size + 1,
        };
        let events = self.0.engine.events(query).await?;
        Ok(Answer(page(events, size, |event| event.seq.0)))
    }

    /// The lines that a task wrote
    #[oai(path = "/tasks/:task_id/logs", method = "get", operation_id = "list_task_logs")]
    async fn logs(
        &self,
        task_id: Path<String>,
        /// After this place in the history.
        after: Query<Option<i64>>,
        /// How many, 1 to 500; 50 when left out.
        limit: Query<Option<i64>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Answer<Page<LogLine>>, Failure> {
        let size = query::page_size(limit.0)?;
        let query = LogQuery {
            task: query::task(&task_id)?,
            after: query::after(after.0, cursor.0.as_ref())?,
            limit: size + 1,
        };
        let lines = self.0.engine.logs(query).await?;
        Ok(Answer(page(lines, size, |line| line.seq.0)))
    }

    /// Why a task is where it is
    #[oai(path = "/tasks/:task_id/why", method = "get", operation_id = "explain_task")]
    async fn why(&self, task_id: Path<String>) -> Result<Answer<Why>, Failure> {
        Ok(Answer(self.0.engine.why(query::task(&task_id)?).await?))
    }

    /// Cancel a task and everything below it
    ///
    /// Repeats are harmless.
    #[oai(path = "/tasks/:task_id/cancel", method = "post", operation_id = "cancel_task")]
    async fn cancel(&self, task_id: Path<String>) -> Result<Answer<Task>, Failure> {
        let task = query::task(&task_id)?;
        Ok(Answer(self.0.engine.cancel(task, "cancelled over the API").await?))
    }

    /// Run a failed, cancelled or needs_attention task again
    ///
    /// It goes on from its finished steps.
    #[oai(path = "/tasks/:task_id/retry", method = "post", operation_id = "retry_task")]
    async fn retry(&self, task_id: Path<String>) -> Result<Answer<Task>, Failure> {
        Ok(Answer(self.0.engine.retry(query::task(&task_id)?).await?))
    }

    /// Start nothing more of a task and what is below it
    #[oai(path = "/tasks/:task_id/pause", method = "post", operation_id = "pause_task")]
    async fn pause(&self, task_id: Path<String>) -> Result<Answer<Task>, Failure> {
        Ok(Answer(self.0.engine.pause(query::task(&task_id)?).await?))
    }

    /// Take a pause back, or let a task go on although its budget is spent
    #[oai(path = "/tasks/:task_id/resume", method = "post", operation_id = "resume_task")]
    async fn resume(&self, task_id: Path<String>) -> Result<Answer<Task>, Failure> {
        Ok(Answer(self.0.engine.resume(query::task(&task_id)?).await?))
    }

    /// Decide at a checkpoint
    ///
    /// 409 when it was decided already.
    #[oai(
        path = "/tasks/:task_id/decision",
        method = "post",
        operation_id = "decide_checkpoint"
    )]
    async fn decide(&self, task_id: Path<String>, body: Body<DecisionRequest>) -> Result<Answer<Task>, Failure> {
        let decision = body.0.into();
        Ok(Answer(self.0.engine.decide(query::task(&task_id)?, &decision).await?))
    }

    /// Complete an external task
    #[oai(path = "/tasks/:task_id/complete", method = "post", operation_id = "complete_task")]
    async fn complete(&self, task_id: Path<String>, body: Body<ExternalResult>) -> Result<Answer<Task>, Failure> {
        Ok(Answer(self.0.engine.complete(query::task(&task_id)?, body.0).await?))
    }
}

/// A page of what was read, one more than a page where there is more.
fn page<T>(mut items: Vec<T>, size: usize, place: impl Fn(&T) -> i64) -> Page<T> {
    let has_more = items.len() > size;
    items.truncate(size);
    let next_cursor = items.last().filter(|_| has_more).map(|last| place(last).to_string());
    Page { items, next_cursor }
}

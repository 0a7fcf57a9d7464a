//! Children: what a task asks of other tasks.

use std::{fmt, marker::PhantomData, sync::Arc};

use orchestrator_protocol::{NewTask, TaskError, TaskId, TaskState};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{TaskContext, Wait, inner::NameInUse, memo::ChildRecord};
use crate::store::{ChildSpec, Group, ReportAck, ReportBody};

/// How many children one report asks for: small enough that a store's transaction stays short.
const CHUNK: usize = 256;

/// A child that was asked for, and whose output is an `O`.
pub struct Child<O> {
    ctx: TaskContext,
    id: TaskId,
    name: String,
    output: PhantomData<fn() -> O>,
}

impl<O: DeserializeOwned> Child<O> {
    /// Its id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Its name within its parent.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for its output. May be called again, with the same answer.
    ///
    /// # Errors
    ///
    /// As [`TaskContext::call`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the wait; the child goes on.
    pub async fn join(&self) -> Result<O, TaskError> {
        self.ctx.inner.wait(Wait::all(vec![self.id])).await?;
        self.ctx.outcome(self.id)
    }
}

impl<O> fmt::Debug for Child<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl TaskContext {
    /// Has a child do something and waits for its output. While nothing else is under way the task is suspended.
    ///
    /// # Errors
    ///
    /// A terminal error when the child failed or was cancelled (its own retries are used up by then; its error is in
    /// the details), when its output is not an `O`, or when the name stands for something else already; `Cancelled`
    /// when this task was stopped.
    pub async fn call<O: DeserializeOwned>(&self, name: impl Into<String>, task: NewTask) -> Result<O, TaskError> {
        self.spawn(name, task).await?.join().await
    }

    /// Asks for a child without waiting for it. It goes on whether it is joined or not, until its parent ends: children
    /// that have not settled by then are cancelled.
    ///
    /// # Errors
    ///
    /// As [`TaskContext::call`], but for the child's own failure.
    pub async fn spawn<O: DeserializeOwned>(
        &self,
        name: impl Into<String>,
        task: NewTask,
    ) -> Result<Child<O>, TaskError> {
        let name = name.into();
        let ids = self.ensure(vec![(name.clone(), task)], None).await?;
        Ok(Child {
            ctx: self.clone(),
            id: ids[0],
            name,
            output: PhantomData,
        })
    }

    /// Waits until every one of these children has settled, and gives their outcomes in the order of the children.
    ///
    /// # Errors
    ///
    /// `Cancelled` when this task was stopped. What became of each child is in its own place.
    pub async fn join<O: DeserializeOwned>(
        &self,
        children: impl IntoIterator<Item = Child<O>>,
    ) -> Result<Vec<Result<O, TaskError>>, TaskError> {
        let ids: Vec<TaskId> = children.into_iter().map(|c| c.id).collect();
        self.outcomes(&ids).await
    }

    pub(super) async fn outcomes<O: DeserializeOwned>(
        &self,
        ids: &[TaskId],
    ) -> Result<Vec<Result<O, TaskError>>, TaskError> {
        self.inner.wait(Wait::all(ids.to_vec())).await?;
        Ok(ids.iter().map(|id| self.outcome(*id)).collect())
    }

    /// Makes sure that these children exist; gives their ids in the same order.
    pub(super) async fn ensure(
        &self,
        asked: Vec<(String, NewTask)>,
        group: Option<&Group>,
    ) -> Result<Vec<TaskId>, TaskError> {
        let names: Vec<String> = asked.iter().map(|(name, _)| name.clone()).collect();
        let _in_use: Vec<NameInUse> = names.iter().map(|n| self.inner.name(n)).collect::<Result<_, _>>()?;
        let mut missing = Vec::new();
        for (step, task) in asked {
            if self.is_known(&step, &task)? {
                continue;
            }
            missing.push(ChildSpec {
                id: self.inner.host.sources.ids.task(),
                step,
                task: Arc::new(task),
                group: group.cloned(),
            });
        }
        while !missing.is_empty() {
            let rest = missing.split_off(missing.len().min(CHUNK));
            self.request(std::mem::replace(&mut missing, rest)).await?;
        }
        self.inner.memo(|memo| {
            let id = |name: &String| memo.child_named(name).map(|c| c.id);
            names
                .iter()
                .map(|n| id(n).ok_or_else(|| TaskError::retryable(format!("the store did not create the child `{n}`"))))
                .collect()
        })
    }

    /// Whether a child of this name is known; an error when the name means something else.
    fn is_known(&self, name: &str, task: &NewTask) -> Result<bool, TaskError> {
        self.inner.memo(|memo| {
            if memo.step(name).is_some() {
                return Err(TaskError::terminal(format!(
                    "`{name}` is the name of a step; give the child another name"
                )));
            }
            let Some(child) = memo.child_named(name) else {
                return Ok(false);
            };
            if child.spec.task_type != task.task_type {
                return Err(TaskError::terminal(format!(
                    "the child `{name}` was a `{}` before and cannot be a `{}` now; give it another name",
                    child.spec.task_type, task.task_type
                )));
            }
            if child.spec.input != task.input {
                return Err(TaskError::terminal(format!(
                    "the child `{name}` was asked for with the input {} before and cannot have {} now; give it another \
                     name",
                    excerpt(child.spec.input.get()),
                    excerpt(task.input.get())
                )));
            }
            Ok(true)
        })
    }

    async fn request(&self, children: Vec<ChildSpec>) -> Result<(), TaskError> {
        let admitted = self.inner.admit(false).await?;
        let refs = match admitted.ask(ReportBody::Spawn(children.clone())).await? {
            ReportAck::Spawned(refs) if refs.len() == children.len() => refs,
            ack => {
                return Err(TaskError::retryable(format!(
                    "the store answered a request for children with {ack:?}"
                )));
            }
        };
        let settled: Vec<TaskId> = refs.iter().filter(|c| c.state.is_terminal()).map(|c| c.id).collect();
        self.inner.memo(|memo| memo.spawned(children, &refs));
        if !settled.is_empty() {
            let results = self.unless_stopped(self.inner.host.results(&settled)).await?;
            let results = results.map_err(|error| TaskError::retryable(error.to_string()))?;
            self.inner.learn(|memo| memo.settle(results));
        }
        Ok(())
    }

    /// What a future gives, unless the task is stopped first.
    pub(super) async fn unless_stopped<T>(&self, future: impl Future<Output = T>) -> Result<T, TaskError> {
        tokio::select! {
            biased;
            value = future => Ok(value),
            () = self.inner.token.cancelled() => Err(self.inner.stop_error()),
        }
    }

    /// What became of a settled child.
    pub(super) fn outcome<O: DeserializeOwned>(&self, id: TaskId) -> Result<O, TaskError> {
        let Some(child) = self.inner.memo(|memo| memo.child(id).cloned()) else {
            return Err(TaskError::retryable(format!("the store does not know the child {id}")));
        };
        if child.state != TaskState::Succeeded {
            return Err(failure(&child));
        }
        child.output.unwrap_or_default().to().map_err(|error| {
            TaskError::terminal(format!(
                "the output of `{}` (a `{}`) is not what is asked for: {error}",
                child.name, child.spec.task_type
            ))
        })
    }
}

/// The error of a parent whose child did not succeed. The child's own attempts are used up, so trying the parent again
/// cannot help.
fn failure(child: &ChildRecord) -> TaskError {
    let (name, id) = (&child.name, child.id);
    let Some(error) = &child.error else {
        let what = if child.state == TaskState::Cancelled {
            "was cancelled"
        } else {
            "failed"
        };
        return TaskError::terminal(format!("`{name}` {what}")).with_detail(json!({"task_id": id}));
    };
    TaskError::terminal(format!("`{name}` failed: {}", error.message))
        .with_detail(json!({"task_id": id, "class": error.class, "detail": error.detail}))
}

/// The beginning of a text, for messages.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

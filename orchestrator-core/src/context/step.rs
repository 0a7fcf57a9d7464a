//! Steps and timers: what a task does itself and remembers.

use std::{future::Future, time::Duration};

use orchestrator_protocol::{Json, TaskError, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{TaskContext, Wait};
use crate::{
    agent::{BoxError, task_error},
    store::ReportBody,
};

/// What a timer remembers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Timer {
    sleep_until: Timestamp,
}

impl TaskContext {
    /// Does something once: its result is recorded under the name before this returns, and found there when the agent
    /// runs again. An error is not recorded; the step runs again next time.
    ///
    /// ```
    /// # use orchestrator_core::context::TaskContext;
    /// # use orchestrator_protocol::TaskError;
    /// # async fn example(ctx: TaskContext) -> Result<(), TaskError> {
    /// let lines: usize = ctx
    ///     .step("count", || async {
    ///         let text = std::fs::read_to_string("README.md")?;
    ///         Ok::<_, std::io::Error>(text.lines().count())
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What `work` returned; a terminal error when the name is that of a child, is in use by another branch, or stands
    /// for a result that is not a `T`; `Cancelled` when the task was stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work`. A result that was not yet acknowledged may or may not be recorded.
    pub async fn step<T, E, F, Fut>(&self, name: impl Into<String>, work: F) -> Result<T, TaskError>
    where
        T: Serialize + DeserializeOwned,
        E: Into<BoxError>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let name = name.into();
        let _in_use = self.inner.name(&name)?;
        if let Some(found) = self.recorded(&name)? {
            return Ok(found);
        }
        let admitted = self.inner.admit(false).await?;
        let result = work().await.map_err(|error| task_error(error.into()))?;
        let output = Json::of(&result).map_err(|error| {
            TaskError::terminal(format!(
                "the result of the step `{name}` cannot be written as JSON: {error}"
            ))
        })?;
        let body = ReportBody::Step {
            name: name.clone(),
            output: output.clone(),
        };
        admitted.ask(body).await?;
        self.inner.memo(|memo| memo.record(name, output));
        Ok(result)
    }

    /// The result that is recorded under a name.
    pub(super) fn recorded<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, TaskError> {
        let output = self.inner.memo(|memo| {
            if let Some(child) = memo.child_named(name) {
                return Err(TaskError::terminal(format!(
                    "`{name}` is the name of a child (a `{}`); give the step another name",
                    child.spec.task_type
                )));
            }
            Ok(memo.step(name).cloned())
        })?;
        let Some(output) = output else { return Ok(None) };
        output.to().map(Some).map_err(|error| {
            TaskError::terminal(format!(
                "the step `{name}` has a result that is not what is asked for now ({error}); give the step another name"
            ))
        })
    }

    /// Sleeps without holding anything. The time at which it ends is recorded under the name: an agent that runs again
    /// sleeps for the rest of it only, and a changed duration changes nothing.
    ///
    /// # Errors
    ///
    /// As [`TaskContext::step`].
    pub async fn sleep(&self, name: impl Into<String>, duration: Duration) -> Result<(), TaskError> {
        let clock = self.inner.host.sources.clock.clone();
        let timer: Timer = self
            .step(name, || async {
                Ok::<_, TaskError>(Timer {
                    sleep_until: clock.now().plus(duration),
                })
            })
            .await?;
        self.inner.wait(Wait::until(timer.sleep_until)).await
    }
}

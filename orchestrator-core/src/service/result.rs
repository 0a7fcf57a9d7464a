//! Waiting for a task's end.

use std::time::Duration;

use orchestrator_protocol::{Task, TaskId, TaskState};

use super::{Engine, lobby::has_ended};
use crate::store::StoreError;

/// How often the store is asked in any case: another process may have ended the task.
const POLL: Duration = Duration::from_secs(1);

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
        self.until(task, has_ended).await
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
            ended = self.until(task, TaskState::is_terminal) => ended,
            () = self.sources.clock.sleep(wait) => self.get(task).await,
        }
    }

    async fn until(&self, task: TaskId, enough: fn(TaskState) -> bool) -> Result<Task, StoreError> {
        // Listen first, so that nothing is missed between the look and the wait.
        let seat = self.lobby.enter(&*self.bus, task);
        let mut failures = 0;
        loop {
            match self.get(task).await {
                Ok(task) if enough(task.state) => return Ok(task),
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

//! Waiting for a task's end.

use std::time::Duration;

use orchestrator_protocol::{Task, TaskId};
use tokio::sync::broadcast::error::RecvError;

use super::Engine;
use crate::store::StoreError;

/// How often the store is asked in any case: another process may have ended the task.
const POLL: Duration = Duration::from_secs(1);

impl Engine {
    /// The task once it is terminal or needs a person's attention.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn settled(&self, task: TaskId) -> Result<Task, StoreError> {
        // Listen first, so that nothing is missed between the look and the wait.
        let mut events = self.bus.subscribe();
        loop {
            let now = self.get(task).await?;
            if has_ended(&now) {
                return Ok(now);
            }
            let sleep = self.sources.clock.sleep(POLL);
            tokio::pin!(sleep);
            loop {
                tokio::select! {
                    biased;
                    event = events.recv() => match event {
                        Ok(event) if event.task_id == Some(task) && event.body.state.is_some() => break,
                        Ok(_) => {}
                        Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => {
                            sleep.as_mut().await;
                            break;
                        }
                    },
                    () = &mut sleep => break,
                }
            }
        }
    }

    /// The task once it is terminal, or as it is when the wait ends.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`].
    pub async fn result(&self, task: TaskId, wait: Duration) -> Result<Task, StoreError> {
        tokio::select! {
            biased;
            settled = self.settled(task) => settled,
            () = self.sources.clock.sleep(wait) => self.get(task).await,
        }
    }
}

/// Whether nothing more happens to a task without a person.
fn has_ended(task: &Task) -> bool {
    task.state.is_terminal() || task.state == orchestrator_protocol::TaskState::NeedsAttention
}

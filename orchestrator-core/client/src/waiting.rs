//! Waiting for a task that may need a person on its way.

use std::time::Duration;

use orchestrator_protocol::{TaskId, TaskResult};

use crate::{Client, ClientError};

/// How long the first wait is at most: once the task is known to be there, a server that restarts is only a pause.
const FIRST: Duration = Duration::from_millis(250);

/// How long is waited before what was told already is told again: a server that is asked for it answers at once.
const AGAIN: Duration = Duration::from_secs(5);

/// A wait for a task's end, through restarts of the server, that hears of what keeps the task from ending.
#[derive(Debug, Clone)]
pub struct Waiting {
    client: Client,
    task: TaskId,
    known: bool,
    told: bool,
}

impl Waiting {
    pub(crate) fn new(client: Client, task: TaskId) -> Self {
        Self {
            client,
            task,
            known: false,
            told: false,
        }
    }

    /// The task once it has ended, or once it or one below it needs a person, or as it is when the wait (at most 300 s)
    /// ends: call until it is enough. The first call comes back soon in any case; who calls again while nobody has acted
    /// waits a few seconds at most and is told the same.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; only the first call gives up soon on a server that does not answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn next(&mut self, wait: Duration) -> Result<TaskResult, ClientError> {
        let mut wait = wait;
        if self.told {
            let task = self.client.result(self.task, wait.min(AGAIN)).await?;
            if task.state.is_terminal() {
                return Ok(task.into());
            }
            wait = Duration::ZERO;
        }
        if !self.known {
            wait = wait.min(FIRST);
        }
        let found = self.client.result_or_attention(self.task, wait).await?;
        if !self.known {
            self.known = true;
            self.client = self.client.enduring();
        }
        self.told = !found.attention.is_empty();
        Ok(found)
    }
}

//! Completing external tasks and checkpoints.

use orchestrator_protocol::{
    Decision, EventBody, EventType, ExternalResult, Task, TaskError, TaskId, TaskState, Timestamp,
};

use super::work::Work;
use crate::{
    domain::state::TaskEvent,
    store::{Committed, error::StoreError, row::Key, tx::Tx},
};

/// Completes an external task or a checkpoint.
///
/// # Errors
///
/// The outer error means that the storage failed, the inner one that the task cannot be completed like that.
pub async fn settle<T: Tx>(
    tx: &mut T,
    task: TaskId,
    result: ExternalResult,
    now: Timestamp,
) -> Result<Result<Committed<Task>, StoreError>, StoreError> {
    let mut work = Work::new(tx, now);
    work.load(&[task]).await?;
    let Some(row) = work.by_id(task) else {
        return Ok(Err(StoreError::TaskNotFound(task)));
    };
    let (key, state) = (row.key, row.state);
    if !row.is_external() || state != TaskState::Waiting {
        let wanted = if row.is_external() {
            "completed"
        } else {
            "completed from outside"
        };
        return Ok(Err(StoreError::StateConflict {
            task,
            state,
            wanted: wanted.to_owned(),
        }));
    }
    let decision = match (&result, row.spec.task_type.as_str()) {
        (ExternalResult::Output(output), "checkpoint") => match output.to::<Decision>() {
            Ok(decision) => Some(decision),
            Err(error) => {
                let message = format!("is not a decision: {error}");
                return Ok(Err(StoreError::invalid("output", message)));
            }
        },
        _ => None,
    };
    work.finish_external(key, result, decision)?;
    work.follow().await?;
    let task = work.row(key).to_task();
    Ok(Ok(work.finish_one(task).await?))
}

impl<T: Tx> Work<'_, T> {
    /// Ends an external task with its result.
    pub(super) fn finish_external(
        &mut self,
        key: Key,
        result: ExternalResult,
        decision: Option<Decision>,
    ) -> Result<(), StoreError> {
        if let Some(decision) = decision {
            let body = EventBody {
                decision: Some(decision),
                ..EventBody::default()
            };
            self.record(key, EventType::CheckpointDecided, body);
        }
        match result {
            ExternalResult::Output(output) => {
                self.change(key).output = Some(output);
                self.happen(key, TaskEvent::Succeeded, None)
            }
            ExternalResult::Error(error) => self.fail_now(key, error),
        }
    }

    /// Ends a task that nobody runs with an error.
    pub(super) fn fail_now(&mut self, key: Key, error: TaskError) -> Result<(), StoreError> {
        self.change(key).error = Some(error);
        self.happen(key, TaskEvent::Failed, None)
    }
}

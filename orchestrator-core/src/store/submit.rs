//! Submitting tasks.

use std::sync::Arc;

use orchestrator_protocol::{NewTask, Task, TaskId, Timestamp};

use super::row::TaskRow;

/// A batch of new tasks.
#[derive(Debug, Clone)]
pub struct Submit {
    /// The tasks, with the ids they shall have.
    pub tasks: Vec<Submission>,
    /// When.
    pub now: Timestamp,
}

/// One new task.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The id that it gets, unless its idempotency key is known.
    pub id: TaskId,
    /// What it is.
    pub task: Arc<NewTask>,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmittedTask {
    /// The task, new or first.
    pub row: Arc<TaskRow>,
    /// False when the idempotency key was known and `row` is the first task with it.
    pub created: bool,
}

impl SubmittedTask {
    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.row.id
    }

    /// The task as everyone sees it.
    pub fn task(&self) -> Task {
        self.row.to_task()
    }
}

//! What a trace tells of a task.

use orchestrator_protocol::{TaskId, TaskState, Timestamp};

/// A task, as far as its place in a trace depends on it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The task.
    pub id: TaskId,
    /// The topmost task of its tree.
    pub root: TaskId,
    /// Which agent runs it.
    pub task_type: String,
}

/// A task that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The task.
    pub subject: Subject,
    /// The task above it.
    pub parent: Option<TaskId>,
    /// How it ended.
    pub state: TaskState,
    /// How often it was started.
    pub attempt: u32,
    /// When it was submitted.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// The id of the trace of a tree.
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "for traces that are sent"))]
pub(crate) fn trace_of(root: TaskId) -> u128 {
    root.as_uuid().as_u128()
}

/// The id of the span of a task: the random half of its id, which is never zero.
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "for traces that are sent"))]
pub(crate) fn span_of(task: TaskId) -> u64 {
    task.as_uuid().as_u128() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_can_be_read_off_a_task() {
        let id: TaskId = "0190c9a2-1111-7000-8000-00000000beef".parse().expect("an id");
        assert_eq!(format!("{:032x}", trace_of(id)), "0190c9a211117000800000000000beef");
        assert_eq!(format!("{:016x}", span_of(id)), "800000000000beef");
    }
}

//! Tasks that are granted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{History, LeaseId, NewTask, Settled, TaskId, forgiving};

/// Tasks that are granted together, the most urgent first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leases {
    /// The tasks.
    pub tasks: Vec<Lease>,
}

/// A task with the lease that lets one session work on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// The task.
    pub task_id: TaskId,
    /// The lease that every report carries.
    pub lease: LeaseId,
    /// The topmost task of its tree.
    pub root_id: TaskId,
    /// How often it was started, this time included. Going on after a wait does not count.
    pub attempt: u32,
    /// Whether it goes on after a wait.
    #[serde(default, skip_serializing_if = "is_false")]
    pub resumed: bool,
    /// The lease under which it was suspended, if it goes on after a wait: tells a worker whether what it kept in
    /// memory is the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<LeaseId>,
    /// Whether it has finished steps or children.
    #[serde(default, skip_serializing_if = "is_false")]
    pub has_history: bool,
    /// What was submitted, its input included.
    #[serde(deserialize_with = "forgiving::shared")]
    pub task: Arc<NewTask>,
    /// What it has finished, where the worker asked for it and there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// What its dependencies gave, where the worker asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Settled>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

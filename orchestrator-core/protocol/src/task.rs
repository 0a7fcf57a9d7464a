//! A task as everyone sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Budget, CheckpointFrequency, Join, Json, OnDependencyFailure, Privacy, RetryPolicy, SideEffects, TaskError, TaskId,
    TaskState, Timestamp, Usage, WorkerId,
};

/// A task with all that is known of it: what was submitted, where it is, what it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Which agent runs it.
    pub task_type: String,
    /// For people; Markdown.
    pub description: String,
    /// What the agent gets.
    pub input: Json,
    /// The queue that it waits in.
    pub queue: String,
    /// Labels that a worker must offer.
    pub requires: Vec<String>,
    /// Labels that a worker should offer.
    pub prefers: Vec<String>,
    /// Tasks that must settle first.
    pub depends_on: Vec<TaskId>,
    /// How many of them.
    pub join: Join,
    /// What a failed dependency does.
    pub on_dependency_failure: OnDependencyFailure,
    /// The task that this one is a part of.
    pub parent_id: Option<TaskId>,
    /// The topmost task of its tree; its own id when it has no parent.
    pub root_id: TaskId,
    /// Its name within its parent.
    pub step: Option<String>,
    /// 1 (first) to 10 (last).
    pub priority: u8,
    /// Start no earlier.
    pub run_at: Option<Timestamp>,
    /// Fail it if it has not been started by then.
    pub deadline: Option<Timestamp>,
    /// The longest that one attempt may run, in seconds.
    pub timeout_s: Option<f64>,
    /// The longest that one attempt may be silent, in seconds.
    pub silence_timeout_s: Option<f64>,
    /// Attempts and backoff.
    pub retry: RetryPolicy,
    /// Whether it may run again after its worker was lost.
    pub side_effects: SideEffects,
    /// The key that makes its submission repeatable.
    pub idempotency_key: Option<String>,
    /// Concurrency and rate keys that it counts against.
    pub limits: Vec<String>,
    /// What the whole tree may spend.
    pub budget: Option<Budget>,
    /// Who may see it.
    pub privacy: Privacy,
    /// How often agents should ask people.
    pub checkpoint_frequency: CheckpointFrequency,
    /// Free keys and values.
    pub labels: BTreeMap<String, String>,
    /// Where it is in its life.
    pub state: TaskState,
    /// How often it was started.
    pub attempt: u32,
    /// The worker that runs it, or ran it last.
    pub worker_id: Option<WorkerId>,
    /// From 0 to 1, as its agent said.
    pub progress: Option<f64>,
    /// What it gave, once it has succeeded.
    pub output: Option<Json>,
    /// Why it failed, last.
    pub error: Option<TaskError>,
    /// What it has spent itself.
    pub usage: Usage,
    /// What it and everything below it have spent.
    pub tree_usage: Usage,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it became terminal.
    pub finished_at: Option<Timestamp>,
}

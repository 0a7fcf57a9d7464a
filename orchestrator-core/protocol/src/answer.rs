//! Answers that are more than one task, and requests that are less.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Json, Seq, Task, TaskError, TaskId, TaskState, Timestamp, Usage};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page starts; none on the last one.
    pub next_cursor: Option<String>,
}

/// A line that a task wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogLine {
    /// Its place in the history.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// `stdout`, `stderr` or `log`.
    pub stream: String,
    /// The line, without its end.
    pub text: String,
}

/// A task and all below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tree {
    /// The tasks, parents before their children.
    pub tasks: Vec<Task>,
    /// From a dependency to what depends on it.
    pub edges: Vec<Edge>,
}

/// `from` must settle before `to` starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Edge {
    /// The dependency.
    pub from: TaskId,
    /// What depends on it.
    pub to: TaskId,
}

/// Why a task is where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Why {
    /// Its state.
    pub state: TaskState,
    /// The reasons, the most telling first.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reason {
    /// A stable name: `dependency`, `no_worker`, `limit`, `paused`, `budget`, `not_yet`, `backoff`, …
    pub code: String,
    /// One line for people.
    pub message: String,
    /// Tasks that the reason names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskId>,
}

impl Reason {
    /// A reason that names no tasks.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            tasks: Vec::new(),
        }
    }
}

/// How a person decides at a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Go on.
    Accept,
    /// Go on after these corrections.
    Correct,
    /// Stop here.
    Reject,
}

/// A person's decision, as it is stored and as the waiting agent gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Decision {
    /// Accept, correct or reject.
    pub decision: Verdict,
    /// What to change, or why.
    #[serde(default)]
    pub feedback: String,
}

/// The request that completes a checkpoint.
pub type DecisionRequest = Decision;

/// The request that completes an external task: one of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ExternalResult {
    /// It succeeded.
    Output(Json),
    /// It failed.
    Error(TaskError),
}

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checkpoint {
    /// The checkpoint, itself a task.
    pub task: Task,
    /// What is asked.
    pub question: String,
    /// The work under review.
    pub content: Json,
}

/// Counts for a dashboard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stats {
    /// Tasks in each state.
    pub by_state: BTreeMap<TaskState, u64>,
    /// Age in seconds of the oldest ready task.
    pub oldest_ready_s: Option<f64>,
    /// What all tasks have spent.
    pub usage: Usage,
}

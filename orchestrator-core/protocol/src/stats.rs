//! Counts for a dashboard.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{TaskState, Timestamp, Usage, Usd};

/// Counts for a dashboard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stats {
    /// Tasks in each state.
    pub by_state: BTreeMap<TaskState, u64>,
    /// How long, in seconds, the one has waited that waits longest of the ready tasks that are next in line. Null: none is
    /// ready.
    pub oldest_ready_s: Option<f64>,
    /// What all tasks have spent.
    pub usage: Usage,
    /// What is ready, by type of task; the type whose line has waited longest comes first.
    #[serde(default)]
    pub queues: Vec<QueueStats>,
    /// How much gets done.
    #[serde(default)]
    pub throughput: Throughput,
}

/// The ready tasks of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QueueStats {
    /// The type.
    pub task_type: String,
    /// How many are ready. A line is counted to its 10,000th task and no further.
    pub ready: u64,
    /// How long, in seconds, the task that is next in line has waited.
    pub oldest_s: f64,
}

/// How much gets done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Throughput {
    /// Tasks submitted each second, over the last one to two minutes.
    pub submitted_per_s: f64,
    /// Tasks ended each second, however they ended, over the last one to two minutes.
    pub finished_per_s: f64,
    /// The last hour minute by minute, the oldest first. Minutes in which nothing happened are left out.
    pub minutes: Vec<Minute>,
}

/// What happened in a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Minute {
    /// When it began.
    pub at: Timestamp,
    /// Tasks submitted, by clients and by agents.
    pub submitted: u64,
    /// Tasks that succeeded.
    pub succeeded: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Tokens that tasks spent, in and out.
    pub tokens: u64,
    /// What that cost.
    pub cost_usd: Usd,
}

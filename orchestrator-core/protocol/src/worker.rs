//! Workers and limits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, WorkerId};

/// Whether a worker takes tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// It does.
    Online,
    /// It finishes what it has and takes no more.
    Draining,
    /// It was not heard of within its session's time.
    Offline,
}

/// A worker as everyone sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Worker {
    /// Its id.
    pub id: WorkerId,
    /// Its name, for people.
    pub name: String,
    /// Whether it takes tasks.
    pub state: WorkerState,
    /// What it offers.
    pub labels: BTreeSet<String>,
    /// The agents that it has.
    pub task_types: BTreeSet<String>,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// How many it runs now.
    pub running: u32,
    /// Load of its processors, 0 to 100.
    pub cpu_percent: Option<f64>,
    /// Memory in use, 0 to 100.
    pub memory_percent: Option<f64>,
    /// Disk in use, 0 to 100.
    pub disk_percent: Option<f64>,
    /// When it was last heard of.
    pub last_seen_at: Timestamp,
}

/// How busy a worker's machine is. What is not known is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Load {
    /// Load of its processors, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// Memory in use, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_percent: Option<f64>,
    /// Disk in use, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_percent: Option<f64>,
}

/// How much of something may happen at once or in a minute. A missing number is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LimitRule {
    /// Tasks that may run at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
    /// Tasks that may start in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_per_minute: Option<u32>,
    /// Tokens that may be spent in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
}

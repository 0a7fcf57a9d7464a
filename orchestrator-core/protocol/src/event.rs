//! What happened, in order.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Decision, Placement, Seq, TaskError, TaskId, TaskState, Timestamp, Usage, WorkerId};

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A task was submitted. Durable.
    TaskCreated,
    /// A task changed its state. Durable.
    TaskState,
    /// A step's result was recorded. Durable.
    TaskStep,
    /// A task said how far it is. Live only.
    TaskProgress,
    /// A task wrote a line. Live; the line itself is kept with the task's log.
    TaskLog,
    /// A task spent something. Durable.
    TaskUsage,
    /// A checkpoint asks a person. Durable.
    CheckpointOpened,
    /// A person answered. Durable.
    CheckpointDecided,
    /// A score was given. Durable.
    Evaluation,
    /// A worker came, went or drains. Live only.
    WorkerState,
    /// A worker's load. Live only.
    WorkerStats,
    /// The reader was too slow and lost live-only frames; `after` catches up.
    Lagged,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 12] = [
        Self::TaskCreated,
        Self::TaskState,
        Self::TaskStep,
        Self::TaskProgress,
        Self::TaskLog,
        Self::TaskUsage,
        Self::CheckpointOpened,
        Self::CheckpointDecided,
        Self::Evaluation,
        Self::WorkerState,
        Self::WorkerStats,
        Self::Lagged,
    ];

    /// Whether the store keeps events of this type.
    pub const fn is_durable(self) -> bool {
        matches!(
            self,
            Self::TaskCreated
                | Self::TaskState
                | Self::TaskStep
                | Self::TaskUsage
                | Self::CheckpointOpened
                | Self::CheckpointDecided
                | Self::Evaluation
        )
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TaskCreated => "task_created",
            Self::TaskState => "task_state",
            Self::TaskStep => "task_step",
            Self::TaskProgress => "task_progress",
            Self::TaskLog => "task_log",
            Self::TaskUsage => "task_usage",
            Self::CheckpointOpened => "checkpoint_opened",
            Self::CheckpointDecided => "checkpoint_decided",
            Self::Evaluation => "evaluation",
            Self::WorkerState => "worker_state",
            Self::WorkerStats => "worker_stats",
            Self::Lagged => "lagged",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|t| t.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not an event type"))
    }
}

/// One thing that happened. Which of the optional fields are there depends on the type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// Its place in the history. Live-only events carry the place of the last durable one before them.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// The task it is about; for workers' events there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The root of that task's tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_id: Option<TaskId>,
    /// The rest.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What an event says beyond what, when and which task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct EventBody {
    /// The state that the task is in now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<TaskState>,
    /// Which attempt it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The agent of a created task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    /// The parent of a created task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<TaskId>,
    /// The step that was recorded, or the created task's name in its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The worker concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// From 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// `stdout`, `stderr` or `log`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// A line of output, or why a state changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What was spent since the last report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// How a person decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Why the worker that starts it was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Box<Placement>>,
    /// How many live frames were lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// Whatever else: a checkpoint's question, scores, statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

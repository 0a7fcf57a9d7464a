//! What a worker says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{FrameError, Head, PROTOCOL_VERSION, body, written};
use crate::{
    DEEPEST, Json, Load, MAX_SCHEMAS_BYTES, ReportItem, SessionId, TaskId, WorkerId, is_too_deep, schema_problem,
};

/// A frame from a worker to a server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum WorkerFrame {
    /// The first frame: who it is. Answered by `welcome`.
    Hello(Hello),
    /// It has room for more tasks.
    Credit(Credit),
    /// What happened to its tasks. Answered by `ack`.
    Report(Report),
    /// Its heartbeat, with how busy its machine is. Answered by `renewed`.
    Stats(Stats),
    /// It takes no more tasks on this connection; what it has it finishes.
    Drain,
    /// What has a task finished? Answered by `history`.
    History(AskHistory),
    /// Where are tasks and what did they give? Answered by `settled`.
    Results(AskResults),
    /// End tasks and everything below them. Answered by `done`.
    Cancel(CancelTasks),
    /// End the session and give its tasks back. Answered by `done`.
    Goodbye(Goodbye),
    /// A frame of a newer worker, to be passed over.
    #[serde(skip)]
    Unknown,
}

/// Who a worker is and what it offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the protocol: [`PROTOCOL_VERSION`].
    pub protocol: u32,
    /// The worker's id, kept over reconnects and restarts. A UUID of its own choice.
    pub worker_id: WorkerId,
    /// Its name, for people.
    pub name: String,
    /// What it offers: `tool:git`, `os:linux`, `memory_gb=16`, `local`.
    #[serde(default)]
    pub labels: BTreeSet<String>,
    /// The agents that it has.
    pub task_types: BTreeSet<String>,
    /// JSON schemas of the agents' inputs, by task type, for forms. A type that is left out has none; without the field
    /// nothing is said of any, and what was announced before stays. Each at most [`crate::MAX_SCHEMA_BYTES`] long, all
    /// together [`MAX_SCHEMAS_BYTES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_schemas: Option<BTreeMap<String, Json>>,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// The session that it had when its connection broke, to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<SessionId>,
    /// Whether leases come with what the task has finished and what its dependencies gave. Defaults to true; a worker
    /// that keeps suspended tasks in memory asks for it only where it needs it.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub inline_history: bool,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

impl Hello {
    /// Everything that a server refuses about it; nothing when it is empty.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.protocol != PROTOCOL_VERSION {
            problems.push(format!(
                "protocol: this server speaks version {PROTOCOL_VERSION}, not {}",
                self.protocol
            ));
        }
        if self.name.trim().is_empty() || self.name.len() > 200 {
            problems.push("name: must have 1 to 200 bytes".to_owned());
        }
        if !(1..=65_536).contains(&self.slots) {
            problems.push(format!("slots: {} is not within 1 and 65536", self.slots));
        }
        if self.task_types.is_empty() {
            problems.push("task_types: a worker without agents has nothing to do".to_owned());
        }
        for (field, values) in [("labels", &self.labels), ("task_types", &self.task_types)] {
            if values.len() > 1_000 || values.iter().any(|value| value.is_empty() || value.len() > 500) {
                problems.push(format!("{field}: at most 1,000, each of 1 to 500 bytes"));
            }
        }
        problems.extend(self.schema_problems());
        problems
    }

    fn schema_problems(&self) -> Vec<String> {
        let Some(schemas) = &self.input_schemas else {
            return Vec::new();
        };
        let mut problems = Vec::new();
        for (name, schema) in schemas {
            if !self.task_types.contains(name) {
                problems.push(format!("input_schemas: `{name}` is not one of the task_types"));
            } else if let Some(problem) = schema_problem(schema) {
                problems.push(format!("input_schemas: the schema of `{name}` {problem}"));
            }
        }
        let bytes: usize = schemas.values().map(|schema| schema.get().len()).sum();
        if bytes > MAX_SCHEMAS_BYTES {
            problems.push(format!(
                "input_schemas: all together have {bytes} bytes, and {MAX_SCHEMAS_BYTES} are the most"
            ));
        }
        problems
    }
}

/// Room for more tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// How many more than it was promised room for before. Each task that is granted uses one up; a new connection
    /// begins with none.
    pub add: u32,
}

/// What happened to tasks, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The request's number, which its answer carries.
    #[serde(default)]
    pub id: u64,
    /// What happened, each under its lease.
    pub items: Vec<ReportItem>,
}

/// A heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// The request's number, which its answer carries.
    #[serde(default)]
    pub id: u64,
    /// How busy the machine is.
    #[serde(flatten)]
    pub load: Load,
}

/// A question about what a task has finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskHistory {
    /// The request's number, which its answer carries.
    #[serde(default)]
    pub id: u64,
    /// The task.
    pub task_id: TaskId,
}

/// A question about what tasks gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskResults {
    /// The request's number, which its answer carries.
    #[serde(default)]
    pub id: u64,
    /// The tasks.
    pub task_ids: Vec<TaskId>,
}

/// Tasks that are not needed any more: the losers of a race.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelTasks {
    /// The request's number, which its answer carries.
    #[serde(default)]
    pub id: u64,
    /// The tasks.
    pub task_ids: Vec<TaskId>,
    /// Why, for the history.
    #[serde(default)]
    pub reason: String,
}

/// The end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// The request's number, which its answer carries.
    #[serde(default)]
    pub id: u64,
}

impl WorkerFrame {
    /// Reads a frame. A type that is not known is [`WorkerFrame::Unknown`].
    ///
    /// # Errors
    ///
    /// The text is not JSON, not what its type says, or nested deeper than [`DEEPEST`].
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let (kind, id) = Head::of(text)?;
        // What is carried would be kept, and then read by nobody. A server's frames may be a little deeper: what they
        // carry was taken in by itself.
        if is_too_deep(text.as_bytes()) {
            let message = format!("`{kind}`: it is nested deeper than {DEEPEST} levels");
            return Err(FrameError { id, message });
        }
        Ok(match &*kind {
            "hello" => Self::Hello(body(&kind, id, text)?),
            "credit" => Self::Credit(body(&kind, id, text)?),
            "report" => Self::Report(body(&kind, id, text)?),
            "stats" => Self::Stats(body(&kind, id, text)?),
            "drain" => Self::Drain,
            "history" => Self::History(body(&kind, id, text)?),
            "results" => Self::Results(body(&kind, id, text)?),
            "cancel" => Self::Cancel(body(&kind, id, text)?),
            "goodbye" => Self::Goodbye(body(&kind, id, text)?),
            _ => Self::Unknown,
        })
    }

    /// Writes a frame.
    ///
    /// # Errors
    ///
    /// [`WorkerFrame::Unknown`] has no form.
    pub fn to_json(&self) -> Result<String, FrameError> {
        written(serde_json::to_string(self))
    }
}

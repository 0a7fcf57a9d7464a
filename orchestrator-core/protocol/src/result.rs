//! What came of a task, for whoever waited for it.

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::value::RawValue;

use crate::{Task, TaskId, TaskState};

/// A task, and what keeps it from ending without a person. On the wire the task, with one more field where there is
/// something to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskResult {
    /// The task.
    #[serde(flatten)]
    pub task: Task,
    /// Tasks that need a person's attention: this one, the one above it whose spent budget keeps it, or those below it
    /// while it waits for them, 50 at most. Only where it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attention: Vec<Attention>,
}

impl From<Task> for TaskResult {
    fn from(task: Task) -> Self {
        Self {
            task,
            attention: Vec::new(),
        }
    }
}

impl TaskResult {
    /// Whether nothing more happens to the task itself until a person acts, if anything does at all.
    pub fn has_stopped(&self) -> bool {
        match self.task.state {
            TaskState::Paused => !self.attention.is_empty(),
            state => state.is_terminal() || state == TaskState::NeedsAttention,
        }
    }
}

/// What a person is needed for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// To retry the task, or to cancel it.
    #[default]
    NeedsAttention,
    /// To resume the task although its budget is spent, or to cancel it.
    BudgetExhausted,
}

/// A task that needs a person's attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attention {
    /// What for.
    #[serde(default)]
    pub need: Need,
    /// The task.
    pub task_id: TaskId,
    /// Its type.
    pub task_type: String,
    /// What happened and what to do, in one line for people.
    pub message: String,
}

impl Attention {
    /// What a task is to be looked at for; none where it needs nobody.
    pub fn of(task: &Task) -> Option<Self> {
        (task.state == TaskState::NeedsAttention).then(|| Self {
            need: Need::NeedsAttention,
            task_id: task.id,
            task_type: task.task_type.clone(),
            message: match &task.error {
                Some(error) => error.message.clone(),
                None => "it needs a person: retry or cancel it".to_owned(),
            },
        })
    }
}

// By hand, as serde cannot carry texts of JSON through what is flattened.
impl<'de> Deserialize<'de> for TaskResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Rest {
            #[serde(default)]
            attention: Vec<Attention>,
        }
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let rest: Rest = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        Ok(Self {
            task: serde_json::from_str(text.get()).map_err(D::Error::custom)?,
            attention: rest.attention,
        })
    }
}

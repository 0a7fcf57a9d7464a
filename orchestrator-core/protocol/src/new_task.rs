//! What a submitter says of a task.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Json, RetryPolicy, TaskId, Timestamp, object};

/// A task to be submitted. Only `task_type` is required.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// Which agent runs it.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 512)))]
    pub task_type: String,
    /// For people; Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What the agent gets.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub input: Json,
    /// The queue that it waits in; queues can be paused. Defaults to `default`.
    #[serde(default = "default_queue", skip_serializing_if = "is_default_queue")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 512)))]
    pub queue: String,
    /// Labels that a worker must offer: `tool:ruff`, `gpu`, `os:linux`, `memory_gb>=16`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Labels that a worker should offer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefers: Vec<String>,
    /// Tasks that must settle first, by id, or by `ref` within a batch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<TaskRef>,
    /// How many of them. Defaults to all.
    #[serde(default, skip_serializing_if = "Join::is_default")]
    pub join: Join,
    /// What a failed or cancelled dependency does. Defaults to cancelling this task.
    #[serde(default, skip_serializing_if = "OnDependencyFailure::is_default")]
    pub on_dependency_failure: OnDependencyFailure,
    /// The task that this one is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<TaskId>,
    /// A name for `depends_on` within the same batch; not stored.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub local_ref: Option<String>,
    /// 1 (first) to 10 (last). Defaults to 5. Waiting raises it, so nothing starves.
    #[serde(default = "default_priority", skip_serializing_if = "is_default_priority")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 10)))]
    pub priority: u8,
    /// Start no earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<Timestamp>,
    /// Fail it if it has not been started by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// The longest that one attempt may run, in seconds. No limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
    /// The longest that one attempt may run without a log line, progress or usage, in seconds. No limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_timeout_s: Option<f64>,
    /// Attempts and backoff.
    #[serde(default, deserialize_with = "object::one", skip_serializing_if = "is_default")]
    pub retry: RetryPolicy,
    /// Whether it may run again after its worker was lost. Defaults to `idempotent`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub side_effects: SideEffects,
    /// A second submission with the same key returns the first task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Concurrency and rate keys that it counts against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// What the whole tree may spend.
    #[serde(
        default,
        deserialize_with = "object::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub budget: Option<Budget>,
    /// Whether only local workers and tools may see it. Defaults to `normal`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub privacy: Privacy,
    /// How often agents should ask people. Defaults to `medium`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub checkpoint_frequency: CheckpointFrequency,
    /// Free keys and values to search by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl NewTask {
    /// A task of a type with an input and every default.
    pub fn new(task_type: impl Into<String>, input: Json) -> Self {
        Self {
            task_type: task_type.into(),
            description: String::new(),
            input,
            queue: default_queue(),
            requires: Vec::new(),
            prefers: Vec::new(),
            depends_on: Vec::new(),
            join: Join::All,
            on_dependency_failure: OnDependencyFailure::Cancel,
            parent_id: None,
            local_ref: None,
            priority: default_priority(),
            run_at: None,
            deadline: None,
            timeout_s: None,
            silence_timeout_s: None,
            retry: RetryPolicy::default(),
            side_effects: SideEffects::default(),
            idempotency_key: None,
            limits: Vec::new(),
            budget: None,
            privacy: Privacy::default(),
            checkpoint_frequency: CheckpointFrequency::default(),
            labels: BTreeMap::new(),
        }
    }
}

fn default_queue() -> String {
    "default".to_owned()
}

fn is_default_queue(queue: &str) -> bool {
    queue == "default"
}

const fn default_priority() -> u8 {
    5
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_default_priority(priority: &u8) -> bool {
    *priority == default_priority()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A task named by its id, or by the `ref` of a task in the same batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TaskRef {
    /// A stored task.
    Id(TaskId),
    /// A task of the same batch.
    Local(String),
}

impl fmt::Display for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Local(name) => f.write_str(name),
        }
    }
}

impl From<TaskId> for TaskRef {
    fn from(id: TaskId) -> Self {
        Self::Id(id)
    }
}

impl Serialize for TaskRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TaskRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(text.parse().map_or(Self::Local(text), Self::Id))
    }
}

/// How many of the tasks that it waits for must have succeeded before a task goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// All of them.
    #[default]
    All,
    /// One of them.
    Any,
    /// So many of them.
    Quorum(u32),
}

impl Join {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_default(&self) -> bool {
        *self == Self::All
    }
}

/// What a dependency that did not succeed does to the task that waits for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnDependencyFailure {
    /// Once the join can no longer be met, the task is cancelled.
    #[default]
    Cancel,
    /// The dependency counts as settled, and the task runs.
    Continue,
}

impl OnDependencyFailure {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_default(&self) -> bool {
        *self == Self::Cancel
    }
}

/// What running a task twice would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SideEffects {
    /// It changes nothing.
    None,
    /// The same as running it once.
    #[default]
    Idempotent,
    /// Harm: after a lost lease a person decides.
    Once,
}

/// Who may see a task's input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// Every worker.
    #[default]
    Normal,
    /// Only workers that are marked `local`.
    Sensitive,
}

/// How often agents should stop and ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckpointFrequency {
    /// Never.
    None,
    /// At the end.
    Low,
    /// At every decision that is costly to undo.
    #[default]
    Medium,
    /// After every step.
    High,
}

/// What a task and everything below it may spend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Tokens, input and output together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<crate::Usd>,
}

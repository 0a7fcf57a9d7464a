//! Why a task went to the worker that runs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::WorkerId;

/// Why a task went to the worker that runs it, as its start records. All scores are of 100.
///
/// A start records none where there was nothing to choose: only one worker that may run the task was connected, or the
/// task had waited for longer than any worker has a head start, so that the first with room took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Placement {
    /// How well the worker suited the task: its parts, weighed.
    pub score: u8,
    /// What the score is made of.
    pub parts: PlacementParts,
    /// How many workers with room were compared, this one included.
    pub compared: u32,
    /// The best of the others with room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<RunnerUp>,
    /// How many of the workers that may run it were passed over, by why: `full`, `draining`, `silent`, `exhausted`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub passed_over: BTreeMap<PassedOver, u32>,
}

/// How well a worker suits a task, part by part, each of 100.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlacementParts {
    /// How much of what the task prefers it offers; 50 when the task prefers nothing.
    pub tools: u8,
    /// How free its machine is; 50 when that is not known.
    pub resources: u8,
    /// How many of its slots are free.
    pub balance: u8,
    /// Whether it has the task's workspace or keeps what the task goes on with.
    pub affinity: u8,
    /// How often tasks of this type have succeeded on it.
    pub success: u8,
    /// How cheaply tasks of this type run on it, beside the cheapest that was compared.
    pub cost: u8,
}

/// The worker that came second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunnerUp {
    /// Which.
    pub worker_id: WorkerId,
    /// How well it suited the task.
    pub score: u8,
}

/// Why a worker that may run a task was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PassedOver {
    /// It finishes what it has.
    Draining,
    /// It was not heard of for half of its session's time.
    Silent,
    /// All its slots are taken.
    Full,
    /// Its machine has next to no memory, disk or processor left.
    Exhausted,
}

impl PassedOver {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Silent => "silent",
            Self::Full => "full",
            Self::Exhausted => "exhausted",
        }
    }
}

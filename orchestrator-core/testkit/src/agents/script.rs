//! What a scripted agent does, as data.

use orchestrator_protocol::{ErrorClass, Json, NewTask, RetryPolicy, SideEffects};
use serde::{Deserialize, Serialize};

/// What a scripted agent does: the input of its task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// One after the other.
    pub acts: Vec<Act>,
}

/// One thing that an agent does. Names are unique within a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Does a step that takes a while and gives a value.
    Step {
        /// Its name.
        name: String,
        /// How long it takes.
        ms: u64,
        /// What it gives.
        value: u64,
    },
    /// Does something that is not remembered.
    Work {
        /// How long it takes.
        ms: u64,
    },
    /// Has a child do something.
    Call {
        /// The child's name.
        name: String,
        /// The child.
        part: Part,
    },
    /// Does several things at once.
    Both(Vec<Vec<Act>>),
    /// Has many children do something.
    Map {
        /// Their name.
        name: String,
        /// The children.
        parts: Vec<Part>,
        /// How many of them at a time; 0: all.
        at_once: u32,
    },
    /// Has children race. They all give the same.
    Race {
        /// Their name.
        name: String,
        /// The children.
        parts: Vec<Part>,
    },
    /// Sleeps.
    Sleep {
        /// The timer's name.
        name: String,
        /// How long.
        ms: u64,
    },
    /// Asks a person, whose answer does not matter.
    Ask {
        /// The checkpoint's name.
        name: String,
        /// After which time nobody needs to answer.
        default_after_ms: Option<u64>,
    },
    /// Waits for an outside system.
    Outside {
        /// The child's name.
        name: String,
        /// What the outside system should give.
        value: u64,
    },
    /// Writes lines.
    Say {
        /// How many.
        lines: u32,
    },
    /// Spends tokens.
    Spend {
        /// How many.
        tokens: u64,
    },
    /// Fails in the attempts before this one; the class `cancelled` stands for a panic.
    Flake {
        /// The first attempt that does not fail.
        until: u32,
        /// How it fails.
        class: ErrorClass,
    },
    /// Fails for good.
    Fail,
}

/// A task with a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which agent plays it.
    pub task_type: String,
    /// What it does.
    pub script: Script,
    /// Limit keys.
    pub limits: Vec<String>,
    /// 1 to 10.
    pub priority: u8,
    /// Whether it may run only once.
    pub once: bool,
}

impl Part {
    /// The task to be submitted. It has enough attempts for every flake.
    pub fn task(&self) -> NewTask {
        let mut task = NewTask::new(&self.task_type, Json::of(&self.script).unwrap_or_default());
        task.limits.clone_from(&self.limits);
        task.priority = self.priority;
        task.retry = RetryPolicy {
            max_attempts: 4,
            initial_backoff_s: 0.4,
            multiplier: 2.0,
            max_backoff_s: 3.0,
        };
        if self.once {
            task.side_effects = SideEffects::Once;
        }
        task
    }
}

impl Script {
    /// What it gives when nobody interferes, whatever crashes; none when it fails.
    pub fn gives(&self) -> Option<u64> {
        sequence(&self.acts)
    }
}

fn sequence(acts: &[Act]) -> Option<u64> {
    acts.iter()
        .try_fold(0_u64, |sum, act| Some(sum.wrapping_add(act.gives()?)))
}

impl Act {
    fn gives(&self) -> Option<u64> {
        let all = |parts: &[Part]| {
            parts
                .iter()
                .try_fold(0_u64, |sum, part| Some(sum.wrapping_add(part.script.gives()?)))
        };
        match self {
            Self::Step { value, .. } | Self::Outside { value, .. } => Some(*value),
            Self::Call { part, .. } => part.script.gives(),
            Self::Both(branches) => branches
                .iter()
                .try_fold(0_u64, |sum, acts| Some(sum.wrapping_add(sequence(acts)?))),
            Self::Map { parts, .. } => all(parts),
            Self::Race { parts, .. } => parts.iter().find_map(|part| part.script.gives()),
            Self::Fail => None,
            Self::Work { .. }
            | Self::Sleep { .. }
            | Self::Ask { .. }
            | Self::Say { .. }
            | Self::Spend { .. }
            | Self::Flake { .. } => Some(0),
        }
    }
}

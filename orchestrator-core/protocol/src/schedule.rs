//! Tasks that are submitted again and again.

use serde::{Deserialize, Serialize};

use crate::{NewTask, ScheduleId, TaskId, Timestamp, object};

/// When a schedule fires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Timing {
    /// A cron expression (five fields, or six with seconds) and an IANA time zone.
    Cron {
        /// For example `0 9 * * MON-FRI`.
        expression: String,
        /// For example `Europe/Paris`. Defaults to UTC.
        #[serde(default = "utc")]
        time_zone: String,
    },
    /// Every so many seconds from its creation.
    EveryS(f64),
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What happens when a schedule fires while its previous task has not settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OverlapPolicy {
    /// This firing is left out.
    #[default]
    Skip,
    /// The new task waits behind the old one.
    Queue,
    /// The old one is cancelled.
    CancelPrevious,
}

/// A schedule to be created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// A name for people; unique.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 512)))]
    pub name: String,
    /// When it fires.
    pub timing: Timing,
    /// What it submits.
    #[serde(deserialize_with = "object::one")]
    pub task: NewTask,
    /// What to do when the last one still runs.
    #[serde(default)]
    pub overlap: OverlapPolicy,
    /// Whether it rests.
    #[serde(default)]
    pub paused: bool,
}

/// A schedule as everyone sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Its name.
    pub name: String,
    /// When it fires.
    pub timing: Timing,
    /// What it submits.
    pub task: NewTask,
    /// What it does when the last one still runs.
    pub overlap: OverlapPolicy,
    /// Whether it rests.
    pub paused: bool,
    /// When it fires next; none when it never will.
    pub next_at: Option<Timestamp>,
    /// The task that it submitted last.
    pub last_task_id: Option<TaskId>,
}

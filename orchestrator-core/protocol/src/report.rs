//! What workers say of the tasks they hold, and what they are told.

mod wire;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Join, Json, LeaseId, NewTask, TaskError, TaskId, TaskState, Timestamp, Usage, forgiving};

/// One thing said of one task, under its lease. On the wire one flat object, `type` naming what is said.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportItem {
    /// The task.
    pub task: TaskId,
    /// The lease that the worker holds.
    pub lease: LeaseId,
    /// The item's number, from 1, growing under one lease. An item that arrives twice takes effect once.
    pub number: u64,
    /// What is said.
    pub body: ReportBody,
}

/// What can be said of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum ReportBody {
    /// It wrote a line.
    Log {
        /// `stdout`, `stderr` or `log`.
        stream: String,
        /// The line, without its end.
        text: String,
        /// When it was written.
        at: Timestamp,
    },
    /// How far it is, from 0 to 1.
    Progress(f64),
    /// What it spent since it last said.
    Usage(Usage),
    /// A step finished with this result. A name that has a result already keeps the first one.
    Step {
        /// Unique within the task, among steps and children.
        name: String,
        /// The result.
        output: Json,
    },
    /// It wants these children; those that exist already stay as they are.
    Spawn(Vec<ChildSpec>),
    /// It goes on when these tasks have settled, or at a time, whichever is first, and gives its lease back until then.
    Wait {
        /// The children it waits for; none for a plain timer.
        tasks: Vec<TaskId>,
        /// Whether for all or for one; a settled task counts whatever came of it.
        join: Join,
        /// When it goes on in any case.
        until: Option<Timestamp>,
    },
    /// It is done.
    Complete {
        /// What it gives.
        output: Json,
        /// Seconds that this lease lasted.
        wall_s: f64,
    },
    /// It failed.
    Fail {
        /// Why.
        error: TaskError,
        /// Seconds that this lease lasted.
        wall_s: f64,
    },
    /// The worker gives it back untouched, to be run by another; not an attempt.
    Release {
        /// Why, for the history.
        reason: String,
    },
    /// The worker has stopped it because it was cancelled.
    Stopped {
        /// Seconds that this lease lasted.
        wall_s: f64,
    },
}

/// A child that a task wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildSpec {
    /// The id that it gets, unless it exists.
    pub id: TaskId,
    /// Its name within the parent, unique among steps and children.
    pub step: String,
    /// What it is.
    pub task: Arc<NewTask>,
    /// The siblings with which it shares places, if it is one of a bounded fan-out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// Siblings of which only so many go at the same time; the others are blocked until a place is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The group's name within the parent.
    pub name: String,
    /// How many of its tasks may be unsettled and unblocked at once.
    pub size: u32,
}

/// What became of a report item. On the wire an object whose `result` names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "wire::Ack", from = "wire::Ack")]
pub enum ReportAck {
    /// It took effect, now or when it first arrived.
    Accepted,
    /// The children, in the order asked for.
    Spawned(Vec<ChildRef>),
    /// The task waits; the lease is given back.
    Parked,
    /// What it wanted to wait for has come already: it goes on under its lease.
    Open,
    /// The lease is not the task's current one. Nothing changed; stop working on it.
    LeaseLost,
    /// The request breaks a rule; the lease is still good.
    Refused {
        /// What is wrong and what to do.
        message: String,
    },
}

/// A child as its parent knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildRef {
    /// Its id.
    pub id: TaskId,
    /// Where it is.
    pub state: TaskState,
}

/// Where a task is and what it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// The task.
    pub id: TaskId,
    /// Its name within its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Where it is; results are asked for unsettled tasks too.
    pub state: TaskState,
    /// What it gave. That nothing was given and that `null` was given are different things.
    #[serde(
        default,
        deserialize_with = "forgiving::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub output: Option<Json>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
    /// What was submitted, to tell a name that means something else now.
    #[serde(rename = "task", deserialize_with = "forgiving::shared")]
    pub spec: Arc<NewTask>,
}

/// A finished step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its name.
    pub name: String,
    /// Its result.
    #[serde(default)]
    pub output: Json,
}

/// What a task has finished, steps in the order of their recording, children in that of their creation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// Its named children, settled or not.
    pub children: Vec<Settled>,
}

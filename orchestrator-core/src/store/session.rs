//! Workers' sessions: what leases hang on.

use std::{collections::BTreeSet, time::Duration};

use orchestrator_protocol::{LeaseId, Load, SessionId, TaskId, Timestamp, WorkerId};
use serde::{Deserialize, Serialize};

/// A worker introduces itself.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The session's id.
    pub session: SessionId,
    /// The worker's id.
    pub worker: WorkerId,
    /// The worker's name, for people.
    pub name: String,
    /// What it offers: `tool:git`, `os:linux`, `memory_gb=16`, `local`.
    pub labels: BTreeSet<String>,
    /// The agents that it has.
    pub task_types: BTreeSet<String>,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// How long it may be silent before its tasks are given to others.
    pub ttl: Duration,
    /// The process that it lives in, where others can tell whether it still runs.
    pub owner: Option<Owner>,
    /// When.
    pub now: Timestamp,
}

/// A process, named so that another one on the same machine can tell whether it still lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// A name that only this process holds a lock on.
    pub lock: String,
    /// Its process id, for people.
    pub pid: u32,
}

/// A heartbeat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Renewal {
    /// Whose.
    pub session: SessionId,
    /// How busy its machine is. None: as it was.
    pub load: Option<Load>,
    /// When.
    pub now: Timestamp,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewed {
    /// False when the session has ended: the worker stops its tasks and opens a new one.
    pub alive: bool,
    /// Whether the worker should finish what it has and take no more.
    pub drain: bool,
    /// Tasks that the session holds and should stop.
    pub cancel: Vec<(TaskId, LeaseId)>,
    /// Every task that the session holds. A worker that does not know of one was granted it by an answer that was lost,
    /// and gives it back.
    pub held: Vec<(TaskId, LeaseId)>,
    /// The worker whose session it is, where that is known.
    pub worker: Option<WorkerId>,
    /// How many tasks it runs at once.
    pub slots: u32,
}

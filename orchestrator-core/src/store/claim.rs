//! Claiming tasks.

use std::sync::Arc;

use orchestrator_protocol::{LeaseId, NewTask, SessionId, TaskId, Timestamp};

use crate::domain::placement::Policy;

/// A session asks for work.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Who asks.
    pub session: SessionId,
    /// How many tasks at most.
    pub credit: usize,
    /// When.
    pub now: Timestamp,
    /// How it is compared with others that might ask.
    pub policy: Policy,
}

/// A task with the lease that lets one session work on it.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedTask {
    /// The task.
    pub id: TaskId,
    /// The lease that every report carries.
    pub lease: LeaseId,
    /// What was submitted, its input included.
    pub spec: Arc<NewTask>,
    /// The topmost task of its tree.
    pub root_id: TaskId,
    /// How often it was started, this time included. Going on after a wait does not count.
    pub attempt: u32,
    /// Whether it goes on after a wait, so that a suspended future can be resumed.
    pub resumed: bool,
    /// The lease under which it was suspended, if it goes on after a wait: what tells a worker whether the future that
    /// it kept is the newest.
    pub parked: Option<LeaseId>,
    /// Whether there are finished steps or children: the agent is run with [`crate::store::Store::history`].
    pub has_history: bool,
}

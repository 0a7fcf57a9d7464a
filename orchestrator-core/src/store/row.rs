//! A task as the stores keep it.

use std::{collections::BTreeSet, sync::Arc};

use orchestrator_protocol::{
    Join, Json, LeaseId, Load, NewTask, OnDependencyFailure, Privacy, Seq, SessionId, Task, TaskError, TaskId, TaskRef,
    TaskState, Timestamp, Usage, WorkerId,
};
use serde::{Deserialize, Serialize};

use super::{report::Group, session::Owner};
use crate::domain::{
    gate::Gate,
    placement::record::{Record, WORKSPACE},
    rank,
};

/// A store's own number of a task: small, dense, growing with submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub i64);

/// A store's own number of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub i64);

/// Everything that placement may depend on. Tasks that are alike in it queue in one lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lane {
    /// The queue.
    pub queue: String,
    /// The agent.
    pub task_type: String,
    /// Labels that a worker must offer, sorted.
    pub requires: Vec<String>,
    /// Labels that a worker should offer, sorted.
    pub prefers: Vec<String>,
    /// Limit keys, sorted.
    pub limits: Vec<String>,
    /// Who may see the input.
    pub privacy: Privacy,
}

impl Lane {
    /// The lane of a task.
    pub fn of(task: &NewTask) -> Self {
        let sorted = |labels: &[String]| {
            let mut labels = labels.to_vec();
            labels.sort_unstable();
            labels.dedup();
            labels
        };
        Self {
            queue: task.queue.clone(),
            task_type: task.task_type.clone(),
            requires: sorted(&task.requires),
            prefers: sorted(&task.prefers),
            limits: sorted(&task.limits),
            privacy: task.privacy,
        }
    }
}

/// Why a task is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// An operator said so.
    Operator,
    /// The budget of the task or of one above it is spent.
    Budget,
}

/// Why the gate is there: what its opening means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    /// Dependencies, before the first start.
    Dependencies,
    /// Children that a running task waits for.
    Children,
}

/// A task as the stores keep it. Adapters persist it; only the ledger changes it.
///
/// The fields up to `created_at` never change after the submission.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// The store's number of it.
    pub key: Key,
    /// Its id.
    pub id: TaskId,
    /// Its parent.
    pub parent: Option<Key>,
    /// Its parent's id.
    pub parent_id: Option<TaskId>,
    /// The topmost task of its tree, itself when it has no parent.
    pub root: Key,
    /// That task's id.
    pub root_id: TaskId,
    /// Its name within its parent.
    pub step: Option<String>,
    /// The siblings with which it shares places.
    pub group: Option<Group>,
    /// What was submitted; `depends_on` holds ids only.
    pub spec: Arc<NewTask>,
    /// Where it queues.
    pub lane: LaneId,
    /// When it was submitted.
    pub created_at: Timestamp,

    /// Where it is.
    pub state: TaskState,
    /// How often it was started.
    pub attempt: u32,
    /// Failures that count against its retry policy.
    pub failures: u32,
    /// Leases lost since it last failed, waited or was retried.
    pub losses: u32,
    /// The lease, while one is held.
    pub lease: Option<LeaseId>,
    /// The last lease that was given back in order, to recognise repeated reports.
    pub last_lease: Option<LeaseId>,
    /// The highest number of a report item under the current or last lease.
    pub reported: u64,
    /// The session that holds the lease, or held it last.
    pub session: Option<SessionId>,
    /// The worker of that session.
    pub worker: Option<WorkerId>,
    /// Why it must not start.
    pub held: Option<Hold>,
    /// It runs and was told to stop, for this reason.
    pub cancel: Option<String>,
    /// The time that it waits for: start, backoff or timer.
    pub wake_at: Option<Timestamp>,
    /// The tasks that it waits for, counted.
    pub gate: Option<Gate>,
    /// What those tasks are.
    pub gate_kind: GateKind,
    /// Whether it is blocked for want of a place in its group.
    pub queued: bool,
    /// Whether its agent has begun and is suspended (waiting), so that being ready again means going on.
    pub suspended: bool,
    /// Where it stands in its lane while it is ready.
    pub rank: i64,
    /// Whether it has steps or children.
    pub has_history: bool,
    /// Whether it has children.
    pub has_children: bool,
    /// Whether others wait for it, or did.
    pub has_waiters: bool,
    /// From 0 to 1.
    pub progress: Option<f64>,
    /// What it gave.
    pub output: Option<Json>,
    /// Why it failed last.
    pub error: Option<TaskError>,
    /// What it has spent.
    pub usage: Usage,
    /// What it and all below it have spent.
    pub tree_usage: Usage,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it became terminal.
    pub finished_at: Option<Timestamp>,
    /// The event by which someone last wanted it run again: children that ended badly before it are run again when it
    /// asks for them. Clocks may stand still or go back, and events do not.
    pub retried: Option<Seq>,
    /// Whether a person let it go on although its budget was spent.
    pub budget_lifted: bool,
    /// Its newest event.
    pub last_event: Seq,
}

impl TaskRow {
    /// Whether a person or an outside system completes it instead of a worker.
    pub fn is_external(&self) -> bool {
        is_external(&self.spec.task_type)
    }

    /// When a timer must look at it, if ever: its wake-up time, or the deadline by which it must have started.
    pub fn due_at(&self) -> Option<Timestamp> {
        if self.state.is_terminal() || matches!(self.state, TaskState::Running | TaskState::NeedsAttention) {
            return None;
        }
        let deadline = if self.started_at.is_none() {
            self.spec.deadline
        } else {
            None
        };
        let wake = match self.state {
            TaskState::Scheduled | TaskState::Waiting => self.wake_at,
            _ => None,
        };
        match (wake, deadline) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Whether a child of this task ended badly before someone wanted this task run again, so that the child's end no
    /// longer counts: histories leave it out, and it is run again when it is asked for.
    pub fn outlived(&self, child: &Self) -> bool {
        matches!(child.state, TaskState::Failed | TaskState::Cancelled)
            && self.retried.is_some_and(|retried| child.last_event < retried)
    }

    /// Places it at the end of its priority in its lane.
    pub fn enqueue(&mut self, now: Timestamp) {
        self.rank = rank::rank(self.spec.priority, now);
    }

    /// When it became ready, while it is.
    pub fn ready_at(&self) -> Option<Timestamp> {
        (self.state == TaskState::Ready).then(|| rank::ready_at(self.rank, self.spec.priority))
    }

    /// The worker that keeps what it goes on with.
    pub fn kept_by(&self) -> Option<WorkerId> {
        self.worker.filter(|_| self.suspended)
    }

    /// The workspace that it works in, if it says so.
    pub fn workspace(&self) -> Option<&str> {
        self.spec.labels.get(WORKSPACE).map(String::as_str)
    }

    /// The task as everyone sees it.
    pub fn to_task(&self) -> Task {
        let spec = &self.spec;
        Task {
            id: self.id,
            task_type: spec.task_type.clone(),
            description: spec.description.clone(),
            input: spec.input.clone(),
            queue: spec.queue.clone(),
            requires: spec.requires.clone(),
            prefers: spec.prefers.clone(),
            depends_on: dependencies(spec),
            join: spec.join,
            on_dependency_failure: spec.on_dependency_failure,
            parent_id: self.parent_id,
            root_id: self.root_id,
            step: self.step.clone(),
            priority: spec.priority,
            run_at: spec.run_at,
            deadline: spec.deadline,
            timeout_s: spec.timeout_s,
            silence_timeout_s: spec.silence_timeout_s,
            retry: spec.retry.clone(),
            side_effects: spec.side_effects,
            idempotency_key: spec.idempotency_key.clone(),
            limits: spec.limits.clone(),
            budget: spec.budget.clone(),
            privacy: spec.privacy,
            checkpoint_frequency: spec.checkpoint_frequency,
            labels: spec.labels.clone(),
            state: self.state,
            attempt: self.attempt,
            worker_id: self.worker,
            progress: self.progress,
            output: self.output.clone(),
            error: self.error.clone(),
            usage: self.usage.clone(),
            tree_usage: self.tree_usage.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
        }
    }

    /// Where it is and what it gave.
    pub fn to_settled(&self) -> super::Settled {
        super::Settled {
            id: self.id,
            step: self.step.clone(),
            state: self.state,
            output: self.output.clone(),
            error: self.error.clone(),
            spec: self.spec.clone(),
        }
    }

    /// The gate of its dependencies, if it has any.
    pub fn dependency_gate(spec: &NewTask) -> Option<Gate> {
        (!spec.depends_on.is_empty()).then(|| Gate::new(spec.join, spec.on_dependency_failure, spec.depends_on.len()))
    }

    /// The gate of a wait for children: whatever comes of them counts.
    pub fn children_gate(join: Join, count: usize) -> Gate {
        Gate::new(join, OnDependencyFailure::Continue, count)
    }
}

/// The ids that a stored task depends on.
pub fn dependencies(spec: &NewTask) -> Vec<TaskId> {
    spec.depends_on
        .iter()
        .filter_map(|r| match r {
            TaskRef::Id(id) => Some(*id),
            TaskRef::Local(_) => None,
        })
        .collect()
}

/// Whether tasks of this type are completed by a person or an outside system.
pub fn is_external(task_type: &str) -> bool {
    matches!(task_type, "external" | "checkpoint")
}

/// A session as the stores keep it.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Its worker.
    pub worker: WorkerId,
    /// The worker's name.
    pub name: String,
    /// What it offers.
    pub labels: BTreeSet<String>,
    /// The agents that it has.
    pub task_types: BTreeSet<String>,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// Microseconds that it may be silent.
    pub ttl_us: i64,
    /// The process that it lives in.
    pub owner: Option<Owner>,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// How busy its machine was then.
    pub load: Load,
    /// What its worker has shown, up to its last heartbeat.
    pub record: Arc<Record>,
    /// Whether it is granted nothing more.
    pub draining: bool,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
}

/// What the choice of a worker depends on, of one session.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The session.
    pub session: SessionId,
    /// Its worker.
    pub worker: WorkerId,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// How many leases it holds.
    pub running: u32,
    /// How busy its machine is.
    pub load: Load,
    /// What its worker has shown.
    pub record: Arc<Record>,
    /// Whether it is granted nothing more.
    pub draining: bool,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
}

impl Standing {
    /// A session with how many leases it holds.
    pub fn of(row: &SessionRow, running: u32) -> Self {
        Self {
            session: row.id,
            worker: row.worker,
            slots: row.slots,
            running,
            load: row.load,
            record: row.record.clone(),
            draining: row.draining,
            seen_at: row.seen_at,
            expires_at: row.expires_at,
        }
    }
}

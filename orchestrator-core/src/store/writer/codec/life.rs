//! Where a task is in its life, beyond its columns.

use orchestrator_protocol::{LeaseId, Seq, TaskState, Timestamp, Usage};
use serde::{Deserialize, Serialize};

use super::{Spent, micros, state_code};
use crate::{
    domain::gate::Gate,
    store::{
        row::{GateKind, Hold, Key, TaskRow},
        writer::Place,
    },
};

/// The state under which a task is kept aside, if it is.
pub fn aside(row: &TaskRow) -> Option<i64> {
    let usual = matches!(row.state, TaskState::Ready | TaskState::Running | TaskState::Succeeded);
    (!usual).then(|| state_code(row.state))
}

/// Where a task stands, if it is ready.
pub fn ready(row: &TaskRow) -> Option<Place> {
    (row.state == TaskState::Ready).then_some((row.lane, row.rank, row.key))
}

/// A task that runs.
pub fn running(row: &TaskRow) -> Option<Key> {
    (row.state == TaskState::Running).then_some(row.key)
}

/// When a timer must look at a task, if ever.
pub fn due(row: &TaskRow) -> Option<i64> {
    micros(row.due_at())
}

/// The fields that are rarely there.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct More {
    #[serde(skip_serializing_if = "is_default")]
    failures: u32,
    #[serde(skip_serializing_if = "is_default")]
    losses: u32,
    #[serde(skip_serializing_if = "is_default")]
    last_lease: Option<LeaseId>,
    #[serde(skip_serializing_if = "is_default")]
    reported: u64,
    #[serde(skip_serializing_if = "is_default")]
    held: Option<Hold>,
    #[serde(skip_serializing_if = "is_default")]
    cancel: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    wake_at: Option<i64>,
    #[serde(skip_serializing_if = "is_default")]
    gate: Option<Gate>,
    /// Left out: dependencies.
    #[serde(skip_serializing_if = "is_default")]
    gate_kind: Option<GateKind>,
    #[serde(skip_serializing_if = "is_default")]
    suspended: bool,
    #[serde(skip_serializing_if = "is_default")]
    has_history: bool,
    #[serde(skip_serializing_if = "is_default")]
    has_children: bool,
    #[serde(skip_serializing_if = "is_default")]
    has_waiters: bool,
    #[serde(skip_serializing_if = "is_default")]
    progress: Option<f64>,
    #[serde(skip_serializing_if = "is_default")]
    usage: Option<Spent>,
    /// Left out: the same as `usage`.
    #[serde(skip_serializing_if = "is_default")]
    tree_usage: Option<Spent>,
    #[serde(skip_serializing_if = "is_default")]
    retried: Option<Seq>,
    #[serde(skip_serializing_if = "is_default")]
    budget_lifted: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl More {
    /// What a row says beyond its columns, if anything.
    pub fn of(row: &TaskRow) -> Option<Self> {
        let more = Self {
            failures: row.failures,
            losses: row.losses,
            last_lease: row.last_lease,
            reported: row.reported,
            held: row.held,
            cancel: row.cancel.clone(),
            wake_at: micros(row.wake_at),
            gate: row.gate,
            gate_kind: (row.gate_kind != GateKind::Dependencies).then_some(row.gate_kind),
            suspended: row.suspended,
            has_history: row.has_history,
            has_children: row.has_children,
            has_waiters: row.has_waiters,
            progress: row.progress,
            usage: (!row.usage.is_zero()).then(|| Spent::from(&row.usage)),
            tree_usage: (row.tree_usage != row.usage).then(|| Spent::from(&row.tree_usage)),
            retried: row.retried,
            budget_lifted: row.budget_lifted,
        };
        (more != Self::default()).then_some(more)
    }

    /// What is left of it where the last lease, the number of what was reported and the seconds of attempts have columns:
    /// what nearly every task that has ended has.
    pub fn without_columns(mut self) -> Option<Self> {
        self.last_lease = None;
        self.reported = 0;
        if let Some(usage) = &mut self.usage {
            usage.4 = 0.0;
        }
        self.usage = self.usage.filter(|usage| *usage != Spent::default());
        (self != Self::default()).then_some(self)
    }

    /// Says it of a row.
    pub fn fill(self, row: &mut TaskRow) {
        row.failures = self.failures;
        row.losses = self.losses;
        row.last_lease = self.last_lease;
        row.reported = self.reported;
        row.held = self.held;
        row.cancel = self.cancel;
        row.wake_at = self.wake_at.map(Timestamp::from_micros);
        row.gate = self.gate;
        row.gate_kind = self.gate_kind.unwrap_or(GateKind::Dependencies);
        row.suspended = self.suspended;
        row.has_history = self.has_history;
        row.has_children = self.has_children;
        row.has_waiters = self.has_waiters;
        row.progress = self.progress;
        row.usage = self.usage.map(Usage::from).unwrap_or_default();
        row.tree_usage = self.tree_usage.map_or_else(|| row.usage.clone(), Usage::from);
        row.retried = self.retried;
        row.budget_lifted = self.budget_lifted;
    }
}

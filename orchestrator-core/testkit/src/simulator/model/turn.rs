//! What one verb may do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use orchestrator_core::store::Group;
use orchestrator_protocol::{Join, LeaseId, NewTask, SessionId, TaskId, TaskState, Timestamp};

use super::{Model, Wrong};

/// What one verb may do, found out from what it was asked and what it answered; and what it did.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) now: Timestamp,
    /// It looks at timers and deadlines.
    pub(super) ticks: bool,
    /// It takes holds back.
    pub(super) resumes: bool,
    /// The task that it cancels with all below.
    pub(super) cancels: Option<TaskId>,
    /// Tasks that it may create.
    pub(super) births: BTreeMap<TaskId, Birth>,
    /// Tasks whose lease it may end, and where they may go.
    pub(super) leaves: BTreeMap<TaskId, Leave>,
    /// Leases that it granted.
    pub(super) grants: BTreeMap<TaskId, (LeaseId, SessionId)>,
    /// Ended tasks that it may run again.
    pub(super) revives: BTreeSet<TaskId>,
    /// External tasks that it may end.
    pub(super) settles: BTreeSet<TaskId>,
    /// Steps that it must record.
    pub(super) steps: BTreeSet<(TaskId, String)>,
    /// Tokens that it must record.
    pub(super) tokens: BTreeMap<TaskId, u64>,
    /// What became terminal.
    pub(super) ended: Vec<TaskId>,
    /// What changed its state, or has a gate that changed.
    pub(super) touched: BTreeSet<TaskId>,
}

/// A task that may be created.
#[derive(Debug)]
pub(super) struct Birth {
    pub(super) spec: Arc<NewTask>,
    pub(super) parent: Option<TaskId>,
    pub(super) step: Option<String>,
    pub(super) group: Option<Group>,
    pub(super) depends_on: Vec<TaskId>,
}

/// How a lease may end.
#[derive(Debug, Clone)]
pub(super) struct Leave {
    /// Where the task may go.
    pub(super) to: Vec<TaskState>,
    /// Whether its worker gave it back in order.
    pub(super) in_order: bool,
    /// What it waits for.
    pub(super) wait: Option<(Vec<TaskId>, Join, Option<Timestamp>)>,
    /// When it is tried again.
    pub(super) wake_at: Option<Timestamp>,
}

impl Leave {
    pub(super) fn to(states: &[TaskState], in_order: bool) -> Self {
        Self {
            to: states.to_vec(),
            in_order,
            wait: None,
            wake_at: None,
        }
    }
}

impl Turn {
    /// A verb that may do nothing yet.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            ticks: false,
            resumes: false,
            cancels: None,
            births: BTreeMap::new(),
            leaves: BTreeMap::new(),
            grants: BTreeMap::new(),
            revives: BTreeSet::new(),
            settles: BTreeSet::new(),
            steps: BTreeSet::new(),
            tokens: BTreeMap::new(),
            ended: Vec::new(),
            touched: BTreeSet::new(),
        }
    }

    /// Whether it recorded all that it said it did.
    pub(super) fn is_done(&self, model: &Model) -> Result<(), Wrong> {
        if let Some(id) = self.births.keys().next() {
            return Err(format!("task {id} was acknowledged but not recorded"));
        }
        if let Some(id) = self.grants.keys().find(|id| {
            let state = model.tasks.get(*id).map(|known| known.state);
            state != Some(TaskState::Running)
        }) {
            return Err(format!("task {id} was granted, and no event says that it runs"));
        }
        if let Some((id, step)) = self.steps.iter().next() {
            return Err(format!("the step `{step}` of {id} was acknowledged but not recorded"));
        }
        if let Some((id, tokens)) = self.tokens.iter().find(|(_, tokens)| **tokens > 0) {
            return Err(format!("{tokens} tokens of {id} were acknowledged but not recorded"));
        }
        for (id, leave) in &self.leaves {
            let known = model.task(*id)?;
            if leave.in_order && known.state == TaskState::Running {
                return Err(format!(
                    "{id} was said to be {:?}, which was acknowledged; it still runs",
                    leave.to
                ));
            }
        }
        Ok(())
    }
}

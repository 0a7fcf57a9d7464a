//! A new task's first row.

use std::sync::Arc;

use orchestrator_protocol::{NewTask, Privacy, Seq, TaskId, TaskState, Timestamp, Usage};

use super::work::Work;
use crate::{
    domain::{gate::Verdict, placement::RUN, state::TaskEvent},
    store::{
        error::StoreError,
        report::Group,
        row::{GateKind, Key, LaneId, TaskRow, is_external},
        tx::Tx,
    },
};

/// What is known of a task before it is stored.
pub(super) struct Birth {
    pub(super) key: Key,
    pub(super) id: TaskId,
    pub(super) spec: Arc<NewTask>,
    pub(super) lane: LaneId,
    pub(super) parent: Option<Key>,
    pub(super) step: Option<String>,
    pub(super) group: Option<Group>,
    /// Whether it must wait for a place in its group.
    pub(super) queued: bool,
    /// The tasks that it depends on; those that are born in the same verb come later or earlier, all before
    /// [`Work::settle_births`].
    pub(super) depends_on: Vec<Key>,
}

impl<T: Tx> Work<'_, T> {
    /// Stores a new task in its first state. Dependencies must be loaded or born already.
    pub(super) fn bear(&mut self, birth: Birth) -> Result<(), StoreError> {
        let now = self.now;
        let mut row = first_row(&birth, now);
        if let Some(parent) = birth.parent.and_then(|p| self.get(p)) {
            row.parent = Some(parent.key);
            row.parent_id = Some(parent.id);
            row.root = parent.root;
            row.root_id = parent.root_id;
            row.held = parent.held;
        }
        for target in &birth.depends_on {
            let target = self.row(*target);
            if target.state.is_terminal() {
                let succeeded = target.state == TaskState::Succeeded;
                if let Some(gate) = row.gate.as_mut() {
                    gate.settle(succeeded);
                }
            }
        }
        let verdict = row.gate.map_or(Verdict::Open, |gate| gate.verdict());
        row.state = first_state(&row, verdict, now);
        if row.state == TaskState::Ready {
            row.enqueue(now);
        }
        if let Some(parent) = row.parent {
            let parent = self.change(parent);
            parent.has_children = true;
            parent.has_history = true;
        }
        self.give_birth(row);
        if verdict == Verdict::Closed {
            for target in birth.depends_on {
                if !self.row(target).state.is_terminal() {
                    self.add_edge(target, birth.key);
                    if !self.row(target).has_waiters {
                        self.change(target).has_waiters = true;
                    }
                }
            }
        }
        if verdict == Verdict::Impossible {
            let why = "a task that it depends on had not succeeded";
            self.happen(birth.key, TaskEvent::Cancelled, Some(why.to_owned()))?;
        }
        Ok(())
    }
}

fn first_row(birth: &Birth, now: Timestamp) -> TaskRow {
    TaskRow {
        key: birth.key,
        id: birth.id,
        parent: None,
        parent_id: None,
        root: birth.key,
        root_id: birth.id,
        step: birth.step.clone(),
        group: birth.group.clone(),
        spec: birth.spec.clone(),
        lane: birth.lane,
        created_at: now,
        state: TaskState::Blocked,
        attempt: 0,
        failures: 0,
        losses: 0,
        lease: None,
        last_lease: None,
        reported: 0,
        session: None,
        worker: None,
        held: None,
        cancel: None,
        // Nobody starts what a person completes.
        wake_at: birth
            .spec
            .run_at
            .filter(|at| *at > now && !is_external(&birth.spec.task_type)),
        gate: TaskRow::dependency_gate(&birth.spec),
        gate_kind: GateKind::Dependencies,
        queued: birth.queued,
        suspended: false,
        rank: 0,
        has_history: false,
        has_children: false,
        has_waiters: false,
        progress: None,
        output: None,
        error: None,
        usage: Usage::default(),
        tree_usage: Usage::default(),
        started_at: None,
        finished_at: None,
        retried: None,
        budget_lifted: false,
        last_event: Seq(0),
    }
}

fn first_state(row: &TaskRow, verdict: Verdict, now: Timestamp) -> TaskState {
    let external = row.is_external();
    if row.held.is_some() && !external {
        TaskState::Paused
    } else if verdict != Verdict::Open || row.queued {
        TaskState::Blocked
    } else if external {
        TaskState::Waiting
    } else if row.wake_at.is_some_and(|at| at > now) {
        TaskState::Scheduled
    } else {
        TaskState::Ready
    }
}

/// What a child takes over from its parent: below a sensitive task everything is sensitive, and what is below a task
/// that only one run may take is taken by that run only.
pub(super) fn inherit(parent: &TaskRow, spec: &Arc<NewTask>) -> Arc<NewTask> {
    let sensitive = parent.spec.privacy == Privacy::Sensitive && spec.privacy == Privacy::Normal;
    let confined = parent.spec.requires.iter().filter(|label| label.starts_with(RUN));
    let mut missing = confined.filter(|label| !spec.requires.contains(label)).peekable();
    if !sensitive && missing.peek().is_none() {
        return spec.clone();
    }
    let mut spec = NewTask::clone(spec);
    spec.requires.extend(missing.cloned());
    if sensitive {
        spec.privacy = Privacy::Sensitive;
    }
    Arc::new(spec)
}

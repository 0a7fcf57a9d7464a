//! What people do to tasks: cancel, pause, resume, retry.

use orchestrator_protocol::{Task, TaskId, TaskState, Timestamp};

use super::work::Work;
use crate::{
    domain::{gate::Verdict, state::TaskEvent},
    store::{
        Committed, Intervention,
        error::StoreError,
        row::{self, GateKind, Hold, Key, TaskRow},
        tx::Tx,
    },
};

/// Cancels, pauses, resumes or retries a task and what is below it.
///
/// # Errors
///
/// The outer error means that the storage failed, the inner one that the task's state does not allow it.
pub async fn intervene<T: Tx>(
    tx: &mut T,
    task: TaskId,
    intervention: Intervention,
    now: Timestamp,
) -> Result<Result<Committed<Task>, StoreError>, StoreError> {
    let mut work = Work::new(tx, now);
    work.load(&[task]).await?;
    let Some(row) = work.by_id(task) else {
        return Ok(Err(StoreError::TaskNotFound(task)));
    };
    let (key, state) = (row.key, row.state);
    let conflict = |wanted: &str| StoreError::StateConflict {
        task,
        state,
        wanted: wanted.to_owned(),
    };
    match intervention {
        Intervention::Cancel { reason } => work.cancel_tree(key, &reason).await?,
        Intervention::Pause if state.is_terminal() => return Ok(Err(conflict("paused"))),
        Intervention::Pause => work.pause_tree(key).await?,
        Intervention::Resume if row.held.is_none() => return Ok(Err(conflict("resumed"))),
        Intervention::Resume => work.resume_tree(key).await?,
        Intervention::Retry => match state {
            TaskState::Failed | TaskState::Cancelled | TaskState::NeedsAttention => {
                if let Err(refused) = work.retry(key).await? {
                    return Ok(Err(refused));
                }
            }
            _ => return Ok(Err(conflict("retried"))),
        },
    }
    work.follow().await?;
    let task = work.row(key).to_task();
    Ok(Ok(work.finish_one(task).await?))
}

impl<T: Tx> Work<'_, T> {
    async fn below(&mut self, key: Key) -> Result<Vec<Key>, StoreError> {
        if !self.row(key).has_children {
            return Ok(Vec::new());
        }
        let below = self.tx.unsettled_below(&[key]).await?;
        Ok(self.adopt(below))
    }

    /// Cancels a task and all below it, the lowest first.
    async fn cancel_tree(&mut self, key: Key, reason: &str) -> Result<(), StoreError> {
        if self.row(key).state.is_terminal() {
            return Ok(());
        }
        for key in self.below(key).await?.into_iter().rev() {
            self.cancel(key, reason)?;
        }
        self.cancel(key, reason)
    }

    async fn pause_tree(&mut self, key: Key) -> Result<(), StoreError> {
        let below = self.below(key).await?;
        self.hold(key, Hold::Operator)?;
        for key in below {
            self.hold(key, Hold::Operator)?;
        }
        Ok(())
    }

    /// Keeps a task from starting. What runs goes on until it rests; what a person is asked stays open.
    pub(super) fn hold(&mut self, key: Key, hold: Hold) -> Result<(), StoreError> {
        let row = self.row(key);
        if row.state.is_terminal() || row.held.is_some() {
            return Ok(());
        }
        let (state, external) = (row.state, row.is_external());
        self.change(key).held = Some(hold);
        let rests = matches!(
            state,
            TaskState::Blocked | TaskState::Scheduled | TaskState::Ready | TaskState::Waiting
        );
        if rests && !external {
            let why = match hold {
                Hold::Operator => "paused by an operator",
                Hold::Budget => "the budget is spent",
            };
            self.happen_paused(key, why)?;
        }
        Ok(())
    }

    fn happen_paused(&mut self, key: Key, why: &str) -> Result<(), StoreError> {
        self.happen(key, TaskEvent::Paused, Some(why.to_owned()))
    }

    async fn resume_tree(&mut self, key: Key) -> Result<(), StoreError> {
        let below = self.below(key).await?;
        if self.row(key).held == Some(Hold::Budget) {
            self.lift_budgets(key).await?;
        }
        self.resume(key)?;
        for key in below {
            self.resume(key)?;
        }
        Ok(())
    }

    /// Marks the spent budgets at and above a task as lifted: a person has decided to go on.
    async fn lift_budgets(&mut self, key: Key) -> Result<(), StoreError> {
        let mut at = Some(key);
        while let Some(here) = at {
            self.load_keys(&[here]).await?;
            if self.row(here).spec.budget.is_some() {
                self.change(here).budget_lifted = true;
            }
            at = self.row(here).parent;
        }
        Ok(())
    }

    fn resume(&mut self, key: Key) -> Result<(), StoreError> {
        if self.row(key).held.is_none() {
            return Ok(());
        }
        self.change(key).held = None;
        if self.row(key).state != TaskState::Paused {
            return Ok(());
        }
        let rest = self.rest(key);
        let now = self.now;
        self.change(key).enqueue(now);
        self.happen(key, TaskEvent::Resumed(rest), None)
    }

    /// Runs a task again, from its finished steps.
    async fn retry(&mut self, key: Key) -> Result<Result<(), StoreError>, StoreError> {
        let row = self.row(key);
        if row.attempt == 0 && !row.spec.depends_on.is_empty() {
            let ids = row::dependencies(&row.spec);
            self.load(&ids).await?;
            let row = self.row(key);
            let mut gate = TaskRow::dependency_gate(&row.spec);
            let mut waits = Vec::new();
            for id in ids {
                let Some(target) = self.by_id(id) else { continue };
                match (target.state.is_terminal(), &mut gate) {
                    (true, Some(gate)) => gate.settle(target.state == TaskState::Succeeded),
                    _ => waits.push(target.key),
                }
            }
            if gate.is_some_and(|g| g.verdict() == Verdict::Impossible) {
                return Ok(Err(StoreError::StateConflict {
                    task: row.id,
                    state: row.state,
                    wanted: "retried before the tasks that it depends on have succeeded; retry those first".to_owned(),
                }));
            }
            let row = self.change(key);
            row.gate = gate;
            row.gate_kind = GateKind::Dependencies;
            if gate.is_some_and(|g| g.verdict() == Verdict::Closed) {
                for target in waits {
                    self.change(target).has_waiters = true;
                    self.add_edge(target, key);
                }
            }
        } else {
            self.change(key).gate = None;
        }
        let queued = self.lacks_a_place(key).await?;
        self.revive(key, queued)?;
        Ok(Ok(()))
    }

    /// Whether a task that goes again has to wait for a place in its group. One that has not ended has kept its place.
    async fn lacks_a_place(&mut self, key: Key) -> Result<bool, StoreError> {
        let row = self.row(key);
        let Some((parent, group)) = row.parent.zip(row.group.clone()) else {
            return Ok(false);
        };
        if !row.state.is_terminal() {
            return Ok(false);
        }
        self.flush().await?;
        let taken = self.tx.places_taken(&[(parent, group.name)]).await?;
        Ok(taken.iter().any(|(_, _, count)| *count >= group.size as usize))
    }

    /// Gives an ended task, or one that waits for a decision, a new life that starts from its finished steps. It may
    /// have to wait for a place in its group again.
    pub(super) fn revive(&mut self, key: Key, queued: bool) -> Result<(), StoreError> {
        let now = self.now;
        let row = self.change(key);
        row.failures = 0;
        row.losses = 0;
        row.cancel = None;
        row.held = None;
        row.queued = queued;
        row.suspended = false;
        row.wake_at = None;
        row.finished_at = None;
        row.progress = None;
        row.enqueue(now);
        let rest = self.rest(key);
        self.happen(key, TaskEvent::Retried(rest), None)?;
        let row = self.change(key);
        row.retried = Some(row.last_event);
        Ok(())
    }
}

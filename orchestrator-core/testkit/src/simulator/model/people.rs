//! What people do: interventions, decisions, answers from outside.

use orchestrator_core::store::{Committed, Intervention, StoreError};
use orchestrator_protocol::{ExternalResult, Task, TaskId, TaskState, Timestamp};

use super::{Model, Turn, Wrong};

impl Model {
    /// Someone intervened.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn intervened(
        &mut self,
        id: TaskId,
        what: &Intervention,
        now: Timestamp,
        answer: &Result<Committed<Task>, StoreError>,
    ) -> Result<(), Wrong> {
        let known = self.tasks.get(&id);
        let (committed, known) = match (answer, known) {
            (Ok(committed), Some(known)) => (committed, known),
            (Err(StoreError::TaskNotFound(_)), None) | (Err(StoreError::StateConflict { .. }), Some(_)) => {
                return Ok(());
            }
            (answer, _) => return Err(format!("{what:?} of {id} gave {:?}", answer.as_ref().map(|_| ()))),
        };
        let state = known.state;
        let mut turn = Turn::new(now);
        match what {
            Intervention::Cancel { .. } => turn.cancels = Some(id),
            Intervention::Resume => turn.resumes = true,
            Intervention::Pause => {}
            Intervention::Retry => {
                turn.revives.insert(id);
            }
        }
        self.take(&mut turn, &committed.events)?;
        match what {
            Intervention::Cancel { .. } if !state.is_terminal() => self.everything_stops(id)?,
            Intervention::Resume => self.lift_budgets(id)?,
            Intervention::Retry => {
                self.lift_budgets(id)?;
                if self.task(id)?.state == state {
                    return Err(format!("{id} was retried and is {state} as before"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Below a cancelled task nothing is left but what runs and was told to stop.
    fn everything_stops(&mut self, id: TaskId) -> Result<(), Wrong> {
        for id in self.downwards(id) {
            let known = self.change(id)?;
            if known.state == TaskState::Running {
                known.stopping = true;
            } else if !known.state.is_terminal() {
                return Err(format!("{id} is {} although its tree was cancelled", known.state));
            }
        }
        Ok(())
    }

    /// A person said to go on, whatever was spent.
    fn lift_budgets(&mut self, id: TaskId) -> Result<(), Wrong> {
        let above: Vec<TaskId> = self.upwards(id).map(|(id, _)| id).collect();
        for id in above.into_iter().chain(self.downwards(id)) {
            self.change(id)?.budget_lifted = true;
        }
        Ok(())
    }

    /// Marks everything that what happens to a task may lead to.
    pub fn disturb(&mut self, id: TaskId) {
        let root = self.root(id);
        for id in self.downwards(root) {
            if let Some(known) = self.tasks.get_mut(&id) {
                known.disturbed = true;
            }
        }
    }

    /// An external task was completed.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn settled(
        &mut self,
        id: TaskId,
        result: &ExternalResult,
        now: Timestamp,
        answer: &Result<Committed<Task>, StoreError>,
    ) -> Result<(), Wrong> {
        let waits = self
            .tasks
            .get(&id)
            .is_some_and(|known| known.is_external() && known.state == TaskState::Waiting);
        let committed = match answer {
            Ok(committed) if waits => committed,
            Err(StoreError::StateConflict { .. } | StoreError::TaskNotFound(_)) if !waits => return Ok(()),
            answer => return Err(format!("completing {id} gave {:?}", answer.as_ref().map(|_| ()))),
        };
        let mut turn = Turn::new(now);
        turn.settles.insert(id);
        self.take(&mut turn, &committed.events)?;
        let state = self.task(id)?.state;
        let expected = match result {
            ExternalResult::Output(_) => TaskState::Succeeded,
            ExternalResult::Error(_) => TaskState::Failed,
        };
        if state != expected {
            return Err(format!("{id} was completed and is {state}, which should be {expected}"));
        }
        Ok(())
    }
}

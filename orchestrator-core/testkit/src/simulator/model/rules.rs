//! What holds after every verb.

use orchestrator_core::{domain::gate::Verdict, store::History};
use orchestrator_protocol::{TaskId, TaskState};

use super::{Known, Model, Turn, Wrong};

impl Model {
    /// Checks everything that a verb touched.
    pub(super) fn judge(&mut self, turn: &Turn) -> Result<(), Wrong> {
        for id in &turn.ended {
            self.nothing_goes_on_below(*id)?;
        }
        for id in &turn.touched {
            self.waits_with_reason(*id)?;
            self.keeps_its_group(*id)?;
        }
        Ok(())
    }

    /// A worker was told what a task has finished.
    ///
    /// # Errors
    ///
    /// Something is missing, or was invented.
    pub fn remembered(&self, id: TaskId, history: &History) -> Result<(), Wrong> {
        let known = self.task(id)?;
        let mut steps: Vec<&str> = history.steps.iter().map(|step| step.name.as_str()).collect();
        steps.sort_unstable();
        if !steps.iter().copied().eq(known.steps()) {
            return Err(format!(
                "{id} is said to have finished {steps:?}, and has finished {:?}",
                known.steps
            ));
        }
        for (step, child) in &known.children {
            let found = history.children.iter().find(|c| c.id == *child);
            let state = self.task(*child)?.state;
            match found {
                Some(found) if found.state == state => {}
                // What had ended badly before a retry counts no more.
                None if known.lives > 0 && state != TaskState::Succeeded => {}
                found => {
                    let found = found.map(|c| c.state);
                    return Err(format!(
                        "the child `{step}` of {id} is {state} and is remembered as {found:?}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// What runs below a task that has ended is told to stop; nothing else is left.
    fn nothing_goes_on_below(&mut self, ended: TaskId) -> Result<(), Wrong> {
        for id in self.downwards(ended).into_iter().skip(1) {
            let known = self.change(id)?;
            match known.state {
                TaskState::Running => known.stopping = true,
                state if state.is_terminal() => {}
                state => return Err(format!("{id} is {state} although {ended} above it has ended")),
            }
        }
        Ok(())
    }

    /// Whoever is blocked or waits has a reason to.
    fn waits_with_reason(&self, id: TaskId) -> Result<(), Wrong> {
        let known = self.task(id)?;
        let verdict = known.gate.map(|gate| gate.verdict());
        let lease = known.lease.is_some();
        if lease != (known.state == TaskState::Running) {
            return Err(format!("{id} is {} and its lease is held: {lease}", known.state));
        }
        match known.state {
            TaskState::Waiting if known.suspended && verdict == Some(Verdict::Open) => Err(format!(
                "{id} still waits although everything that it waits for has come"
            )),
            TaskState::Waiting if known.suspended && verdict.is_none() && known.wake_at.is_none() => {
                Err(format!("{id} waits for nothing"))
            }
            TaskState::Blocked if verdict.is_none_or(|v| v == Verdict::Open) && !self.lacks_a_place(known) => Err(
                format!("{id} is blocked although everything that it depends on has come"),
            ),
            state if verdict == Some(Verdict::Impossible) && !state.is_terminal() => {
                Err(format!("{id} is {state} although its join cannot be met any more"))
            }
            _ => Ok(()),
        }
    }

    /// Whether all places of a task's group may be taken. A paused sibling may have one or wait for one.
    fn lacks_a_place(&self, known: &Known) -> bool {
        let Some(group) = &known.group else { return false };
        let taken = self.group_of(known).filter(|sibling| {
            let state = sibling.state;
            !state.is_terminal() && state != TaskState::Blocked
        });
        taken.count() >= group.size as usize
    }

    fn keeps_its_group(&self, id: TaskId) -> Result<(), Wrong> {
        let known = self.task(id)?;
        let Some(group) = &known.group else { return Ok(()) };
        let going = self.group_of(known).filter(|sibling| {
            use TaskState::{NeedsAttention, Ready, Running, Scheduled, Waiting};
            matches!(sibling.state, Ready | Running | Scheduled | Waiting | NeedsAttention)
        });
        let going = going.count();
        if going > group.size as usize {
            return Err(format!(
                "{going} tasks of the group `{}` go at once, of which only {} may ({id})",
                group.name, group.size
            ));
        }
        Ok(())
    }

    /// All tasks of a task's group, itself included.
    fn group_of<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = &'a Known> {
        known
            .parent
            .and_then(|parent| self.tasks.get(&parent))
            .into_iter()
            .flat_map(|parent| parent.children.values())
            .filter_map(|id| self.tasks.get(id))
            .filter(|sibling| sibling.group == known.group)
    }
}

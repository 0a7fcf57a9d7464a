//! Events, one by one: whether they may be, and what they change.

use orchestrator_core::domain::{
    gate::{Gate, Verdict},
    state::{TaskEvent, next},
};
use orchestrator_protocol::{Event, EventType, OnDependencyFailure, TaskId, TaskState};

use super::{Held, Known, Model, Turn, Wrong};
use TaskState::{Blocked, Cancelled, Failed, NeedsAttention, Paused, Ready, Running, Scheduled, Succeeded, Waiting};

impl Model {
    /// Takes in one durable event.
    pub(super) fn apply(&mut self, turn: &mut Turn, event: &Event) -> Result<(), Wrong> {
        let id = event.task_id.ok_or("a durable event is about no task")?;
        match event.kind {
            EventType::TaskCreated => {
                self.create(turn, id, event)?;
                self.note_ready(id, event)
            }
            EventType::TaskState => {
                let state = event.body.state.ok_or("a change of state says no state")?;
                self.move_to(turn, id, state, event)?;
                self.note_ready(id, event)
            }
            EventType::TaskStep => {
                let step = event.body.step.clone().ok_or("a recorded step has no name")?;
                let verb = self.verb;
                if !turn.steps.remove(&(id, step.clone())) {
                    return Err(format!(
                        "the step `{step}` of {id} was recorded, which nobody with a lease said"
                    ));
                }
                if self.change(id)?.steps.insert(step.clone(), verb).is_some() {
                    return Err(format!("the step `{step}` of {id} was recorded twice"));
                }
                Ok(())
            }
            EventType::TaskUsage => {
                let tokens = event
                    .body
                    .usage
                    .as_ref()
                    .map_or(0, orchestrator_protocol::Usage::tokens);
                self.spend(turn, id, tokens)
            }
            _ => Ok(()),
        }
    }

    /// A task keeps its place when it is given back, so it may be older than this: never younger.
    fn note_ready(&mut self, id: TaskId, event: &Event) -> Result<(), Wrong> {
        self.change(id)?.ready_at = (event.body.state == Some(Ready)).then_some(event.at);
        Ok(())
    }

    fn spend(&mut self, turn: &mut Turn, id: TaskId, tokens: u64) -> Result<(), Wrong> {
        let said = turn.tokens.entry(id).or_default();
        *said = said
            .checked_sub(tokens)
            .ok_or_else(|| format!("{tokens} tokens of {id} were recorded, which nobody with a lease said"))?;
        self.change(id)?.tokens += tokens;
        let above: Vec<TaskId> = self.upwards(id).map(|(id, _)| id).collect();
        for id in above {
            self.change(id)?.tree_tokens += tokens;
        }
        Ok(())
    }

    fn create(&mut self, turn: &mut Turn, id: TaskId, event: &Event) -> Result<(), Wrong> {
        let birth = turn
            .births
            .remove(&id)
            .ok_or_else(|| format!("task {id} was created, which nobody asked for"))?;
        if event.body.parent_id != birth.parent || event.body.step != birth.step {
            return Err(format!("task {id} was not created where it was asked for"));
        }
        let state = event.body.state.ok_or("a created task has no state")?;
        if let Some(parent) = birth.parent {
            self.adopt(turn, parent, id, birth.step.as_ref())?;
        }
        let mut gate = (!birth.depends_on.is_empty()).then(|| {
            Gate::new(
                birth.spec.join,
                birth.spec.on_dependency_failure,
                birth.depends_on.len(),
            )
        });
        for target in &birth.depends_on {
            let target_state = self.task(*target)?.state;
            match &mut gate {
                Some(gate) if target_state.is_terminal() => gate.settle(target_state == Succeeded),
                _ => {
                    self.edges.entry(*target).or_default().insert(id);
                }
            }
        }
        if gate.is_some_and(|gate| gate.verdict() != Verdict::Open) && !matches!(state, Blocked | Paused) {
            return Err(format!(
                "task {id} was created {state} before what it depends on had come"
            ));
        }
        let wake_at = birth.spec.run_at;
        if let Some(key) = &birth.spec.idempotency_key {
            self.keys.insert(key.clone(), id);
        }
        turn.touched.insert(id);
        self.tasks.insert(id, Known::new(birth, state, gate, wake_at));
        Ok(())
    }

    fn adopt(&mut self, turn: &Turn, parent: TaskId, id: TaskId, step: Option<&String>) -> Result<(), Wrong> {
        for (above, known) in self.upwards(parent) {
            // What ends with the same verb takes the child with it.
            if known.takes_no_children() && !turn.ended.contains(&above) {
                let how = if known.stopping { "being stopped" } else { "over" };
                return Err(format!("task {id} was created below {above}, which is {how}"));
            }
            if known.lives > 0 {
                // It was retried by itself, whatever had become of those above it.
                break;
            }
        }
        let known = self.change(parent)?;
        match step {
            None => known.nameless.push(id),
            Some(step) if known.steps.contains_key(step) => {
                return Err(format!("the child {id} of {parent} has the name of the step `{step}`"));
            }
            Some(step) => {
                if let Some(first) = known.children.insert(step.clone(), id) {
                    return Err(format!("`{step}` of {parent} was created twice: {first} and {id}"));
                }
            }
        }
        Ok(())
    }

    fn move_to(&mut self, turn: &mut Turn, id: TaskId, to: TaskState, event: &Event) -> Result<(), Wrong> {
        let from = self.task(id)?.state;
        if from == to {
            // Said once when a budget is spent, for people who read the history.
            let text = event.body.text.as_deref().unwrap_or_default();
            return if text.starts_with("the budget is spent") {
                Ok(())
            } else {
                Err(format!("{id} was told twice to be {to}"))
            };
        }
        if !TaskEvent::ALL.iter().any(|event| next(from, *event) == Ok(to)) {
            return Err(format!("{id} went from {from} to {to}, for which there is no way"));
        }
        self.permit(turn, id, from, to)
            .map_err(|why| format!("{id} went from {from} to {to}: {why}"))?;
        turn.touched.insert(id);
        self.leave(turn, id, from, to)?;
        self.arrive(turn, id, to)
    }

    /// Whether this verb may do this.
    fn permit(&self, turn: &Turn, id: TaskId, from: TaskState, to: TaskState) -> Result<(), Wrong> {
        let known = self.task(id)?;
        let open = known.gate.is_none_or(|gate| gate.verdict() == Verdict::Open);
        let rung = known.wake_at.is_some_and(|at| at <= turn.now);
        let missed = known.attempt == 0 && known.spec.deadline.is_some_and(|at| at <= turn.now);
        let may = |allowed: bool, why: &str| if allowed { Ok(()) } else { Err(why.to_owned()) };
        match (from, to) {
            (Running, _) => {
                let way = turn.leaves.get(&id).filter(|leave| leave.to.contains(&to));
                may(way.is_some(), "whoever holds its lease did not say so")?;
                may(!known.stopping || to == Cancelled, "it was told to stop")
            }
            (_, Running) => may(turn.grants.contains_key(&id), "nobody was granted its lease"),
            (Succeeded, _) => Err("it had succeeded".to_owned()),
            (Failed | Cancelled | NeedsAttention, _) if !to.is_terminal() => {
                may(turn.revives.contains(&id), "nobody wanted it run again")?;
                let open = self.gate_of(known)?.is_none_or(|gate| gate.verdict() == Verdict::Open);
                may(open || to == Blocked, "what it depends on has not come")
            }
            (_, Cancelled) => may(self.has_to_end(turn, id), "nobody cancelled it"),
            (Waiting, Succeeded) => may(
                turn.settles.contains(&id) || (turn.ticks && missed),
                "nobody outside said so",
            ),
            (_, Failed) => may(
                turn.settles.contains(&id) || (turn.ticks && missed),
                "neither its deadline nor anybody outside said so",
            ),
            (_, Ready) if !known.suspended && known.wake_at.is_some() && !rung => {
                Err("its time has not come".to_owned())
            }
            (Blocked, Ready | Scheduled | Waiting) => may(open, "what it depends on has not come"),
            (Scheduled, Ready) => may(turn.ticks, "no timer rang"),
            (Waiting, Ready) => may(
                known.suspended && ((known.gate.is_some() && open) || rung),
                "what it waits for has not come",
            ),
            (Paused, Ready) if known.suspended => may(
                turn.resumes && ((known.gate.is_some() && open) || rung),
                "what it waits for has not come",
            ),
            (Paused, Ready | Scheduled) => may(turn.resumes && open, "nobody resumed it, or it still waits"),
            (Paused, _) => may(turn.resumes, "nobody resumed it"),
            _ => Ok(()),
        }
    }

    /// Whether a task must end because it was cancelled, or what it is a part of has ended, or its join cannot be met.
    fn has_to_end(&self, turn: &Turn, id: TaskId) -> bool {
        let impossible = |known: &Known| known.gate.is_some_and(|gate| gate.verdict() == Verdict::Impossible);
        self.upwards(id).any(|(above, known)| {
            turn.cancels == Some(above)
                || (above == id && (known.stopping || impossible(known)))
                || (above != id && known.state.is_terminal())
        })
    }

    fn leave(&mut self, turn: &Turn, id: TaskId, from: TaskState, to: TaskState) -> Result<(), Wrong> {
        if from != Running {
            return Ok(());
        }
        let Some(leave) = turn.leaves.get(&id).cloned() else {
            return Ok(());
        };
        let known = self.change(id)?;
        let lease = known.lease.take().map(|held| held.lease);
        if leave.in_order {
            known.returned = lease.map(|lease| (lease, known.reported));
        }
        known.wake_at = leave.wake_at;
        let Some((tasks, join, until)) = leave.wait.filter(|_| to == Waiting) else {
            return Ok(());
        };
        known.suspended = true;
        known.wake_at = until;
        let mut gate = (!tasks.is_empty()).then(|| Gate::new(join, OnDependencyFailure::Continue, tasks.len()));
        for target in tasks {
            let state = self.task(target)?.state;
            match &mut gate {
                Some(gate) if state.is_terminal() => gate.settle(state == Succeeded),
                _ => {
                    self.edges.entry(target).or_default().insert(id);
                }
            }
        }
        self.change(id)?.gate = gate;
        Ok(())
    }

    fn arrive(&mut self, turn: &mut Turn, id: TaskId, to: TaskState) -> Result<(), Wrong> {
        let known = self.change(id)?;
        let from = std::mem::replace(&mut known.state, to);
        if to == Running {
            let (lease, session) = turn.grants[&id];
            if let Some(held) = known.lease.replace(Held { lease, session }) {
                return Err(format!("{id} was granted as {lease} while {} was held", held.lease));
            }
            known.reported = 0;
            known.suspended = false;
            known.gate = None;
            known.wake_at = None;
            self.forget_edges_of(id);
        } else if to.is_terminal() {
            turn.ended.push(id);
            known.suspended = false;
            known.stopping = false;
            known.wake_at = None;
            self.forget_edges_of(id);
            self.settle_waiters(turn, id, to == Succeeded);
        } else if from.is_terminal() || from == NeedsAttention {
            self.revive(id)?;
        }
        Ok(())
    }

    fn forget_edges_of(&mut self, waiter: TaskId) {
        for waiters in self.edges.values_mut() {
            waiters.remove(&waiter);
        }
    }

    fn settle_waiters(&mut self, turn: &mut Turn, target: TaskId, succeeded: bool) {
        for waiter in self.edges.remove(&target).unwrap_or_default() {
            let Some(known) = self.tasks.get_mut(&waiter) else {
                continue;
            };
            if let Some(gate) = &mut known.gate {
                // What comes after the gate has opened is not waited for.
                if gate.verdict() == Verdict::Closed {
                    gate.settle(succeeded);
                }
            }
            turn.touched.insert(waiter);
        }
    }

    /// A new life, from the finished steps.
    fn revive(&mut self, id: TaskId) -> Result<(), Wrong> {
        let known = self.change(id)?;
        known.lives += 1;
        known.failures = 0;
        known.suspended = false;
        known.wake_at = None;
        let known = self.task(id)?;
        let gate = self.gate_of(known)?;
        if gate.is_some_and(|gate| gate.verdict() == Verdict::Closed) {
            for target in known.depends_on.clone() {
                if !self.task(target)?.state.is_terminal() {
                    self.edges.entry(target).or_default().insert(id);
                }
            }
        }
        self.change(id)?.gate = gate;
        Ok(())
    }

    /// The gate of a task that starts now: what it depends on, as it is.
    fn gate_of(&self, known: &Known) -> Result<Option<Gate>, Wrong> {
        if known.attempt > 0 || known.depends_on.is_empty() {
            return Ok(None);
        }
        let count = known.depends_on.len();
        let mut gate = Gate::new(known.spec.join, known.spec.on_dependency_failure, count);
        for target in &known.depends_on {
            let state = self.task(*target)?.state;
            if state.is_terminal() {
                gate.settle(state == Succeeded);
            }
        }
        Ok(Some(gate))
    }
}

impl Known {
    fn new(
        birth: super::turn::Birth,
        state: TaskState,
        gate: Option<Gate>,
        wake_at: Option<orchestrator_protocol::Timestamp>,
    ) -> Self {
        let disturbed = birth.spec.deadline.is_some() || !birth.depends_on.is_empty();
        Self {
            parent: birth.parent,
            children: std::collections::BTreeMap::new(),
            nameless: Vec::new(),
            spec: birth.spec,
            state,
            attempt: 0,
            tokens: 0,
            lines: 0,
            disturbed,
            lives: 0,
            group: birth.group,
            depends_on: birth.depends_on,
            steps: std::collections::BTreeMap::new(),
            lease: None,
            returned: None,
            reported: 0,
            failures: 0,
            runs: 0,
            all_failures: 0,
            stopping: false,
            gate,
            suspended: false,
            wake_at,
            budget_lifted: false,
            ready_at: None,
            tree_tokens: 0,
        }
    }
}

//! What a store should hold, kept beside it: each verb is checked against it and then done to it.
//!
//! The model knows what was asked and what the store said that it did (its answer and its events). It never asks the
//! store, so that a store which forgets, invents or mixes up is found out by the next verb.

mod claim;
mod moves;
mod people;
mod report;
mod rules;
mod session;
mod submit;
mod turn;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use orchestrator_core::{
    domain::gate::Gate,
    store::{Group, row::is_external},
};
use orchestrator_protocol::{
    Event, LeaseId, LimitRule, NewTask, Seq, SessionId, SideEffects, TaskId, TaskState, Timestamp, WorkerId,
};

use self::turn::Turn;

/// What is wrong, in words.
pub type Wrong = String;

/// What a store should hold.
#[derive(Debug, Default)]
pub struct Model {
    /// Every task that was recorded.
    pub tasks: BTreeMap<TaskId, Known>,
    /// Every durable event, in order.
    pub history: Vec<Event>,
    /// How many verbs were seen.
    pub verb: u64,
    sessions: BTreeMap<SessionId, Session>,
    keys: BTreeMap<String, TaskId>,
    limits: BTreeMap<String, LimitRule>,
    paused_queues: BTreeSet<String>,
    newest_lease: Option<LeaseId>,
    /// Who waits for whom, by whom they wait for.
    edges: BTreeMap<TaskId, BTreeSet<TaskId>>,
    starts: Vec<(Timestamp, TaskId)>,
    /// At which verb a worker was last granted a task.
    grants: BTreeMap<(TaskId, WorkerId), u64>,
}

/// What is known of a task.
#[derive(Debug)]
pub struct Known {
    /// Its parent.
    pub parent: Option<TaskId>,
    /// Its children.
    pub children: BTreeMap<String, TaskId>,
    /// Its children without a name in it.
    pub nameless: Vec<TaskId>,
    /// What was asked.
    pub spec: Arc<NewTask>,
    /// Where it is.
    pub state: TaskState,
    /// How often it was started.
    pub attempt: u32,
    /// Tokens that it has spent.
    pub tokens: u64,
    /// Lines that it wrote.
    pub lines: usize,
    /// Whether people, deadlines or the like had a hand in what came of it.
    pub disturbed: bool,
    /// How often someone wanted it run again.
    pub lives: u32,
    group: Option<Group>,
    depends_on: Vec<TaskId>,
    /// Its finished steps, with the verb that recorded them.
    steps: BTreeMap<String, u64>,
    lease: Option<Held>,
    /// The last lease that was given back in order, with the highest item number under it.
    returned: Option<(LeaseId, u64)>,
    /// The highest item number under the current lease.
    reported: u64,
    failures: u32,
    /// How often its agent began.
    runs: u32,
    /// Failures in all lives.
    all_failures: u32,
    /// It runs and was told to stop.
    stopping: bool,
    gate: Option<Gate>,
    /// Its agent waits, or has waited and goes on.
    suspended: bool,
    wake_at: Option<Timestamp>,
    budget_lifted: bool,
    tree_tokens: u64,
    /// When it became ready last, and whether it is.
    ready_at: Option<Timestamp>,
}

/// A lease that is held.
#[derive(Debug, Clone, Copy)]
struct Held {
    lease: LeaseId,
    session: SessionId,
}

#[derive(Debug)]
struct Session {
    worker: WorkerId,
    task_types: BTreeSet<String>,
    slots: u32,
    ttl: std::time::Duration,
    expires_at: Timestamp,
}

impl Known {
    /// Whether a person or an outside system completes it.
    pub fn is_external(&self) -> bool {
        is_external(&self.spec.task_type)
    }

    /// Its finished steps.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.steps.keys().map(String::as_str)
    }

    fn takes_no_children(&self) -> bool {
        self.state.is_terminal() || self.stopping
    }

    fn all_children(&self) -> impl Iterator<Item = TaskId> {
        self.children.values().chain(&self.nameless).copied()
    }
}

impl Model {
    /// What is known of a task.
    ///
    /// # Errors
    ///
    /// Nothing is.
    pub fn task(&self, id: TaskId) -> Result<&Known, Wrong> {
        self.tasks
            .get(&id)
            .ok_or_else(|| format!("task {id} was never recorded"))
    }

    fn change(&mut self, id: TaskId) -> Result<&mut Known, Wrong> {
        self.tasks
            .get_mut(&id)
            .ok_or_else(|| format!("task {id} was never recorded"))
    }

    /// A task and those above it, the nearest first.
    pub fn upwards(&self, id: TaskId) -> impl Iterator<Item = (TaskId, &Known)> {
        std::iter::successors(self.tasks.get(&id).map(|known| (id, known)), |(_, known)| {
            let parent = known.parent?;
            self.tasks.get(&parent).map(|known| (parent, known))
        })
    }

    /// A task and all below it.
    pub fn downwards(&self, id: TaskId) -> Vec<TaskId> {
        let mut found = vec![id];
        let mut at = 0;
        while at < found.len() {
            if let Some(known) = self.tasks.get(&found[at]) {
                found.extend(known.all_children());
            }
            at += 1;
        }
        found
    }

    /// The topmost task of a tree.
    pub fn root(&self, id: TaskId) -> TaskId {
        self.upwards(id).last().map_or(id, |(root, _)| root)
    }

    /// The newest place in the history.
    pub fn newest(&self) -> Seq {
        self.history.last().map_or(Seq(0), |event| event.seq)
    }

    /// The tasks whose lease a session holds.
    pub fn held_by(&self, session: SessionId) -> Vec<TaskId> {
        self.tasks
            .iter()
            .filter(|(_, known)| known.lease.is_some_and(|held| held.session == session))
            .map(|(id, _)| *id)
            .collect()
    }

    /// An agent begins to run.
    ///
    /// # Errors
    ///
    /// It may run only once, and has run without failing or being retried since.
    pub fn begins(&mut self, id: TaskId) -> Result<(), Wrong> {
        let known = self.change(id)?;
        known.runs += 1;
        if known.spec.side_effects == SideEffects::Once && known.runs > 1 + known.lives + known.all_failures {
            return Err(format!("{id} may run only once, and runs again"));
        }
        Ok(())
    }

    /// An agent begins the work of a step.
    ///
    /// # Errors
    ///
    /// The step had a result before this worker was granted the task.
    pub fn step_begins(&self, id: TaskId, worker: WorkerId, step: &str) -> Result<(), Wrong> {
        let known = self.task(id)?;
        let granted = self.grants.get(&(id, worker)).copied().unwrap_or_default();
        match known.steps.get(step) {
            Some(recorded) if *recorded < granted => Err(format!(
                "the step `{step}` of {id} was executed again: it was recorded by verb {recorded}, and the task was \
                 granted to the worker by verb {granted}"
            )),
            _ => Ok(()),
        }
    }

    /// Checks the events of a verb against what it may do, and takes them in.
    fn take(&mut self, turn: &mut Turn, events: &[Event]) -> Result<(), Wrong> {
        for event in events.iter().filter(|event| event.kind.is_durable()) {
            if event.seq <= self.newest() {
                return Err(format!("the event {} came after {}", event.seq, self.newest()));
            }
            self.history.push(event.clone());
            self.apply(turn, event)?;
        }
        turn.is_done(self)?;
        self.judge(turn)
    }
}

//! What agents did, counted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use orchestrator_protocol::TaskId;

use super::Witness;

/// How often everything was executed.
#[derive(Debug, Default)]
pub struct Executions {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    runs: BTreeMap<TaskId, u32>,
    steps: BTreeMap<(TaskId, String), u32>,
}

impl Executions {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often a task's agent began to run.
    pub fn runs(&self, task: TaskId) -> u32 {
        self.lock().runs.get(&task).copied().unwrap_or_default()
    }

    /// How often the work of a step began.
    pub fn steps(&self, task: TaskId, step: &str) -> u32 {
        let key = (task, step.to_owned());
        self.lock().steps.get(&key).copied().unwrap_or_default()
    }

    /// How often the work of any step began.
    pub fn all_steps(&self) -> u32 {
        self.lock().steps.values().sum()
    }
}

impl Witness for Executions {
    fn begins(&self, task: TaskId, _attempt: u32) {
        *self.lock().runs.entry(task).or_default() += 1;
    }

    fn step_begins(&self, task: TaskId, step: &str) {
        *self.lock().steps.entry((task, step.to_owned())).or_default() += 1;
    }
}

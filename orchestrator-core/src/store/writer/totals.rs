//! How many tasks are in each state, and what all have spent: by how much that changes.

use orchestrator_protocol::{Event, TaskState, Timestamp, Usage};

use super::codec::{Spent, state_code};
use crate::store::{row::TaskRow, tally::Tally};

/// Counts of tasks by state, and of what was spent, to be added.
#[derive(Debug, Default)]
pub struct Totals {
    /// By the number of the state.
    pub states: [i64; TaskState::ALL.len()],
    /// What was spent, if anything.
    pub spent: Option<Spent>,
    /// What happened.
    pub tally: Tally,
    /// When.
    pub at: Option<Timestamp>,
}

impl Totals {
    /// Whether all stays.
    pub fn is_empty(&self) -> bool {
        self.spent.is_none() && self.states.iter().all(|n| *n == 0) && self.tally == Tally::default()
    }

    /// Counts what happened.
    pub(super) fn happened(&mut self, event: &Event) {
        self.tally.count(event);
        self.at = self.at.max(Some(event.at));
    }

    /// Counts a task that is new.
    pub(super) fn born(&mut self, row: &TaskRow) {
        self.states[state_code(row.state) as usize] += 1;
        if !row.usage.is_zero() {
            self.spend(&Usage::default(), &row.usage);
        }
    }

    /// Counts a task that changed.
    pub(super) fn changed(&mut self, old: &TaskRow, new: &TaskRow) {
        if old.state != new.state {
            self.states[state_code(old.state) as usize] -= 1;
            self.states[state_code(new.state) as usize] += 1;
        }
        if old.usage != new.usage {
            self.spend(&old.usage, &new.usage);
        }
    }

    fn spend(&mut self, old: &Usage, new: &Usage) {
        let (old, new) = (Spent::from(old), Spent::from(new));
        let sum = self.spent.get_or_insert_default();
        // Only ever more is spent.
        sum.0 += new.0.saturating_sub(old.0);
        sum.1 += new.1.saturating_sub(old.1);
        sum.2 += new.2.saturating_sub(old.2);
        sum.3 += new.3.saturating_sub(old.3);
        sum.4 += new.4 - old.4;
    }
}

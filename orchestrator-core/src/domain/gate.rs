//! When a task that waits for other tasks may go on.

use orchestrator_protocol::{Join, OnDependencyFailure};
use serde::{Deserialize, Serialize};

/// The tasks that a task waits for, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// How many must come.
    pub join: Join,
    /// What those that did not succeed do.
    pub on_failure: OnDependencyFailure,
    /// How many there are.
    pub total: u32,
    /// How many have succeeded.
    pub succeeded: u32,
    /// How many have failed or were cancelled.
    pub failed: u32,
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Open,
    /// Wait.
    Closed,
    /// The join can no longer be met: cancel.
    Impossible,
}

impl Gate {
    /// A gate before any of its tasks has settled.
    pub fn new(join: Join, on_failure: OnDependencyFailure, total: usize) -> Self {
        Self {
            join,
            on_failure,
            total: u32::try_from(total).unwrap_or(u32::MAX),
            succeeded: 0,
            failed: 0,
        }
    }

    /// Counts one more settled task.
    pub fn settle(&mut self, succeeded: bool) {
        if succeeded {
            self.succeeded += 1;
        } else {
            self.failed += 1;
        }
    }

    /// How many have not settled.
    pub fn unsettled(&self) -> u32 {
        self.total.saturating_sub(self.succeeded + self.failed)
    }

    /// How many must count for the gate to open. A quorum larger than the number of tasks means all of them; an empty
    /// gate is open.
    fn needed(&self) -> u32 {
        match self.join {
            Join::All => self.total,
            Join::Any => 1.min(self.total),
            Join::Quorum(n) => n.min(self.total),
        }
    }

    /// Open, closed, or impossible.
    ///
    /// ```
    /// use orchestrator_core::domain::gate::{Gate, Verdict};
    /// use orchestrator_protocol::{Join, OnDependencyFailure};
    ///
    /// let mut gate = Gate::new(Join::Quorum(2), OnDependencyFailure::Cancel, 3);
    /// gate.settle(false);
    /// assert_eq!(gate.verdict(), Verdict::Closed);
    /// gate.settle(false);
    /// assert_eq!(gate.verdict(), Verdict::Impossible);
    /// ```
    pub fn verdict(&self) -> Verdict {
        let counted = match self.on_failure {
            OnDependencyFailure::Cancel => self.succeeded,
            OnDependencyFailure::Continue => self.succeeded + self.failed,
        };
        if counted >= self.needed() {
            Verdict::Open
        } else if counted + self.unsettled() < self.needed() {
            Verdict::Impossible
        } else {
            Verdict::Closed
        }
    }
}

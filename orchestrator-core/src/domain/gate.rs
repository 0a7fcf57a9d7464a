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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn join() -> impl Strategy<Value = Join> {
        prop_oneof![Just(Join::All), Just(Join::Any), (0..8_u32).prop_map(Join::Quorum)]
    }

    fn policy() -> impl Strategy<Value = OnDependencyFailure> {
        prop_oneof![Just(OnDependencyFailure::Cancel), Just(OnDependencyFailure::Continue)]
    }

    #[test]
    fn an_empty_gate_is_open() {
        for join in [Join::All, Join::Any, Join::Quorum(3)] {
            assert_eq!(Gate::new(join, OnDependencyFailure::Cancel, 0).verdict(), Verdict::Open);
        }
    }

    proptest! {
        /// Once open or impossible, a gate stays so, and when all have settled it is one of the two.
        #[test]
        fn a_verdict_is_final(join in join(), policy in policy(), outcomes in prop::collection::vec(any::<bool>(), 0..8)) {
            let mut gate = Gate::new(join, policy, outcomes.len());
            let mut last = gate.verdict();
            for outcome in outcomes {
                gate.settle(outcome);
                let now = gate.verdict();
                prop_assert!(last == Verdict::Closed || now == last);
                last = now;
            }
            prop_assert_ne!(last, Verdict::Closed);
        }

        /// With `continue` nothing is ever impossible.
        #[test]
        fn whatever_comes_counts(join in join(), outcomes in prop::collection::vec(any::<bool>(), 0..8)) {
            let mut gate = Gate::new(join, OnDependencyFailure::Continue, outcomes.len());
            for outcome in &outcomes {
                gate.settle(*outcome);
                prop_assert_ne!(gate.verdict(), Verdict::Impossible);
            }
            prop_assert_eq!(gate.verdict(), Verdict::Open);
        }

        /// The order in which tasks settle does not matter to the end.
        #[test]
        fn order_does_not_matter(join in join(), policy in policy(), mut outcomes in prop::collection::vec(any::<bool>(), 1..8)) {
            let end = |outcomes: &[bool]| {
                let mut gate = Gate::new(join, policy, outcomes.len());
                for outcome in outcomes {
                    gate.settle(*outcome);
                }
                gate.verdict()
            };
            let forward = end(&outcomes);
            outcomes.reverse();
            prop_assert_eq!(forward, end(&outcomes));
        }
    }
}

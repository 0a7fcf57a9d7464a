//! What counts how much when workers are compared.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What counts how much when the workers that may run a task are compared, and how long a task is left for the best.
///
/// A score is the mean of its parts, each from 0 to 1, weighed by these numbers. Only their proportions matter; 0 leaves a
/// part out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What the task prefers and the worker offers. Defaults to 3.
    pub tools: f64,
    /// Free processors and memory of its machine. Defaults to 1.
    pub resources: f64,
    /// Free slots. Defaults to 1.
    pub balance: f64,
    /// Having the task's workspace, or what a suspended agent goes on with. Defaults to 4.
    pub affinity: f64,
    /// How often tasks of the type succeeded there. Defaults to 2.
    pub success: f64,
    /// How cheaply they ran there. Defaults to 1.
    pub cost: f64,
    /// By how much another worker must score higher for a task to be left for it, from 0 to 1. Defaults to 0.05.
    pub margin: f64,
    /// How long after it became ready a task may be left for a better worker, in seconds; after that whoever has room
    /// takes it. 0: it never is. Defaults to 2.
    pub head_start_s: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            tools: 3.0,
            resources: 1.0,
            balance: 1.0,
            affinity: 4.0,
            success: 2.0,
            cost: 1.0,
            margin: 0.05,
            head_start_s: 2.0,
        }
    }
}

impl Policy {
    /// The longest head start: tasks must not starve for the sake of a better place.
    pub const LONGEST_HEAD_START_S: f64 = 3600.0;

    /// How long after it became ready a task may be left for a better worker.
    pub fn head_start(&self) -> Duration {
        Duration::from_secs_f64(self.head_start_s.clamp(0.0, Self::LONGEST_HEAD_START_S))
    }

    /// The weights of the parts together.
    pub(super) fn total(&self) -> f64 {
        self.tools + self.resources + self.balance + self.affinity + self.success + self.cost
    }

    /// Sets one of its numbers by name. Says whether there is one of that name.
    pub fn set(&mut self, name: &str, number: f64) -> bool {
        let place = match name {
            "tools" => &mut self.tools,
            "resources" => &mut self.resources,
            "balance" => &mut self.balance,
            "affinity" => &mut self.affinity,
            "success" => &mut self.success,
            "cost" => &mut self.cost,
            "margin" => &mut self.margin,
            "head_start_s" => &mut self.head_start_s,
            _ => return false,
        };
        *place = number;
        true
    }

    /// Everything that is wrong with it; nothing when it is empty.
    pub fn problems(&self) -> Vec<String> {
        let weights = [
            ("tools", self.tools),
            ("resources", self.resources),
            ("balance", self.balance),
            ("affinity", self.affinity),
            ("success", self.success),
            ("cost", self.cost),
        ];
        let mut problems: Vec<String> = weights
            .iter()
            .filter(|(_, weight)| !(0.0..=1e6).contains(weight))
            .map(|(name, weight)| format!("{name}: {weight} is not a weight from 0 to 1000000"))
            .collect();
        if !(0.0..=1.0).contains(&self.margin) {
            problems.push(format!("margin: {} is not from 0 to 1", self.margin));
        }
        if !(0.0..=Self::LONGEST_HEAD_START_S).contains(&self.head_start_s) {
            problems.push(format!(
                "head_start_s: {} is not from 0 to {}",
                self.head_start_s,
                Self::LONGEST_HEAD_START_S
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_named() {
        assert!(Policy::default().problems().is_empty());
        let nonsense = Policy {
            cost: f64::NAN,
            tools: -1.0,
            margin: 2.0,
            head_start_s: f64::INFINITY,
            ..Policy::default()
        };
        assert_eq!(nonsense.problems().len(), 4, "{:?}", nonsense.problems());
    }
}
